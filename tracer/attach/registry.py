"""The registry of the caller's attachments on this machine: a folder for each capture, a file for each process.

It is in the caller's runtime folder. Readers need no lock; a writer holds the lock of the capture, so that two
attaches, or an attach and the guard's detach, run one after the other.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tracer.attach import discovery, runtime_folder
from tracer.attach.deputy import Owner
from tracer.attach.processes import Process
from tracer.attach.spool_location import Spool, label, remembered
from tracer.files.folder import Folder

_ABOUT, _LOCK, _GUARD, _PROCESS = "capture.json", "lock", "guard.json", ".process"


#: Errors of reading a file that is invalid or has been removed.
_INVALID = (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError)
#: Seconds since the machine was started: no lease ends later.
_MAX_TIME = 1e12


@dataclass
class Entry:
    """A registered process: its identity, its spool, and its answer when the hooks were in."""

    pid: int
    started: int
    #: The id of the machine's uptime it runs in.
    boot: str
    uid: int
    gid: int
    service: str
    python: str
    path: str
    inner: str
    label: str
    hooks: list[str] = field(default_factory=list)
    #: Each replaced attribute with the identity of its original object.
    attributes: list[tuple[str, int]] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)

    @property
    def spool(self) -> Spool:
        """The spool it records into."""
        return remembered(self.path, self.inner, Owner(self.uid, self.gid, self.pid, self.started))

    def process(self) -> Process | None:
        """Return the process, None if it has ended."""
        return discovery.alive(self.pid, self.started) if self.boot == runtime_folder.boot_id() else None


def entry(process: Process, spool: Spool, answer: dict[str, Any], stops: list[float]) -> Entry:
    """Return the entry of a process with its answer, or with an empty one."""
    return Entry(
        process.pid, process.started, runtime_folder.boot_id(), process.uid, process.gid, process.name, process.python,
        str(spool.path), spool.inner, label(process), list(answer.get("hooks", ())),
        list(answer.get("attributes", ())), stops,
    )  # fmt: skip


@dataclass(frozen=True)
class Registered:
    """The attachments of one capture; the lease ends at ``until``, by the boot-time clock (which counts sleep too)."""

    capture: Path
    until: float = 0.0
    entries: tuple[Entry, ...] = ()
    #: The pid of the capture's guard, 0 if there is none.
    guard: int = 0

    @property
    def seconds_left(self) -> float:
        """The seconds until the lease ends."""
        return max(0.0, self.until - runtime_folder.boot_time())


class Registration:
    """A capture's folder in the registry, opened and locked."""

    def __init__(self, folder: Folder, capture: Path) -> None:
        self._folder = folder
        self.capture = capture

    def read(self) -> Registered:
        """Read its current content."""
        return _read(self._folder, self.capture)

    def renew(self, seconds: float) -> None:
        """Set the end of the lease, in seconds from now."""
        about = {
            "capture": os.fspath(self.capture),
            "boot": runtime_folder.boot_id(),
            "until": runtime_folder.boot_time() + seconds,
        }
        self._write(_ABOUT, about)

    def add(self, entry: Entry) -> None:
        """Register a process as attached."""
        self._write(_file(entry), asdict(entry))

    def drop(self, entry: Entry) -> None:
        """Remove a process that is no longer attached."""
        self._folder.remove(_file(entry))

    def set_guard(self, guard: Process | None) -> None:
        """Register the process of the capture's guard, None if it has ended."""
        if guard is None:
            self._folder.remove(_GUARD)
        else:
            self._write(_GUARD, {"pid": guard.pid, "started": guard.started, "boot": runtime_folder.boot_id()})

    def is_unused(self) -> bool:
        """Return whether nothing is attached and no guard runs."""
        now = self.read()
        return not now.entries and not now.guard

    def _write(self, name: str, value: dict[str, Any]) -> None:
        with self._folder.write(name) as file:
            file.write(json.dumps(value).encode())


def everything() -> list[Registered]:
    """Read the attachments of all captures that have some."""
    with runtime_folder.opened() as folder:
        names = [] if folder is None else folder.names()
        read = [_read_named(folder, name) for name in names if folder is not None]
    return [known for known in read if known is not None and known.entries]


def of(capture: Path) -> Registered:
    """Read the attachments of one capture."""
    with runtime_folder.opened() as folder:
        read = None if folder is None else _read_named(folder, _name(capture))
    return Registered(capture) if read is None else read


@contextmanager
def locked(capture: Path) -> Iterator[Registration]:
    """Yield a capture's locked folder in the registry, created if missing; removed if nothing is attached at the end.

    Waits for other writers of the same capture.
    """
    with runtime_folder.create() as above:
        folder, lock = _locked(above, _name(capture))
        try:
            registration = Registration(folder, capture)
            yield registration
            if registration.is_unused():
                above.remove_tree(_name(capture))
        finally:
            os.close(lock)
            folder.close()


def _locked(above: Folder, name: str) -> tuple[Folder, int]:
    """Return the folder and its lock, once it is free; its last holder may have removed the folder."""
    while True:
        with suppress(FileExistsError):
            above.make(name).close()
        with suppress(FileNotFoundError):
            folder = above.folder(name)
            lock = folder.append(_LOCK)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if above.has(name) and os.path.samestat(above.about(name), folder.about()):
                return folder, lock
            os.close(lock)
            folder.close()


def changed_at(capture: Path) -> int:
    """Return the time of the last change for a capture in ns, 0 if nothing is registered."""
    with runtime_folder.opened() as folder:
        try:
            return 0 if folder is None else folder.about(_name(capture)).st_mtime_ns
        except FileNotFoundError:
            return 0


def _read_named(above: Folder, name: str) -> Registered | None:
    """Read the attachments in a folder, None if it has been removed meanwhile or is invalid."""
    try:
        with above.folder(name) as folder:
            return _read(folder, Path(json.loads(folder.read(_ABOUT, own=True))["capture"]))
    except _INVALID:
        return None


def _read(folder: Folder, capture: Path) -> Registered:
    try:
        about = json.loads(folder.read(_ABOUT, own=True))
        until = min(float(about["until"]), _MAX_TIME) if about["boot"] == runtime_folder.boot_id() else 0.0
    except _INVALID:
        until = 0.0
    return Registered(capture, until, tuple(_entries(folder)), _guard(folder))


def _entries(folder: Folder) -> Iterator[Entry]:
    for name in folder.names():
        if name.endswith(_PROCESS):
            with suppress(*_INVALID):  # removed meanwhile, or of another release
                yield _checked(Entry(**json.loads(folder.read(name, own=True))))


def _checked(item: Entry) -> Entry:
    """Return the entry if each field has the type that ``entry`` writes, else raise TypeError."""
    numbers = [item.pid, item.started, item.uid, item.gid, *(number for _, number in item.attributes)]
    texts = [item.boot, item.service, item.python, item.path, item.inner, item.label, *item.hooks]
    texts += [name for name, _ in item.attributes]
    if not (
        all(type(number) is int and 0 <= number < 1 << 64 for number in numbers)
        and all(type(text) is str and "\0" not in text for text in texts)
        and all(type(stop) in (int, float) for stop in item.stops)
        and all(type(items) is list for items in (item.hooks, item.attributes, item.stops))
    ):
        raise TypeError("a field has another type")
    return item


def _guard(folder: Folder) -> int:
    try:
        guard = json.loads(folder.read(_GUARD, own=True))
        runs = guard["boot"] == runtime_folder.boot_id() and discovery.alive(guard["pid"], guard["started"]) is not None
        return int(guard["pid"]) if runs else 0
    except _INVALID:
        return 0


def _file(entry: Entry) -> str:
    return f"{entry.pid}-{entry.started}{_PROCESS}"


def _name(capture: Path) -> str:
    return hashlib.sha256(os.fsencode(capture)).hexdigest()[:32]
