"""Files opened for reading: regular ones, without blocking; the opened file is the one that was checked."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from tracer.errors import TracerError
from tracer.files.folder import MAX_BYTES, Folder
from tracer.files.trust import is_mine, is_trusted
from tracer.files.walk import Walk, Way

_STDIN = Path("-")
#: Bytes that are copied of stdin at most, and at a time.
_MOST, _PIECE = 4 << 30, 1 << 20
#: Bytes of a file that people write by hand, or of one with a few entries.
_SMALL = 1 << 20
_STREAM = re.compile(r"/dev/stdin|/(?:dev|proc/self)/fd/(\d{1,7})")


@contextmanager
def opened(path: Path, *, own: bool = False, stream: bool = False) -> Iterator[BufferedReader]:
    """Yield a regular file, with ``own`` the caller's on a path that no other user controls; or a named stream.

    Streams are /dev/stdin and the other descriptors of this process, as shells write them for ``<(command)``, and
    ``-``, stdin, which may be opened again; with ``stream`` also a pipe of the caller's in a folder that no other user
    can write to; opening that one blocks.
    """
    descriptor = _STREAM.fullmatch(str(path))
    if path == _STDIN:
        with os.fdopen(os.open(f"/proc/self/fd/{_copy_of_stdin().fileno()}", os.O_RDONLY), "rb") as file:
            yield file
    elif descriptor is not None:
        with _duplicate(int(descriptor[1] or 0)) as file:
            yield file
    else:
        with _named(path, own, stream) as file:
            yield file


@cache
def _copy_of_stdin() -> BinaryIO:
    """Return a file with what stdin holds, which can be read only once."""
    copy = scratch()
    with _duplicate(0) as stdin:
        while piece := stdin.read(_PIECE):
            copy.write(piece)
            if copy.tell() > _MOST:
                raise OSError(errno.EFBIG, f"more than {_MOST >> 30} GB")
    copy.flush()
    return copy


def _duplicate(descriptor: int) -> BufferedReader:
    return os.fdopen(os.dup(descriptor), "rb")


def _named(path: Path, own: bool, stream: bool) -> BufferedReader:
    walk = Walk(path, Way.OWN if own else Way.INPUT)
    with Folder(walk.descriptor, path.parent) as folder:
        if walk.name == ".":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if stream and _is_own_pipe(folder, walk.name):
            return os.fdopen(
                os.open(walk.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder.descriptor), "rb"
            )
        return folder.open(walk.name, own=own)


def _is_own_pipe(folder: Folder, name: str) -> bool:
    about, here = folder.about(name), folder.about()
    return stat.S_ISFIFO(about.st_mode) and is_mine(about) and is_trusted(here) and not folder.is_shared()


def contents(path: Path, limit: int = MAX_BYTES, *, own: bool = False) -> bytes:
    """Return the bytes of a file; OSError (EFBIG) for more than ``limit``."""
    with opened(path, own=own) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"more than {limit} bytes")
    return data


def scratch() -> BinaryIO:
    """Return a file without a name, removed when it is closed."""
    return tempfile.TemporaryFile()


def small_text(path: Path, most: int = _SMALL) -> str:
    """Return the text of a UTF-8 file of at most ``most`` bytes; TracerError with the reason if it cannot be read."""
    try:
        data = contents(path, most)
        return data.decode("utf-8")
    except OSError as error:
        raise TracerError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TracerError(f"{path}:{line}: not a text file: invalid UTF-8") from None
