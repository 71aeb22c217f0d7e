"""Files that are written completely or not at all, and the caller's own streams."""

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
    """Yield a file to write to, which becomes ``path`` at the end; until then, and on failure, ``path`` is unchanged.

    Only the caller's own regular file is replaced, by one in the same folder; without ``replace`` no file is. A stream
    of this process (``-``, /dev/stdout), a pipe of the caller's and a terminal or the like, in a folder that no other
    user can write to, are written to directly. Raises TracerError with the reason of a refusal.
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
    """Refuse, before long work, a path that ``written`` would refuse after it; without ``replace`` any existing one."""
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
    """Return the descriptor of this process that a path names, None if it names a file."""
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
    """Refuse a device that others own, or in a folder that others may write to."""
    here = folder.about()
    if not is_trusted(about):
        raise UnsafeError(f"{name} is {kind(about)} owned by {owner(about)}")
    if not is_trusted(here) or is_shared(folder.descriptor, here):
        raise UnsafeError(f"{name} is {kind(about)} in a folder that others may write to")


def silence(number: int) -> None:
    """Redirect a descriptor of this process to /dev/null."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, number)
    os.close(nowhere)


def default_mode() -> int:
    """Return the mode of a new file under the current umask."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask
