"""Heartbeats: what a service does every few seconds whether it is asked for anything or not."""

from __future__ import annotations

import re

from tracer.events import Event

#: ``Service.save``: the report of 2011 to now.
_REPORT = re.compile(r"\s*UPDATE services\b.*\breport_count\b", re.DOTALL)
#: What comes first: it reads its own row, by its id; SQLite is told to begin.
_BEFORE = re.compile(r"\s*(SELECT\b.*\bFROM services\b.*\bservices\.id = |BEGIN( IMMEDIATE)?\s*\Z)", re.DOTALL)
#: A report's statements come within this time of each other, in nanoseconds.
_TOGETHER = 2_000_000_000


def marked(events: list[Event]) -> set[int]:
    """The places of one process's events, in its order, that are no part of any request."""
    found = {place for place, event in enumerate(events) if event.kind == "log" and _ticks(event)}
    statements = [(place, event) for place, event in enumerate(events) if event.kind == "sql"]
    for at, (place, event) in enumerate(statements):
        if not _REPORT.match(str(event.attributes.get("statement"))):
            continue
        found.add(place)
        for before, earlier in reversed(statements[:at]):
            near = event.start - earlier.start < _TOGETHER
            if not near or not _BEFORE.match(str(earlier.attributes.get("statement"))):
                break
            found.add(before)
    return found


def _ticks(event: Event) -> bool:
    return event.name.endswith(("loopingcall", "periodic_task"))
