"""Removal of the machine's paths and host name from recordings, so that they can be published."""

import re
import socket

#: The machine's name afterwards.
HOST = "devstack"
_SITE_PACKAGES = re.compile(r"/[\w./+-]*/(?:site|dist)-packages")
_FOLDER = re.compile(r"(?<![\w.:/])/(?:tmp|work|home|root|var|srv|opt|usr/local)/[\w.+-]+(?:/[\w.+-]+)*")


def without_paths(text: str) -> str:
    """Return ``text`` with the beginning of paths replaced by that of any machine."""
    text = _SITE_PACKAGES.sub("/usr/lib/python3/dist-packages", text)
    return _FOLDER.sub(lambda match: "/srv/cloud/" + match[0].rpartition("/")[2], text)


def without_host(text: str) -> str:
    """Return ``text`` with this machine's name replaced, except within a longer word."""
    return re.sub(rf"(?<![\w-]){re.escape(socket.gethostname())}(?![\w-])", HOST, text)
