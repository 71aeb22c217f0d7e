"""Texts: log files, packed files and pipes as one buffer of UTF-8 each, so that memory stays flat over their size."""

from __future__ import annotations

import codecs
import contextlib
import errno
import gzip
import mmap
import os
import re
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from tracer.errors import TracerError

#: What a packed file or a pipe may hold; a few kilobytes can be packed to unpack to any size.
MAX_UNPACKED = 8 << 30
#: What a byte order mark says, the longer first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Without such a mark: what the zeros beside a line's first two characters say.
_ZEROS = ((re.compile(rb"[^\0]\0[^\0]\0"), "utf-16-le"), (re.compile(rb"\0[^\0]\0[^\0]"), "utf-16-be"))
_CHUNK = 1 << 20
STDIN = Path("-")

Buffer = bytes | mmap.mmap


@contextmanager
def opened(path: Path) -> Iterator[Buffer]:
    """All of ``path`` as bytes in UTF-8; ``-`` is stdin. TracerError where it cannot be read."""
    try:
        with _plain(path) as file, _mapped(file) as data:
            yield data
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise TracerError(f"{path}: cannot be read: {reason}") from None


def let_go(data: Buffer, end: int) -> None:
    """What stands before ``end`` has been read: it need not stay in this process's memory."""
    if isinstance(data, mmap.mmap):
        data.madvise(mmap.MADV_DONTNEED, 0, end - end % mmap.PAGESIZE)


def written(path: Path) -> datetime:
    """When ``path`` was written last: dates without a year are of the year before that."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path != STDIN else datetime.now(UTC)
    except (OSError, ValueError, OverflowError):
        return datetime.now(UTC)


@contextmanager
def _plain(path: Path) -> Iterator[IO[bytes]]:
    """The file itself where it can be mapped as it is, else a nameless copy of what it means."""
    with _seekable(path) as file:
        head = file.read(4)
        file.seek(0)
        encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
        encoding = encoding or next((name for zeros, name in _ZEROS if zeros.match(head)), None)
        if not encoding and head[:2] != b"\x1f\x8b":
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            if encoding:
                _recode(file, copy, encoding)
            else:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    _copy(path, unpacked, copy)
            yield copy


@contextmanager
def _seekable(path: Path) -> Iterator[IO[bytes]]:
    """The file; of stdin and of pipes, what came through them."""
    if path == STDIN and sys.stdin is None:
        raise OSError(errno.EBADF, "closed")
    with contextlib.nullcontext(sys.stdin.buffer) if path == STDIN else path.open("rb") as file:
        about = None if path == STDIN else os.fstat(file.fileno()).st_mode
        if about is not None and stat.S_ISREG(about):
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            _copy(path, file, copy)
            copy.seek(0)
            yield copy


def _recode(source: IO[bytes], copy: IO[bytes], encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    while chunk := source.read(_CHUNK):
        copy.write(decoder.decode(chunk).encode("utf-8", "replace"))
    copy.write(decoder.decode(b"", final=True).encode("utf-8", "replace"))


def _copy(path: Path, source: IO[bytes] | gzip.GzipFile, copy: IO[bytes]) -> None:
    left = MAX_UNPACKED
    while chunk := source.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise TracerError(f"{path}: holds over {MAX_UNPACKED >> 30} GB unpacked; cut the part that is wanted out")
        copy.write(chunk)


@contextmanager
def _mapped(file: IO[bytes]) -> Iterator[Buffer]:
    if file.writable():
        file.flush()
    if not os.fstat(file.fileno()).st_size:
        yield b""
    else:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            yield data
        finally:
            # After an error or Ctrl-C its traceback still holds who was reading; the map then goes with it.
            with contextlib.suppress(BufferError):
                data.close()
