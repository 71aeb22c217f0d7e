"""The registry: what the caller has attached on this machine, a folder for each capture and a file for each process.

It is in the caller's runtime folder. Readers take it as it is; who changes what is attached for a capture holds that
capture's lock meanwhile, so that two attaches, or an attach and the guard's detach, come one after the other.
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


#: What reading a file ends by that is none of ours, or no more.
_SENSELESS = (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError)
#: Seconds since the machine was started: no lease ends later.
_MAX_TIME = 1e12


@dataclass
class Entry:
    """One process: what it is, where it records to, and its answer when the hooks were in."""

    pid: int
    started: int
    #: Which uptime of the machine it runs in.
    boot: str
    uid: int
    gid: int
    service: str
    python: str
    path: str
    inner: str
    label: str
    hooks: list[str] = field(default_factory=list)
    #: Each attribute that was replaced, with the identity of what it was before.
    attributes: list[tuple[str, int]] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)

    @property
    def spool(self) -> Spool:
        """Where it records to."""
        return remembered(self.path, self.inner, Owner(self.uid, self.gid, self.pid, self.started))

    def process(self) -> Process | None:
        """The process, None where it has ended."""
        return discovery.alive(self.pid, self.started) if self.boot == runtime_folder.boot_id() else None


def entry(process: Process, spool: Spool, answer: dict[str, Any], stops: list[float]) -> Entry:
    """About a process that has just answered."""
    return Entry(
        process.pid, process.started, runtime_folder.boot_id(), process.uid, process.gid, process.name, process.python,
        str(spool.path), spool.inner, label(process), list(answer.get("hooks", ())),
        list(answer.get("attributes", ())), stops,
    )  # fmt: skip


@dataclass(frozen=True)
class Registered:
    """What is attached for one capture; ``until`` is when the lease ends, by the clock that counts sleep too."""

    capture: Path
    until: float = 0.0
    entries: tuple[Entry, ...] = ()
    #: The pid of the capture's guard, 0 where there is none.
    guard: int = 0

    @property
    def seconds_left(self) -> float:
        """Until the lease ends."""
        return max(0.0, self.until - runtime_folder.boot_time())


class Registration:
    """A capture's folder in the registry, open and locked."""

    def __init__(self, folder: Folder, capture: Path) -> None:
        self._folder = folder
        self.capture = capture

    def read(self) -> Registered:
        """What it holds now."""
        return _read(self._folder, self.capture)

    def renew(self, seconds: float) -> None:
        """Let the lease end so many seconds from now."""
        about = {
            "capture": os.fspath(self.capture),
            "boot": runtime_folder.boot_id(),
            "until": runtime_folder.boot_time() + seconds,
        }
        self._write(_ABOUT, about)

    def add(self, entry: Entry) -> None:
        """This process is attached, with that answer."""
        self._write(_file(entry), asdict(entry))

    def drop(self, entry: Entry) -> None:
        """This process is attached no more."""
        self._folder.remove(_file(entry))

    def set_guard(self, guard: Process | None) -> None:
        """This process watches over the capture from now on, or none does."""
        if guard is None:
            self._folder.remove(_GUARD)
        else:
            self._write(_GUARD, {"pid": guard.pid, "started": guard.started, "boot": runtime_folder.boot_id()})

    def is_unused(self) -> bool:
        """Whether nothing is attached, and no guard is left."""
        now = self.read()
        return not now.entries and not now.guard

    def _write(self, name: str, value: dict[str, Any]) -> None:
        with self._folder.write(name) as file:
            file.write(json.dumps(value).encode())


def everything() -> list[Registered]:
    """Of each capture for which something is attached."""
    with runtime_folder.opened() as folder:
        names = [] if folder is None else folder.names()
        read = [_read_named(folder, name) for name in names if folder is not None]
    return [each for each in read if each is not None and each.entries]


def of(capture: Path) -> Registered:
    """Of one capture."""
    with runtime_folder.opened() as folder:
        read = None if folder is None else _read_named(folder, _name(capture))
    return Registered(capture) if read is None else read


@contextmanager
def locked(capture: Path) -> Iterator[Registration]:
    """A capture's folder in the registry, made where there is none; it goes again where nothing is attached at the end.

    Waits for others who change what is attached for this capture.
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
    """The folder and its lock, once nobody else has it; whoever had it may have removed the folder."""
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
    """When what is registered for a capture was last changed, 0 where nothing is."""
    with runtime_folder.opened() as folder:
        try:
            return 0 if folder is None else folder.about(_name(capture)).st_mtime_ns
        except FileNotFoundError:
            return 0


def _read_named(above: Folder, name: str) -> Registered | None:
    """None where it has been removed meanwhile, or is none."""
    try:
        with above.folder(name) as folder:
            return _read(folder, Path(json.loads(folder.read(_ABOUT, own=True))["capture"]))
    except _SENSELESS:
        return None


def _read(folder: Folder, capture: Path) -> Registered:
    try:
        about = json.loads(folder.read(_ABOUT, own=True))
        until = min(float(about["until"]), _MAX_TIME) if about["boot"] == runtime_folder.boot_id() else 0.0
    except _SENSELESS:
        until = 0.0
    return Registered(capture, until, tuple(_entries(folder)), _guard(folder))


def _entries(folder: Folder) -> Iterator[Entry]:
    for name in folder.names():
        if name.endswith(_PROCESS):
            with suppress(*_SENSELESS):  # removed meanwhile, or of another release
                yield _checked(Entry(**json.loads(folder.read(name, own=True))))


def _checked(made: Entry) -> Entry:
    """The entry, if each of its fields is what ``entry`` gives it; a TypeError if not."""
    numbers = [made.pid, made.started, made.uid, made.gid, *(number for _, number in made.attributes)]
    texts = [made.boot, made.service, made.python, made.path, made.inner, made.label, *made.hooks]
    texts += [name for name, _ in made.attributes]
    if not (
        all(type(number) is int and 0 <= number < 1 << 64 for number in numbers)
        and all(type(text) is str and "\0" not in text for text in texts)
        and all(type(stop) in (int, float) for stop in made.stops)
        and all(type(each) is list for each in (made.hooks, made.attributes, made.stops))
    ):
        raise TypeError("a field of another type")
    return made


def _guard(folder: Folder) -> int:
    try:
        guard = json.loads(folder.read(_GUARD, own=True))
        runs = guard["boot"] == runtime_folder.boot_id() and discovery.alive(guard["pid"], guard["started"]) is not None
        return int(guard["pid"]) if runs else 0
    except _SENSELESS:
        return 0


def _file(entry: Entry) -> str:
    return f"{entry.pid}-{entry.started}{_PROCESS}"


def _name(capture: Path) -> str:
    return hashlib.sha256(os.fsencode(capture)).hexdigest()[:32]
