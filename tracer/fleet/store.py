"""The folder of a fleet: its files listed consistently, verified, written and removed. There is no lock.

A segment's steps file is written first; the rename of its boots file is the commit. Whoever reads takes only segments
whose boots file exists, so that an interrupted writer leaves the state before or after its change.
"""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

from tracer.errors import TracerError
from tracer.files import folder as files_folder
from tracer.files import read as files_read
from tracer.files.folder import Folder
from tracer.files.walk import Way
from tracer.fleet import keys, schema, segments
from tracer.fleet.segments import BOOTS, KEYS, STEPS, Segment
from tracer.text import command

_HEADER = "fleet.json"
_MAX_FILES = 1_000_000
#: Listings of a folder that compactions keep changing.
_TRIES = 100
#: Seconds after which a file that no segment has is the rest of an interrupted command.
REMNANT_AGE = 86400.0


@dataclass(frozen=True, slots=True)
class Listing:
    """The segments and the files of keys at one moment."""

    segments: tuple[Segment, ...]
    keys: tuple[str, ...]


class Store:
    """An opened store: a context manager."""

    def __init__(self, path: Path, folder: Folder) -> None:
        self.path = path
        self._folder = folder

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.close()

    def file(self, kind: str, name: str, day: date | None = None) -> str:
        """Return a path of a file for an engine in this process; it leads to the opened store."""
        inner = f"{segments.day_folder(day)}/" if day else ""
        return f"/proc/self/fd/{self._folder.descriptor}/{kind}/{inner}{name}"

    def real(self) -> Path:
        """Return the store's path for engines in other processes."""
        return self._folder.real()

    def listing(self, days: Callable[[date], bool] = lambda day: True) -> Listing:
        """Return what is in the store, without what a concurrent compaction has replaced."""
        with _reported(self.path):
            stored = [day for name in self._names(BOOTS) if (day := segments.day_of(name)) and days(day)]
            listed = tuple(segment for day in sorted(stored) for segment in self.segments(day))
            return Listing(listed, tuple(name for name in self._names(KEYS) if segments.is_keys(name)))

    def segments(self, day: date) -> list[Segment]:
        """Return the segments of a day.

        A folder that changes while it is listed may show neither a segment nor the one that replaced it: only two
        equal listings in a row count.
        """
        names = self._names(BOOTS, day)
        for _ in range(_TRIES):
            again = self._names(BOOTS, day)
            if again == names:
                return [segment for name in names if (segment := segments.segment(day, name))]
            names = again
        raise OSError(errno.EBUSY, f"{segments.day_folder(day)} does not stop changing")

    def remnants(self) -> list[tuple[str, str, float]]:
        """Return the files that belong to no segment: folder, name, seconds since they were written."""
        now = time.time()
        result = []
        with _reported(self.path):
            for kind in (BOOTS, STEPS, KEYS):
                with self._opened(kind) as top:
                    if top is None:
                        continue
                    for inner in [""] if kind == KEYS else top.names(_MAX_FILES):
                        where = f"{kind}/{inner}".rstrip("/")
                        result += [(where, name, now - written) for name, written in self._extra(kind, inner)]
        return result

    def _extra(self, kind: str, inner: str) -> Iterator[tuple[str, float]]:
        day = segments.day_of(inner)
        if kind != KEYS and day is None:
            return
        names = self._names(kind, day)
        if kind == STEPS and day:
            owned = {segment.steps for segment in self.segments(day)}
            extra = [name for name in names if name not in owned]
        elif kind == BOOTS and day:
            extra = [name for name in names if segments.segment(day, name) is None]
        else:
            extra = [name for name in names if not segments.is_keys(name)]
        with self._opened(kind, day) as folder:
            for name in extra:
                if folder is not None:
                    try:
                        yield name, folder.about(name).st_mtime
                    except FileNotFoundError:
                        continue

    def has_file(self, kind: str, name: str, day: date | None = None) -> bool:
        """Return whether a file is there."""
        with self._opened(kind, day) as folder:
            return folder is not None and folder.has(name)

    def fault(self, kind: str, name: str, day: date | None = None) -> str:
        """Return the reason why a file is not the one that was written, "" if it is."""
        try:
            with self._opened(kind, day) as folder:
                if folder is None:
                    return "missing"
                with folder.open(name) as file:
                    return "" if segments.digest_of_file(file) == segments.bytes_digest(name) else "damaged"
        except FileNotFoundError:
            return "missing"
        except OSError as error:
            return f"cannot be read: {error.strerror or error}"

    def write(self, kind: str, name: str, content: BinaryIO, day: date | None = None) -> None:
        """Write a file completely and durably, or not at all."""
        with _reported(self.path), self._created(kind, day) as folder:
            content.seek(0)
            folder.write_durably(name, content)

    def remove(self, kind: str, name: str, day: date | None = None) -> None:
        """Remove a file, if it is there."""
        with _reported(self.path), self._opened(kind, day) as folder:
            if folder is not None:
                folder.remove(name)

    def _names(self, kind: str, day: date | None = None) -> list[str]:
        with self._opened(kind, day) as folder:
            return folder.names(_MAX_FILES) if folder is not None else []

    @contextmanager
    def _opened(self, kind: str, day: date | None = None) -> Iterator[Folder | None]:
        """Yield a folder of the store, None if it is not there."""
        try:
            folder = self._folder.folder(kind)
            if day is not None:
                with folder:
                    folder = folder.folder(segments.day_folder(day))
        except FileNotFoundError:
            yield None
            return
        with folder:
            yield folder

    @contextmanager
    def _created(self, kind: str, day: date | None) -> Iterator[Folder]:
        with _inner(self._folder, kind) as folder:
            if day is None:
                yield folder
            else:
                with _inner(folder, segments.day_folder(day)) as inner:
                    yield inner


def _inner(folder: Folder, name: str) -> Folder:
    try:
        return folder.folder(name)
    except FileNotFoundError:
        try:
            return folder.make(name)
        except FileExistsError:  # another bootseq command has just created it
            return folder.folder(name)


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Report an error of the system with the store's path."""
    try:
        yield
    except OSError as error:
        raise TracerError(f"{path}: {error.strerror or error}") from None


def opened(path: Path, *, write: bool = False) -> Store:
    """Open a store; raise TracerError if it is none, or one of another version."""
    try:
        folder = files_folder.opened(path, Way.OUTPUT if write else Way.INPUT)
    except OSError as error:
        reason = error.strerror or error
        raise TracerError(f"{path}: not a fleet store: {reason}; make one with: {_make(path)}") from None
    try:
        _check_header(path, folder)
    except BaseException:
        folder.close()
        raise
    return Store(path, folder)


def created(path: Path) -> Store:
    """Open a store for writing, created if it is not there."""
    try:
        with files_folder.opened(path.absolute().parent, Way.OUTPUT) as above, _inner(above, path.name) as folder:
            if not folder.has(_HEADER):
                if any(not name.startswith(f".{_HEADER}") for name in folder.names()):  # drafts of concurrent commands
                    raise TracerError(f"{path}: neither a fleet store nor an empty folder; name another one")
                _write_header(folder)
    except OSError as error:
        raise TracerError(f"{path}: cannot be written: {error.strerror or error}") from None
    return opened(path, write=True)


def _write_header(folder: Folder) -> None:
    header = {"format": schema.FORMAT, "version": schema.FORMAT_VERSION, "key": keys.VERSION}
    with folder.write(_HEADER) as file:
        file.write(json.dumps(header).encode() + b"\n")
    folder.sync()


def _check_header(path: Path, folder: Folder) -> None:
    try:
        header = json.loads(folder.read(_HEADER, 1 << 16))
    except FileNotFoundError:
        raise TracerError(f"{path}: not a fleet store; make one with: {_make(path)}") from None
    except OSError as error:
        raise TracerError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != schema.FORMAT:
        raise TracerError(f"{path}/{_HEADER}: not a fleet store's header")
    versions = header.get("version"), header.get("key")
    if versions != (schema.FORMAT_VERSION, keys.VERSION):
        raise TracerError(
            f"{path}: format {versions[0]} with keys of version {versions[1]}, this bootseq has "
            f"{schema.FORMAT_VERSION} and {keys.VERSION}; add the traces to a new store"
        )


def _make(path: Path) -> str:
    return command("bootseq", "fleet", "add", path, "TRACE")


def scratch() -> BinaryIO:
    """Return a nameless file that an engine can write to by ``/proc/self/fd``."""
    return files_read.scratch()
