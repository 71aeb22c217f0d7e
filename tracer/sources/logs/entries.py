"""Entries: lines of services that journald, syslog or a container's runtime kept, put together to records again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracer.sources.logs import format_strings, oslo_formats
from tracer.sources.logs.oslo_formats import Formats
from tracer.sources.logs.records import MAX_MESSAGE, Record
from tracer.sources.logs.times import Clock

#: What goes to a journal without being told is in one of these.
_KNOWN = (oslo_formats.OSLO, oslo_formats.DEVSTACK)


@dataclass(slots=True)
class Entry:
    """A line, or a whole message, that something else than a service's own log has."""

    #: nanoseconds since the epoch; what the message itself tells is better
    time: int
    #: who wrote it: a unit, a program; ``host/unit`` where the host is told
    name: str
    pid: int
    #: None where it is known to be missing
    message: bytes | None
    #: lines of one stream go on with each other; "" where a message is whole
    stream: str = ""
    #: what it says of a record, by the names of Record's fields; its message there is read no further
    known: dict[str, Any] = field(default_factory=dict)
    #: its line goes on with the next entry of the stream
    cut: bool = False


@dataclass(slots=True)
class _Begun:
    """A record whose next lines may still come; without lines, one whose first is missing."""

    entry: Entry
    #: how its first line begins, and whose format that is; None where the entry tells all
    head: tuple[Formats, re.Match[bytes]] | None
    lines: list[bytes]
    cut: bool
    length: int = 0

    def add(self, entry: Entry) -> None:
        """The next line."""
        self.cut = entry.cut
        if self.lines and self.length < MAX_MESSAGE:
            self.lines.append(entry.message or b"")
            self.length += len(self.lines[-1]) + 1

    def go_on(self, entry: Entry) -> None:
        """More of the last line."""
        self.cut = entry.cut
        if self.lines and self.length < MAX_MESSAGE:
            self.lines[-1] += entry.message or b""
            self.length += len(entry.message or b"")


def records(entries: Iterable[Entry], own: Sequence[Formats], clock: Clock) -> Iterator[Record]:
    """The records of services, those of one stream in their order; what else a system logs is left out.

    ``own``: formats that the user has told.
    """
    known = (*own, *_KNOWN)
    streams: dict[str, _Begun] = {}
    for entry in entries:
        last = streams.get(entry.stream) if entry.stream else None
        if last is not None and last.cut:
            last.go_on(entry)
            continue
        head = _head(entry, known)
        if head is not None or entry.known or entry.message is None:
            if last is not None and last.lines:
                yield _record(last, clock)
            begun = _Begun(entry, head, [] if entry.message is None else [entry.message], entry.cut)
            if entry.stream:
                streams[entry.stream] = begun
            elif begun.lines:
                yield _record(begun, clock)
        elif last is not None:
            last.add(entry)
    for begun in streams.values():
        if begun.lines:
            yield _record(begun, clock)


def _head(entry: Entry, known: Sequence[Formats]) -> tuple[Formats, re.Match[bytes]] | None:
    if entry.message and "message" not in entry.known:
        for one in known:
            match = one.match(entry.message)
            if match is not None:
                return one, match
    return None


def _record(begun: _Begun, clock: Clock) -> Record:
    """The record of an entry and the lines that go on with it."""
    entry = begun.entry
    known = {"prefix": entry.name, "pid": entry.pid, "time": entry.time, **entry.known}
    text = b"\n".join(begun.lines)
    if begun.head is None:
        return Record(**{"level": "INFO", "logger": "", "message": format_strings.text(text[:MAX_MESSAGE]), **known})
    one, match = begun.head
    return one.record(match, text[match.end() :][:MAX_MESSAGE], clock, **known)
