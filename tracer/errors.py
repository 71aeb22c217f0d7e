"""Errors that the user can fix: one line, one exit code."""


class TracerError(Exception):
    """An error message: what, where, what to do; the command line prints it and exits with 2."""


class UnreadableError(TracerError):
    """A file that cannot be read to its end; other files still are."""
