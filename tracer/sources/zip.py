"""Members of a zip archive, read one by one: nothing of it is extracted."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO

from tracer.errors import UnreadableError
from tracer.sources.packing import DAMAGED
from tracer.sources.tar import Header

MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
#: Bytes of the directory of members, all of which the standard library reads at once: that of 100,000 long names.
_MAX_DIRECTORY = 24 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1


class _Bounded:
    """A file that refuses to return more at once than the longest directory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > _MAX_DIRECTORY:
            raise UnreadableError(f"its directory is longer than {_MAX_DIRECTORY >> 20} MB; extract the logs in it")
        return self._file.read(size if size >= 0 else _MAX_DIRECTORY)


class Zip:
    """A zip archive; ``fault`` is the reason why the current member ends early, "" if it does not."""

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._archive = zipfile.ZipFile(_Bounded(file))
        except (zipfile.BadZipFile, OSError, ValueError, OverflowError, NotImplementedError) as error:
            raise UnreadableError(f"cannot be read: {error}") from None
        self._member: IO[bytes] | None = None
        self.fault = ""

    def members(self) -> Iterator[Header]:
        """Yield each member; its content can be read until the next one is asked for."""
        for info in self._archive.infolist():
            self.fault, self._member = "", None
            mode = info.external_attr >> 16
            is_file = not info.is_dir() and (not stat.S_IFMT(mode) or stat.S_ISREG(mode))
            if is_file:
                self._open(info)
            yield Header(info.filename, info.file_size, _time(info), is_file, info.is_dir())

    def _open(self, info: zipfile.ZipInfo) -> None:
        if info.flag_bits & _ENCRYPTED:
            self.fault = "encrypted"
        elif info.compress_type not in _METHODS:  # of which the library unpacks any amount at once
            self.fault = "packed by another method than deflate"
        else:
            try:
                self._member = self._archive.open(info)
            except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
                self.fault = DAMAGED

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes of the current member, b"" at its end."""
        if self._member is None:
            return b""
        try:
            return self._member.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError):
            self.fault, self._member = DAMAGED, None
            return b""


def _time(info: zipfile.ZipInfo) -> int:
    try:
        return int(datetime(*info.date_time, tzinfo=UTC).timestamp())
    except ValueError:
        return 0
