"""Members of a tar archive, read as a stream: nothing of it is extracted, and no header is longer than its bound."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from tracer.sources.packing import CUT_OFF, DAMAGED, Read

BLOCK = tarfile.BLOCKSIZE
#: The longest header that gives a name in another block.
_MAX_HEADER = 1 << 16
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_PAX = re.compile(rb"\d+ (?P<key>path|size)=(?P<value>[^\n]*)\n")


@dataclass(slots=True)
class Header:
    """A member's name, size, time of change, and kind: a file, or else a folder, link or device."""

    name: str
    size: int
    time: int
    is_file: bool
    is_folder: bool = False


def header(block: bytes) -> tarfile.TarInfo | None:
    """Return the header in a block, None if it is none: its checksum is wrong."""
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return None
    return info if info.size >= 0 else None


class Tar:
    """A tar archive that is read from the front; ``fault`` is the reason why it ends early, "" if it does not."""

    def __init__(self, read: Read) -> None:
        self._read = read
        #: bytes of the member's content, and of the padding behind it, that are still to be read
        self._left = self._padding = 0
        self.fault = ""

    def members(self) -> Iterator[Header]:
        """Yield each member; its content can be read until the next one is asked for."""
        names: dict[str, bytes] = {}
        while True:
            self._skip()
            block = self._exactly(BLOCK)
            if len(block) < BLOCK:
                self.fault = self.fault or CUT_OFF
                return
            if not block.strip(b"\0"):
                return
            info = header(block)
            if info is None:
                self.fault = self.fault or DAMAGED
                return
            self._left, self._padding = info.size, -info.size % BLOCK
            if info.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.SOLARIS_XHDTYPE):
                names |= self._names(info)
                continue
            if info.type in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
                continue
            if info.type == tarfile.GNUTYPE_SPARSE:
                self._skip_map(block[482])
            if names.get("size", b"").isdigit():
                self._left = int(names["size"][:20])
                self._padding = -self._left % BLOCK
            name = names["path"].decode("utf-8", "surrogateescape") if "path" in names else info.name
            names = {}
            yield Header(name, self._left, int(info.mtime), info.type in _FILES, info.isdir() or name.endswith("/"))

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes of the current member, b"" at its end."""
        data = self._read(min(size, self._left)) if self._left else b""
        if self._left and not data:
            self.fault, self._left, self._padding = self.fault or CUT_OFF, 0, 0
        self._left -= len(data)
        return data

    def _names(self, info: tarfile.TarInfo) -> dict[str, bytes]:
        """Return the path and size in a header of its own, {} if it is too long."""
        if info.size > _MAX_HEADER:
            return {}
        data = b""
        while part := self.read(info.size):
            data += part
        if info.type == tarfile.GNUTYPE_LONGNAME:
            return {"path": data.rstrip(b"\0")}
        return {match["key"].decode(): match["value"] for match in _PAX.finditer(data)}

    def _skip_map(self, is_extended: int) -> None:
        while is_extended:
            block = self._exactly(BLOCK)
            is_extended = block[504] if len(block) == BLOCK else 0

    def _skip(self) -> None:
        while self.read(1 << 16):
            pass
        self._exactly(self._padding)
        self._padding = 0

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (part := self._read(size - len(data))):
            data += part
        return data
