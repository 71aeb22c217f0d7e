"""Marks of steps: what a tracer's span and another witness's record have in common where the span has no ids."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from tracer.events import Event, Process
from tracer.model import participants

Mark = tuple[str, ...]

_BLANKS = re.compile(r"\s+")
#: The method that carries those of Nova's objects, which hooks name: Instance.save.
_OBJECT = "object"


def mark(event: Event) -> Mark | None:
    """Return the step's mark, None for kinds that tracers do not record."""
    kind, attributes = event.kind, event.attributes
    if kind == "sql":
        return kind, _BLANKS.sub(" ", str(attributes.get("statement"))).strip()
    if kind == "http":
        return kind, event.text("side"), event.text("method"), event.text("path")
    if kind == "rpc" and event.mode != "reply":
        carried = "." in event.name or event.name.startswith("object_")
        return kind, event.text("side"), _OBJECT if carried else event.name
    if kind == "call" and attributes.get("function"):
        return kind, event.text("module"), event.text("class"), event.text("function")
    return None


def role(process: Process) -> str:
    """Return the participant that the process is by its program."""
    return participants.of_command(process.argv)


def home_processes(events: Iterable[Event]) -> dict[str, str]:
    """Map the key of each process that tracers alone recorded to the hooked process that did the most of the same.

    It is one of the same service where there is one; a process without a common step remains itself.
    """
    steps: dict[str, Counter[Mark]] = defaultdict(Counter)
    processes: dict[str, Process] = {}
    hooked: set[str] = set()
    for event in events:
        own = mark(event) if event.from_hooks or event.from_tracers else None
        if own is not None:
            steps[event.process.key][own] += 1
            processes[event.process.key] = event.process
            if event.from_hooks:
                hooked.add(event.process.key)
    homes = {}
    for key in sorted(steps.keys() - hooked):
        same = [other for other in sorted(hooked) if role(processes[other]) == role(processes[key])]
        common = {other: (steps[other] & steps[key]).total() for other in same or sorted(hooked)}
        best = max(common, key=lambda other: common[other], default="")
        if best and common[best]:
            homes[key] = best
    return homes
