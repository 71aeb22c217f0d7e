"""Events of real recordings, reduced to those that a test is about: see tests/data/README.md."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

from tracer.events import Event, Events, Process

DATA = Path(__file__).parents[1] / "data"
EPOCH = 1_767_225_600_000_000_000


def load(name: str) -> Events:
    """Return the events of a file below tests/data: a line of processes, then a line an event."""
    first, *lines = lzma.decompress((DATA / name).read_bytes()).decode().splitlines()
    processes = [
        Process(f"vm-{process['pid']}", process["pid"], "vm", process["argv"])
        for process in json.loads(first)["processes"]
    ]
    return Events([_event(processes, *json.loads(line)) for line in lines], processes)


def _event(
    processes: list[Process], process: int, number: int, parent: int, kind: str, name: str, thread: int, start: int,
    end: int | None, error: str | None, attributes: dict[str, object],
) -> Event:  # fmt: skip
    times = EPOCH + start, None if end is None else EPOCH + end
    return Event(processes[process], number, parent, kind, name, thread, *times, error, attributes)  # type: ignore[arg-type]
