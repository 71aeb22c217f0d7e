"""What can go wrong in a way the user can mend: one line, one exit code."""


class TracerError(Exception):
    """A message that says what is wrong, where, and what to do; the command line prints it and exits with 2."""


class UnreadableError(TracerError):
    """One file cannot be read, or no further; where there are others, they are."""
