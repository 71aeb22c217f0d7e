"""What goes wrong in the cloud, in one line."""


class CloudError(Exception):
    """Names what failed, where its log is, and what to do if anything can be done."""
