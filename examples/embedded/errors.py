"""The one error of the embedded cloud: what failed and where its log is, in one line."""


class EmbeddedError(Exception):
    """Ends the command with exit code 2."""
