"""Discovery of processes with hooks by their memory maps, whether the tool that attached still runs or not.

A memory map is a claim of its process, trusted about that process alone. A call in flight while the hooks were removed
may keep the files mapped for long; these files are then marked as closed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from tracer.attach import proc, processes, spool_location
from tracer.attach.processes import Process, read
from tracer.attach.spool_location import Spool
from tracer.sources.hooks import tally


@dataclass(frozen=True)
class Recording:
    """A process that records, its spool, and the stem of its files there."""

    process: Process
    spool: Spool
    stem: str


def recording(process: Process) -> Recording | None:
    """Return the recording of a process, None if it has none or may not be inspected."""
    try:
        for line in proc.maps(process.pid):
            claim = _claim(line)
            if claim is not None and not _is_closed(process.pid, int(line.partition("-")[0], 16)):
                inner = spool_location.within(process, claim[0])
                return Recording(process, spool_location.locate(process, inner), claim[1])
    except OSError:
        pass
    return None


def _claim(line: str) -> tuple[str, str] | None:
    """Return folder and stem of an open table if a line of a memory map has the path of one."""
    if "/segments/" not in line:
        return None
    path = line.split(None, 5)[-1].removesuffix(" (deleted)")
    folder, _, name = path.rpartition("/segments/")
    stem = name.removesuffix(".open")
    digits = stem.rsplit("-", 2)[1:]
    is_table = stem != name and "/" not in name and len(digits) == 2 and all(number.isdecimal() for number in digits)
    return (folder, stem) if is_table and folder.startswith("/") else None


def _is_closed(pid: int, address: int) -> bool:
    """Return whether the open table mapped at the address is marked as closed."""
    try:
        memory = proc.memory(pid)
    except OSError:
        return False
    try:
        return tally.is_closed(os.pread(memory, tally.HEAD_SIZE, address))
    except OSError:
        return False
    finally:
        os.close(memory)


def all_recording() -> list[Recording]:
    """Return the recordings of all processes that may be inspected."""
    candidates = map(recording, processes.everything())
    return [candidate for candidate in candidates if candidate is not None]


def forked(known: dict[int, Process]) -> Iterator[tuple[Process, Process]]:
    """Yield (ancestor, process) for each process forked by a ``known`` one (by pid), since hooks are inherited.

    A forked process has the same command line; a program that was started instead has another.
    """
    everyone = {process.pid: process for process in processes.everything()}
    for process in everyone.values():
        ancestor = everyone.get(process.parent)
        passed = {process.pid}  # reused numbers may form a circle
        while ancestor is not None and ancestor.pid not in known and ancestor.pid not in passed:
            passed.add(ancestor.pid)
            ancestor = everyone.get(ancestor.parent)
        if ancestor is not None and ancestor.pid not in known:
            continue
        if ancestor is not None and process.pid not in known and process.argv == ancestor.argv:
            yield ancestor, process


def alive(pid: int, started: int) -> Process | None:
    """Return the running process of this number and start time, None if it has ended."""
    process = read(pid)
    return process if process is not None and process.started == started and process.state not in "ZX" else None
