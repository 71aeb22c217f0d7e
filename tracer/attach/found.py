"""Which processes have hooks in, by what they have mapped: true whoever attached, dead or alive.

A call that was in flight as the hooks went may keep the files mapped for long; then they say that they are closed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tracer.attach import parts, processes
from tracer.attach.parts import Part
from tracer.attach.processes import Process, read
from tracer.sources import tally

#: A recording process maps CAPTURE/segments/HOST-PID-TIME.open, from its beginning on.
_MAPPED = re.compile(r"(/.*)/segments/([^/]+-\d+-\d+)\.open(?: \(deleted\))?")


@dataclass(frozen=True)
class Recording:
    """A process that records, the part of a capture that it records into, and the stem of its files there."""

    process: Process
    part: Part
    stem: str


def recording(process: Process) -> Recording | None:
    """What a process records into, None where nothing or where we may not see."""
    try:
        maps = Path(f"/proc/{process.pid}/maps").read_text(errors="surrogateescape")
    except OSError:
        return None
    for line in maps.splitlines():
        match = _MAPPED.fullmatch(line.split(None, 5)[-1].strip()) if "/segments/" in line else None
        if match is not None and not _is_closed(process.pid, int(line.partition("-")[0], 16)):
            inner = match[1]
            return Recording(process, parts.at(process, inner), match[2])
    return None


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
        while ancestor is not None and ancestor.pid not in known:
            ancestor = everyone.get(ancestor.parent)
        if ancestor is not None and process.pid not in known and process.argv == ancestor.argv:
            yield ancestor, process


def alive(pid: int, started: int) -> Process | None:
    """The process of this number if it is the one that was started then."""
    process = read(pid)
    return process if process is not None and process.started == started and process.state not in "ZX" else None
