"""The error of the embedded cloud."""


class EmbeddedError(Exception):
    """A failure in one line, with the path of the log; it ends the command with exit code 2."""
