"""What is done in a folder that a process records into: by us where it is our own, else as its user (see deputy)."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Any

from tracer.files.folder import Folder
from tracer.files.trust import UnsafeError, is_mine
from tracer.sources.hooks import tally as tallies

LEASE, SEGMENTS = "lease", "segments"
_TEMPORARY = (("var", "tmp"), ("tmp",))
#: Names of files that are brought into a capture.
BROUGHT = (".seg", ".open", ".log")
_MAX_FILES = 20_000
_MAX_FILE = 256 << 20
_CHUNK = 1 << 18


def make(root: Folder, name: str) -> str:
    """Have a private folder of this name in /var/tmp or /tmp; its path."""
    problem: OSError | None = None
    for way in _TEMPORARY:
        try:
            with step_by_step(root, way) as above:
                made = _made(above, name)
        except OSError as error:
            problem = OSError(error.errno, f"/{'/'.join(way)}: {error.strerror}")
            continue
        with made:
            prepare(made)
        return "/" + "/".join((*way, name))
    assert problem is not None
    raise problem


def _made(above: Folder, name: str) -> Folder:
    with suppress(FileExistsError):
        return above.make(name)
    found = above.folder(name)
    about = found.about()
    if not is_mine(about) or about.st_mode & 0o077:
        found.close()
        raise UnsafeError(f"{name} is there, and open to others or somebody else's")
    return found


def prepare(folder: Folder) -> None:
    """Have the folder for the segments in it."""
    with suppress(FileExistsError):
        folder.make(SEGMENTS).close()


def step_by_step(root: Folder, way: Iterable[str]) -> Folder:
    """The folder that a way of names leads to; no link is followed."""
    found = Folder(os.dup(root.descriptor), root.path)
    for step in way:
        try:
            inner = found.folder(step)
        finally:
            found.close()
        found = inner
    return found


def grant(folder: Folder, until: float) -> None:
    """Have the lease end then."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(LEASE, flags, 0o600, dir_fd=folder.descriptor)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or not is_mine(about):
            raise UnsafeError(f"{LEASE} is no file of its own")
        os.utime(descriptor, (until, until))
    finally:
        os.close(descriptor)


def until(folder: Folder) -> float | None:
    """When the lease ends, None where there is none."""
    try:
        return folder.about(LEASE).st_mtime
    except FileNotFoundError:
        return None


def end(folder: Folder) -> None:
    """End the lease."""
    folder.remove(LEASE)


def tally(folder: Folder, pattern: str) -> tallies.Tally:
    """How much was recorded by processes whose files match the pattern."""
    try:
        with folder.folder(SEGMENTS) as segments:
            names = [name for name in segments.names(_MAX_FILES) if fnmatchcase(name, pattern)]
            return tallies.tally(segments, names)
    except OSError:
        return tallies.Tally()


def contents(folder: Folder) -> Iterator[bytes]:
    """Each file that is to be brought in: what it is called, and where, as JSON; its bytes; and nothing at its end.

    A file that grows meanwhile is cut where it ended at first.
    """
    with folder.folder(SEGMENTS) as segments:
        for above, names in ((segments, segments.names(_MAX_FILES)), (folder, folder.names(_MAX_FILES))):
            for name in names:
                if name.endswith(BROUGHT):
                    with suppress(OSError):
                        yield from _file(above, name, above is segments)


def _file(above: Folder, name: str, is_segment: bool) -> Iterator[bytes]:
    with above.open(name, own=True) as file:
        left = os.fstat(file.fileno()).st_size
        if left > _MAX_FILE:
            return
        yield json.dumps([name, is_segment, left]).encode()
        while left and (data := os.read(file.fileno(), min(left, _CHUNK))):
            left -= len(data)
            yield data
        yield b""


def remove(above: Folder, name: str) -> None:
    """Remove the folder."""
    above.remove_tree(name)


def packed(value: Any) -> Iterator[bytes]:
    """A small result on its way from a deputy."""
    yield json.dumps(value).encode()
