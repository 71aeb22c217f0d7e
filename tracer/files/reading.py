"""Open a file to read from: a regular one, without waiting, and what was opened is what was checked."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from tracer.files.folder import MAX_BYTES, Folder
from tracer.files.walking import Walk, Way

_STREAM = re.compile(r"/dev/stdin|/(?:dev|proc/self)/fd/(\d{1,7})")


@contextmanager
def opened(path: Path, *, own: bool = False) -> Iterator[BufferedReader]:
    """A regular file, with ``own`` the caller's on a way that nobody else can change; or a stream that is named so.

    Streams are /dev/stdin and the other descriptors of this process, as shells write them for ``<(command)``.
    """
    stream = _STREAM.fullmatch(str(path))
    if stream is not None:
        with _duplicate(int(stream[1] or 0)) as file:
            yield file
    else:
        with _regular(path, own) as file:
            yield file


def _duplicate(descriptor: int) -> BufferedReader:
    return os.fdopen(os.dup(descriptor), "rb")


def _regular(path: Path, own: bool) -> BufferedReader:
    walk = Walk(path, Way.OWN if own else Way.INPUT)
    with Folder(walk.descriptor, path.parent) as folder:
        if walk.name == ".":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return folder.open(walk.name, own=own)


def contents(path: Path, limit: int = MAX_BYTES, *, own: bool = False) -> bytes:
    """All of it; an error where that is more than ``limit`` bytes."""
    with opened(path, own=own) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"more than {limit} bytes")
    return data


def scratch() -> BinaryIO:
    """A file without a name, gone when it is closed."""
    return tempfile.TemporaryFile()
