"""Log files, packed files and pipes opened as UTF-8 text, in memory independent of their size."""

from __future__ import annotations

import codecs
import contextlib
import errno
import gzip
import os
import re
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from tracer.errors import UnreadableError
from tracer.files import read as files_read
from tracer.sources.logs.blocks import Text

#: The most bytes read from a packed file or a pipe; a few kilobytes can unpack to any size.
MAX_UNPACKED = 8 << 30
#: Byte order marks, the longer first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Without a mark: the zero bytes beside a line's first two characters.
_ZEROS = ((re.compile(rb"[^\0]\0[^\0]\0"), "utf-16-le"), (re.compile(rb"\0[^\0]\0[^\0]"), "utf-16-be"))
_CHUNK = 1 << 20
#: A text that is merely cut off does not count as damaged.
CUT_OFF = "cut off; only the part before the cut is read"
SHORTENED = "truncated while being read; only the part before the cut is read"
STDIN = Path("-")


@contextmanager
def opened(path: Path) -> Iterator[Text]:
    """Open ``path`` as UTF-8 text; ``-`` is stdin. UnreadableError if it cannot be read."""
    try:
        with _plain(path) as (file, fault):
            if file.writable():
                file.flush()
            text = Text(file.fileno())
            text.fault = fault
            yield text
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a NUL byte in its name
        raise UnreadableError(f"{path}: cannot be read: {error}") from None


def modified_at(path: Path) -> datetime:
    """Return when ``path`` was last modified: dates without a year lie in the year before."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path != STDIN else datetime.now(UTC)
    except (OSError, ValueError, OverflowError):
        return datetime.now(UTC)


@contextmanager
def _plain(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    """Yield the file, or an unnamed unpacked or recoded copy of it, and the error of unpacking ("" if none)."""
    with _seekable(path) as file:
        head = file.read(4)
        file.seek(0)
        encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
        encoding = encoding or next((name for zeros, name in _ZEROS if zeros.match(head)), None)
        if not encoding and head[:2] != b"\x1f\x8b":
            yield file, ""
            return
        with files_read.scratch() as copy:
            fault = _unpack(path, file, copy) if not encoding else ""
            if encoding:
                _recode(file, copy, encoding)
            yield copy, fault


@contextmanager
def _seekable(path: Path) -> Iterator[IO[bytes]]:
    """Yield the file, or a copy of the data from stdin or a pipe."""
    if path == STDIN and sys.stdin is None:
        raise OSError(errno.EBADF, "closed")
    with contextlib.nullcontext(sys.stdin.buffer) if path == STDIN else files_read.opened(path, stream=True) as file:
        about = None if path == STDIN else os.fstat(file.fileno()).st_mode
        if about is not None and stat.S_ISREG(about):
            yield file
            return
        with files_read.scratch() as copy:
            _copy(path, file.read, copy)
            copy.seek(0)
            yield copy


def _unpack(path: Path, file: IO[bytes], copy: IO[bytes]) -> str:
    """Unpack as much as possible; return the error of the rest, "" if there is none."""
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            _copy(path, unpacked.read1, copy)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        if not copy.tell():
            raise OSError(0, f"{error}") from None
        return CUT_OFF if isinstance(error, EOFError) else "damaged; only the part before the damage is read"
    return ""


def _recode(source: IO[bytes], copy: IO[bytes], encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    while chunk := source.read(_CHUNK):
        copy.write(decoder.decode(chunk).encode("utf-8", "replace"))
    copy.write(decoder.decode(b"", final=True).encode("utf-8", "replace"))


def _copy(path: Path, read: Callable[[int], bytes], copy: IO[bytes]) -> None:
    remaining = MAX_UNPACKED
    while chunk := read(_CHUNK):
        remaining -= len(chunk)
        if remaining < 0:
            raise UnreadableError(f"{path}: holds over {MAX_UNPACKED >> 30} GB unpacked; extract the part you need")
        copy.write(chunk)
