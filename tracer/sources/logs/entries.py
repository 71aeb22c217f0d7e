"""Entries of journald, syslog or a container runtime, reassembled to the records of services."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracer.sources.logs import format_strings, oslo_formats
from tracer.sources.logs.oslo_formats import Formats
from tracer.sources.logs.records import MAX_MESSAGE, Record
from tracer.sources.logs.skipped_lines import SkippedLines
from tracer.sources.logs.times import Clock

#: The formats that services use for a journal by default.
_KNOWN = (oslo_formats.OSLO, oslo_formats.DEVSTACK)


@dataclass(slots=True)
class Entry:
    """A line, or a whole message, in another program's log."""

    #: nanoseconds since the epoch; the message's own time takes precedence
    time: int
    #: the unit or program that wrote it; ``host/unit`` if the host is known
    name: str
    pid: int
    #: None if it is known to be missing
    message: bytes | None
    #: lines of one stream continue each other; "" if the message is whole
    stream: str = ""
    #: fields of a record, by Record's names; a message among them is not parsed further
    known: dict[str, Any] = field(default_factory=dict)
    #: the line continues in the next entry of the stream
    cut: bool = False
    #: its number in the text read, 0 if unknown
    line: int = 0


@dataclass(slots=True)
class _Begun:
    """A record whose next lines may follow; without lines if its first line is missing."""

    entry: Entry
    #: its format and the match of its first line's head; None if the entry holds all fields
    head: tuple[Formats, re.Match[bytes]] | None
    lines: list[bytes]
    cut: bool
    length: int = 0

    def add(self, entry: Entry) -> None:
        """Append the next line."""
        self.cut = entry.cut
        if self.lines and self.length < MAX_MESSAGE:
            self.lines.append(entry.message or b"")
            self.length += len(self.lines[-1]) + 1

    def go_on(self, entry: Entry) -> None:
        """Continue the last line."""
        self.cut = entry.cut
        if self.lines and self.length < MAX_MESSAGE:
            self.lines[-1] += entry.message or b""
            self.length += len(entry.message or b"")


def records(entries: Iterable[Entry], own: Sequence[Formats], clock: Clock, skipped: SkippedLines) -> Iterator[Record]:
    """Yield the records of services, those of a stream in order; other entries of the system are ``skipped``.

    ``own`` are the formats that the user passed.
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
        else:
            skipped.add(entry.line, entry.message)
    for begun in streams.values():
        if begun.lines:
            yield _record(begun, clock)


def _head(entry: Entry, known: Sequence[Formats]) -> tuple[Formats, re.Match[bytes]] | None:
    if entry.message and "message" not in entry.known:
        for formats in known:
            match = formats.match(entry.message)
            if match is not None:
                return formats, match
    return None


def _record(begun: _Begun, clock: Clock) -> Record:
    """Build the record of an entry and the lines that continue it."""
    entry = begun.entry
    known = {"prefix": entry.name, "pid": entry.pid, "time": entry.time, "log_line": entry.line, **entry.known}
    text = b"\n".join(begun.lines)
    if begun.head is None:
        return Record(**{"level": "INFO", "logger": "", "message": format_strings.text(text[:MAX_MESSAGE]), **known})
    formats, match = begun.head
    return formats.record(match, text[match.end() :][:MAX_MESSAGE], clock, **known)
