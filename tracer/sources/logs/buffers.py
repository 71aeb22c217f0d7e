"""Log files, packed files and pipes opened as UTF-8 text, in memory independent of their size."""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from tracer.errors import UnreadableError
from tracer.files import read as files_read
from tracer.sources import packing
from tracer.sources.logs.blocks import Text
from tracer.sources.packing import Budget

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
SHORTENED = "truncated while being read; only the part before the cut is read"
STDIN = Path("-")


@contextmanager
def opened(path: Path) -> Iterator[Text]:
    """Open ``path`` as UTF-8 text; ``-`` is stdin. UnreadableError if it cannot be read."""
    with file_of(path) as file, text_of(path, file, Budget()) as text:
        yield text


@contextmanager
def file_of(path: Path) -> Iterator[IO[bytes]]:
    """Yield the file, or a copy of the data from stdin or a pipe; UnreadableError if it cannot be read."""
    try:
        with _seekable(path) as file:
            yield file
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a NUL byte in its name
        raise UnreadableError(f"{path}: cannot be read: {error}") from None


@contextmanager
def text_of(path: Path, file: IO[bytes], budget: Budget) -> Iterator[Text]:
    """Yield an open file as UTF-8 text, unpacked and recoded as necessary."""
    with _plain(path, file, budget) as (plain, fault):
        if plain.writable():
            plain.flush()
        text = Text(plain.fileno())
        text.fault = fault
        yield text


def modified_at(path: Path) -> datetime:
    """Return when ``path`` was last modified: dates without a year lie in the year before."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path != STDIN else datetime.now(UTC)
    except (OSError, ValueError, OverflowError):
        return datetime.now(UTC)


@contextmanager
def _plain(path: Path, file: IO[bytes], budget: Budget) -> Iterator[tuple[IO[bytes], str]]:
    """Yield the file, or an unnamed unpacked and recoded copy of it, and the error of unpacking ("" if none)."""
    with ExitStack() as stack:
        fault = ""
        if packing.is_packed(_head(file)):
            packed, file = file, stack.enter_context(files_read.scratch())
            fault = _unpack(path, packed, file, budget)
        head = _head(file)
        encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
        encoding = encoding or next((name for zeros, name in _ZEROS if zeros.match(head)), None)
        if encoding:
            source, file = file, stack.enter_context(files_read.scratch())
            _recode(source, file, encoding)
        yield file, fault


def _head(file: IO[bytes]) -> bytes:
    file.seek(0)
    head = file.read(packing.HEAD)
    file.seek(0)
    return head


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
            copy_all(path, _bounded(file.read, Budget()), copy)
            copy.seek(0)
            yield copy


def _unpack(path: Path, file: IO[bytes], copy: IO[bytes], budget: Budget) -> str:
    """Unpack as much as possible; return the error of the rest, "" if there is none."""
    unpacked = packing.Unpacked(file.read, budget)
    copy_all(path, unpacked.read, copy)
    if unpacked.fault and not copy.tell():
        raise OSError(0, unpacked.reason)
    return unpacked.fault


def _recode(source: IO[bytes], copy: IO[bytes], encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    while chunk := source.read(_CHUNK):
        copy.write(decoder.decode(chunk).encode("utf-8", "replace"))
    copy.write(decoder.decode(b"", final=True).encode("utf-8", "replace"))


def _bounded(read: Callable[[int], bytes], budget: Budget) -> Callable[[int], bytes]:
    def bounded(size: int) -> bytes:
        data = read(size)
        budget.spend(len(data))
        return data

    return bounded


def copy_all(path: Path, read: Callable[[int], bytes], copy: IO[bytes]) -> None:
    """Copy what ``read`` returns until its end; its UnreadableError gets the path's name."""
    try:
        while chunk := read(_CHUNK):
            copy.write(chunk)
    except UnreadableError as error:
        raise UnreadableError(f"{path}: {error}") from None
