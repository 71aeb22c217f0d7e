"""Files that are written whole or not at all, and the caller's own streams."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tracer.errors import TracerError
from tracer.files.folder import Folder
from tracer.files.trust import UnsafeError, is_shared, is_trusted, kind, owner
from tracer.files.walk import Walk, Way

_STREAMS = {"-": 1, "/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,7})")


@contextmanager
def written(path: Path, mode: int = 0o600, *, replace: bool = True) -> Iterator[BinaryIO]:
    """A file to write to, which becomes ``path`` at the end; until then, and on failure, ``path`` stays as it was.

    Only the caller's own regular file is replaced, by one in the same folder; without ``replace`` nothing is. A stream
    of this process (``-``, /dev/stdout), a pipe of the caller's and a terminal or the like, where nobody else can have
    put it, are written to as they are. A TracerError says what was refused.
    """
    try:
        stream = descriptor(path)
        if stream is not None:
            sys.stdout.flush()
            with os.fdopen(os.dup(stream), "wb") as file:
                yield file
            return
        with _target(path) as (folder, name):
            if _is_device(folder, name):
                with _opened_device(folder, name) as file:
                    yield file
            else:
                with folder.write(name, mode, replace=replace) as file:
                    yield file
    except OSError as error:
        raise _refusal(path, error) from None


def check(path: Path, *, replace: bool = True) -> None:
    """Refuse, before long work, what ``written`` would refuse after it; without ``replace`` whatever exists."""
    if descriptor(path) is not None:
        return
    try:
        with _target(path) as (folder, name):
            if _is_device(folder, name):
                return
            folder.check_free(name, replace=replace)
            if not os.access(".", os.W_OK | os.X_OK, dir_fd=folder.descriptor, effective_ids=True):
                raise PermissionError(0, "Permission denied")
    except OSError as error:
        raise _refusal(path, error) from None


def descriptor(path: Path) -> int | None:
    """The descriptor of this process that a path names, None where it names a file."""
    named = _DESCRIPTOR.fullmatch(str(path))
    return int(named[1]) if named else _STREAMS.get(str(path))


def _refusal(path: Path, error: OSError) -> TracerError:
    return TracerError(f"{path}: cannot be written: {error.strerror or error}")


@contextmanager
def _target(path: Path) -> Iterator[tuple[Folder, str]]:
    walk = Walk(path, Way.OUTPUT)
    with Folder(walk.descriptor, path.parent) as folder:
        if walk.name == ".":
            raise IsADirectoryError(None, "a folder, not a file")
        yield folder, walk.name


def _is_device(folder: Folder, name: str) -> bool:
    try:
        mode = folder.about(name).st_mode
    except FileNotFoundError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _opened_device(folder: Folder, name: str) -> BinaryIO:
    _check_device(folder, folder.about(name), name)
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
    opened = os.open(name, flags, dir_fd=folder.descriptor)
    try:
        _check_device(folder, os.fstat(opened), name)
        return os.fdopen(opened, "wb")
    except BaseException:
        os.close(opened)
        raise


def _check_device(folder: Folder, about: os.stat_result, name: str) -> None:
    """Only what the caller or root has put where nobody else can put another."""
    here = folder.about()
    if not is_trusted(about):
        raise UnsafeError(f"{name} is {kind(about)} of {owner(about)}'s")
    if not is_trusted(here) or is_shared(folder.descriptor, here):
        raise UnsafeError(f"{name} is {kind(about)} where others may put theirs")


def silence(number: int) -> None:
    """Lead a descriptor of this process to nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, number)
    os.close(nowhere)


def default_mode() -> int:
    """What a file that anyone makes gets here."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask
