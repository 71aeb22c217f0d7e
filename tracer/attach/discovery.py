"""Which processes have hooks in, by what they have mapped, whoever attached, dead or alive.

It is what a process claims by its memory map, and believed of that process alone. A call that was in flight as the
hooks went may keep the files mapped for long; then they say that they are closed.
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
    """A process that records, the spool of a capture that it records into, and the stem of its files there."""

    process: Process
    spool: Spool
    stem: str


def recording(process: Process) -> Recording | None:
    """What a process records into, None where nothing or where we may not see."""
    try:
        for line in proc.maps(process.pid):
            claim = _claim(line)
            if claim is not None and not _is_closed(process.pid, int(line.partition("-")[0], 16)):
                return Recording(process, spool_location.locate(process, claim[0]), claim[1])
    except OSError:
        pass
    return None


def _claim(line: str) -> tuple[str, str] | None:
    """The folder and the stem of an open table, where a line of a memory map has the path of one."""
    if "/segments/" not in line:
        return None
    path = line.split(None, 5)[-1].removesuffix(" (deleted)")
    folder, _, name = path.rpartition("/segments/")
    stem = name.removesuffix(".open")
    digits = stem.rsplit("-", 2)[1:]
    is_table = stem != name and "/" not in name and len(digits) == 2 and all(each.isdecimal() for each in digits)
    return (folder, stem) if is_table and folder.startswith("/") else None


def _is_closed(pid: int, at: int) -> bool:
    """Whether the open table that a process has mapped there says that nothing is recorded into it any more."""
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return tally.is_closed(os.pread(memory, tally.HEAD_SIZE, at))
    except OSError:
        return False
    finally:
        os.close(memory)


def all_recording() -> list[Recording]:
    """Every process here that records, and may be looked into."""
    return [found for process in processes.everything() if (found := recording(process)) is not None]


def forked(known: dict[int, Process]) -> Iterator[tuple[Process, Process]]:
    """Processes that those known, by their pid, have forked, each with its nearest known ancestor: hooks are inherited.

    What a process has forked runs the same command line; a program that it has started since does not.
    """
    everyone = {process.pid: process for process in processes.everything()}
    for process in everyone.values():
        ancestor = everyone.get(process.parent)
        passed = {process.pid}  # numbers that were reused meanwhile may lead in a circle
        while ancestor is not None and ancestor.pid not in known and ancestor.pid not in passed:
            passed.add(ancestor.pid)
            ancestor = everyone.get(ancestor.parent)
        if ancestor is not None and ancestor.pid not in known:
            continue
        if ancestor is not None and process.pid not in known and process.argv == ancestor.argv:
            yield ancestor, process


def alive(pid: int, started: int) -> Process | None:
    """The process of this number if it is the one that was started then."""
    process = read(pid)
    return process if process is not None and process.started == started and process.state not in "ZX" else None
