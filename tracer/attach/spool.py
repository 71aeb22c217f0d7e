"""Work in a spool, a folder that a process records into: done by this process if its own, else as its user (deputy)."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tracer.files.folder import Folder
from tracer.files.trust import UnsafeError, is_mine
from tracer.sources.hooks import tally as tallies

#: Files of one spool, and bytes of one file.
MAX_FILES = 20_000
MAX_FILE = 256 << 20
_SEGMENT = re.compile(r"[\w.-]{1,200}-\d{1,10}-\d{1,20}(-\d{4,8}\.seg|\.open)", re.ASCII)
_LOG = re.compile(r"[\w.-]{1,50}\.log", re.ASCII)
LEASE, SEGMENTS = "lease", "segments"
_TEMPORARY = (("var", "tmp"), ("tmp",), ("dev", "shm"))
#: Bytes that must be free there: the first files of a few processes.
_LEAST_FREE = 1 << 20
#: Bytes of the segments of a spool in /dev/shm.
MEMORY_CAP = 16 << 20
#: The name in the last head that contents yields.
END = ""
#: Suffixes of the files that are copied into a capture.
COLLECTED = (".seg", ".open", ".log")
_CHUNK = 1 << 18


@dataclass
class Room:
    """The free bytes, and the sizes of the files that exist and may be replaced, by (is a segment, name).

    The deputy that sends and the tool that receives calculate alike, so a file that does not fit is never sent.
    """

    bytes_left: int
    sizes: dict[tuple[bool, str], int]
    files_left: int = MAX_FILES

    def take(self, name: str, is_segment: bool, size: int) -> bool:
        """Return whether a file fits, and reserve its bytes if so."""
        left = self.bytes_left + self.sizes.get((is_segment, name), 0) - size
        fits = left >= 0 and size <= MAX_FILE and self.files_left > 0
        if not fits or not (_SEGMENT if is_segment else _LOG).fullmatch(name):
            return False
        self.bytes_left = left
        self.files_left -= 1
        self.sizes[is_segment, name] = size
        return True


def make(root: Folder, name: str) -> str:
    """Create a private folder of this name in /var/tmp, /tmp or /dev/shm, or open it; return its path."""
    problem: OSError | None = None
    for way in _TEMPORARY:
        try:
            with step_by_step(root, way) as above:
                _check_free(above)
                spool = _private(above, name)
        except OSError as error:
            problem = OSError(error.errno, f"/{'/'.join(way)}: {error.strerror}")
            continue
        with spool:
            prepare(spool)
        return "/" + "/".join((*way, name))
    assert problem is not None
    raise problem


def is_path(path: Any, name: str) -> bool:
    """Return whether it is the path of a folder of this name that ``make`` returns."""
    return path in ["/" + "/".join((*way, name)) for way in _TEMPORARY]


def try_out(root: Folder, name: str) -> str:
    """Create a spool as ``make`` does, and remove it; return its path."""
    path = make(root, name)
    *way, _ = path.strip("/").split("/")
    with step_by_step(root, way) as above:
        remove(above, name)
    return path


def _check_free(folder: Folder) -> None:
    about = os.fstatvfs(folder.descriptor)
    if about.f_bavail * about.f_frsize < _LEAST_FREE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _private(above: Folder, name: str) -> Folder:
    with suppress(FileExistsError):
        return above.make(name)
    spool = above.folder(name)
    about = spool.about()
    if not is_mine(about) or about.st_mode & 0o077:
        spool.close()
        raise UnsafeError(f"{name} exists, and belongs to another user or is accessible to others")
    return spool


def prepare(folder: Folder) -> None:
    """Create the folder for segments in a spool, if missing."""
    with suppress(FileExistsError):
        folder.make(SEGMENTS).close()


def step_by_step(root: Folder, way: Iterable[str]) -> Folder:
    """Open the folder at a path of names below ``root``; no link is followed."""
    folder = Folder(os.dup(root.descriptor), root.path)
    for step in way:
        try:
            inner = folder.folder(step)
        finally:
            folder.close()
        folder = inner
    return folder


def grant(folder: Folder, until: float) -> None:
    """Set the end of the lease, the modification time of its file."""
    descriptor = folder.append(LEASE)
    try:
        os.utime(descriptor, (until, until))
    finally:
        os.close(descriptor)


def until(folder: Folder) -> float | None:
    """Return the end of the lease, None if there is none."""
    try:
        return folder.about(LEASE).st_mtime
    except FileNotFoundError:
        return None


def end(folder: Folder) -> None:
    """End the lease."""
    folder.remove(LEASE)


def tally(folder: Folder, pattern: str) -> tallies.Tally:
    """Count the events of the processes whose files match the pattern."""
    try:
        with folder.folder(SEGMENTS) as segments:
            names = [name for name in segments.names(MAX_FILES) if fnmatchcase(name, pattern)]
            return tallies.tally(segments, names)
    except OSError:
        return tallies.Tally()


def contents(folder: Folder, room: Room) -> Iterator[bytes]:
    """Yield for each file that fits a head as JSON (name, is a segment, size), its bytes in chunks, and b"".

    A file that grows meanwhile is cut at its size in the head. The last head is END with the number of files skipped.
    """
    skipped = 0
    with folder.folder(SEGMENTS) as segments:
        for inner in (segments, folder):
            names, more = inner.first_names(MAX_FILES)
            skipped += more
            for name in names:
                if name.endswith(COLLECTED) and not (yield from _file(inner, name, inner is segments, room)):
                    skipped += 1
    yield json.dumps([END, False, skipped]).encode()


def _file(folder: Folder, name: str, is_segment: bool, room: Room) -> Generator[bytes, None, bool]:
    """Yield a file; return whether it was one that fits."""
    try:
        file = folder.open(name, own=True)
    except OSError:
        return False
    with file:
        left = os.fstat(file.fileno()).st_size
        if not room.take(name, is_segment, left):
            return False
        yield json.dumps([name, is_segment, left]).encode()
        with suppress(OSError):  # cut where it cannot be read
            while left and (data := os.read(file.fileno(), min(left, _CHUNK))):
                left -= len(data)
                yield data
    yield b""
    return True


def is_collected(name: str) -> bool:
    """Return whether a file of this name is recorded by hooks."""
    return (
        name.endswith(COLLECTED) and not name.startswith(".") and bool(_SEGMENT.fullmatch(name) or _LOG.fullmatch(name))
    )


def remove(above: Folder, name: str) -> None:
    """Remove a spool."""
    above.remove_tree(name)


def packed(value: Any) -> Iterator[bytes]:
    """Yield a small result of a deputy as JSON."""
    yield json.dumps(value).encode()
