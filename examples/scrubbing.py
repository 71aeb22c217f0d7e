"""Taking the machine out of what was recorded on it, so that it may be shown: paths and the host's name."""

import re
import socket

#: What the machine is called afterwards.
HOST = "devstack"
_SITE_PACKAGES = re.compile(r"/[\w./+-]*/(?:site|dist)-packages")
_FOLDER = re.compile(r"(?<![\w.:/])/(?:tmp|work|home|root|var|srv|opt|usr/local)/[\w.+-]+(?:/[\w.+-]+)*")


def without_paths(text: str) -> str:
    """``text`` with paths that end the same and begin as on any machine."""
    text = _SITE_PACKAGES.sub("/usr/lib/python3/dist-packages", text)
    return _FOLDER.sub(lambda found: "/srv/cloud/" + found[0].rpartition("/")[2], text)


def without_host(text: str) -> str:
    """``text`` with another name for this machine; where the name is part of a longer word it stays."""
    return re.sub(rf"(?<![\w-]){re.escape(socket.gethostname())}(?![\w-])", HOST, text)
