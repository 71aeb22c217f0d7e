"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tracer.errors import TracerError


@contextmanager
def written(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """A file to write to, which becomes ``path`` at the end; until then, and on failure, ``path`` stays as it was.

    A pipe or a device, which has nothing to keep, is written to as it is. A TracerError says what the system refused.
    """
    try:
        target = Path(os.path.realpath(path))
        if _is_stream(target):
            with target.open("wb") as stream:
                yield stream
        else:
            with _draft(target, mode) as file:
                yield file
    except OSError as error:
        raise TracerError(f"{path}: cannot be written: {error.strerror or error}") from None


def _is_stream(path: Path) -> bool:
    try:
        about = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(about) and not stat.S_ISDIR(about)


@contextmanager
def _draft(path: Path, mode: int) -> Iterator[BinaryIO]:
    if path.is_dir():
        raise IsADirectoryError(None, "a folder, not a file")
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            yield file
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def default_mode() -> int:
    """What a file that anyone makes gets here."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask
