"""A host's address: how ssh reaches it, as the operator wrote it; each field is checked before it becomes a word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from tracer.errors import TracerError

#: This machine.
LOCAL = "local"
#: Names of hosts and users: none begins with a dash, which would be an option.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:%-]{0,252}", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}", re.ASCII)
_PYTHON = re.compile(r"/[\w./+-]{1,255}|python3(\.\d{1,2})?", re.ASCII)


@dataclass(frozen=True)
class Address:
    """A host by its name in the inventory; empty fields are left to the operator's ssh_config."""

    name: str
    host: str = ""
    user: str = ""
    port: int = 0
    key: str = ""
    #: More words for ssh, as Ansible's ansible_ssh_common_args.
    options: tuple[str, ...] = ()
    python: str = "python3"
    become: bool = False
    is_local: bool = False

    def __post_init__(self) -> None:
        for what, text, pattern in (
            ("name", self.name, _NAME), ("address", self.host or self.name, _NAME), ("user", self.user or "u", _USER),
            ("Python", self.python, _PYTHON),
        ):  # fmt: skip
            if not pattern.fullmatch(text):
                raise TracerError(f"{self.name}: invalid {what} of a host: {text!r}")
        if not 0 <= self.port < 1 << 16:
            raise TracerError(f"{self.name}: invalid port of a host: {self.port}")


def parse(text: str) -> Address:
    """Return the address of ``ssh://user@host:port``, of a bare host, or of ``local``."""
    if text == LOCAL:
        return Address(LOCAL, is_local=True)
    url = urlsplit(text if "://" in text else f"ssh://{text}")
    try:
        port = url.port or 0
    except ValueError:
        raise TracerError(f"{text}: invalid port of a host") from None
    if url.scheme != "ssh" or not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise TracerError(f"{text}: expected ssh://user@host:port, or local")
    if url.password is not None:
        raise TracerError(f"{url.hostname}: a password in an address is not supported; use a key or an agent")
    name = url.netloc.rpartition("@")[2]
    return Address(name, url.hostname if port else "", url.username or "", port)
