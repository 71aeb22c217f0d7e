"""A cpio archive in the form that the kernel unpacks as its first file system."""

from collections.abc import Iterable
from dataclasses import dataclass

_FOLDER = 0o040755
_FILE = 0o100000
_LAST = "TRAILER!!!"


@dataclass(frozen=True)
class Member:
    """A file, or a folder if it has no content; its folders precede it."""

    name: str
    content: bytes | None = None
    mode: int = 0o644


def archive(members: Iterable[Member]) -> bytes:
    """Return the archive, in the format that cpio calls newc."""
    parts = [_entry(number, member) for number, member in enumerate(members, 1)]
    return b"".join([*parts, _entry(0, Member(_LAST, b"", 0), kind=0)])


def _entry(number: int, member: Member, kind: int = _FILE) -> bytes:
    content = member.content or b""
    mode = _FOLDER if member.content is None else kind | member.mode
    name = member.name.encode() + b"\0"
    # inode, mode, owner, group, links, time, size, device, device of a node, length of the name, checksum
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return _padded(head) + _padded(content)


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % 4)
