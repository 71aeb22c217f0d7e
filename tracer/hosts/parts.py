"""The parts of a capture that come from one host: its files, checked before they are written here.

A host is not trusted: a name is a plain one of a recording's files, a file only grows, and all are bounded.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tracer.attach import spool as spools
from tracer.attach.spool_location import PARTS
from tracer.files import folder as folders
from tracer.files.folder import Folder
from tracer.hosts.channel import ChannelError, Head

_PART = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
#: Between a host's name and its part: neither contains it.
SEPARATOR = "+"
_MAX_PARTS = 1000
_MAX_DATA = 8 << 20


def folder_name(host: str, part: str) -> str:
    """Return the name of the folder of a host's part within the capture's parts."""
    return f"{host.replace(':', '_').replace('%', '_')}{SEPARATOR}{part}"


class HostParts:
    """The files of one host in the capture at ``path``; together they have at most ``room`` bytes."""

    def __init__(self, path: Path, host: str, room: int) -> None:
        self._path = path
        self._host = host
        self._sizes: dict[tuple[str, str], int] = {}
        self._room = room
        for part, name, size in self._existing():
            self._sizes[part, name] = size
            self._room -= size

    def _existing(self) -> Iterator[tuple[str, str, int]]:
        with suppress(FileNotFoundError), folders.opened(self._path) as capture, capture.folder(PARTS) as above:
            for folder in above.names():
                host, separator, part = folder.partition(SEPARATOR)
                if separator and folder == folder_name(self._host, part) and host:
                    with above.folder(folder) as inner:
                        yield from ((part, name, size) for name, size in _sizes(inner))

    def marks(self) -> dict[str, dict[str, int]]:
        """Return the bytes of each file that are here already, by part."""
        marks: dict[str, dict[str, int]] = {}
        for (part, name), size in self._sizes.items():
            if not name.endswith(".open"):
                marks.setdefault(part, {})[name] = size
        return marks

    def take(self, head: Head, packed: bytes) -> None:
        """Write a new part of a file that the host sent; ChannelError if it is not one."""
        part, name, offset, data = _checked(head, packed)
        whole = name.endswith(".open")
        size = self._sizes.get((part, name), 0)
        if offset != (0 if whole else size):
            raise ChannelError(f"invalid data: {name} does not continue where it ended")
        grown = len(data) - (size if whole else 0)
        if (part, name) not in self._sizes and len(self._sizes) >= spools.MAX_FILES:
            raise ChannelError("invalid data: too many files")
        if size + len(data) > spools.MAX_FILE or grown > self._room:
            raise ChannelError("it records more than the capture may hold (--cap)")
        with self._folder(part, is_segment=not name.endswith(".log")) as folder:
            if whole:
                with folder.write(name) as file:
                    file.write(data)
            else:
                _append(folder, name, size, data)
        self._sizes[part, name] = len(data) if whole else size + len(data)
        self._room -= grown

    def _folder(self, part: str, *, is_segment: bool) -> Folder:
        if part not in {known for known, _ in self._sizes} and len({known for known, _ in self._sizes}) >= _MAX_PARTS:
            raise ChannelError("invalid data: too many parts")
        with folders.opened(self._path) as capture, capture.private_folder(PARTS) as above:
            inner = above.private_folder(folder_name(self._host, part))
            if not is_segment:
                return inner
            with inner:
                return inner.private_folder(spools.SEGMENTS)


def _checked(head: Head, packed: bytes) -> tuple[str, str, int, bytes]:
    part, name, offset, size = (head.get(key) for key in ("part", "name", "offset", "size"))
    if type(part) is not str or type(name) is not str or type(offset) is not int or type(size) is not int:
        raise ChannelError("invalid data: a field has another type")
    if not _PART.fullmatch(part) or not spools.is_collected(name) or offset < 0 or not 0 < size <= _MAX_DATA:
        raise ChannelError("invalid data: not a file of a recording")
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(packed, size)
    except zlib.error:
        raise ChannelError("invalid data: not packed as it should be") from None
    if len(data) != size or unpacking.decompress(unpacking.unconsumed_tail, 1) or not unpacking.eof:
        raise ChannelError("invalid data: of another size")
    return part, name, offset, data


def _append(folder: Folder, name: str, size: int, data: bytes) -> None:
    with os.fdopen(folder.append(name), "r+b") as file:
        if file.seek(0, os.SEEK_END) != size:
            raise ChannelError(f"{name}: changed by another program")
        file.write(data)


def _sizes(folder: Folder) -> Iterator[tuple[str, int]]:
    for name in folder.names():
        if spools.is_collected(name):
            yield name, folder.about(name).st_size
    with suppress(FileNotFoundError), folder.folder(spools.SEGMENTS) as segments:
        for name in segments.names():
            if spools.is_collected(name):
                yield name, segments.about(name).st_size
