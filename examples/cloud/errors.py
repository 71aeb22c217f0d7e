"""The error of the cloud."""


class CloudError(Exception):
    """A failure in one line, with the path of the log and the remedy if there is one."""
