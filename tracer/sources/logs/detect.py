"""Forms: which reader understands a text, learnt from its first lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from tracer.errors import TracerError, UnreadableError
from tracer.sources.logs import blocks, entries, journal, json_lines, oslo_formats, prefixed, records
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.oslo_formats import Formats
from tracer.sources.logs.records import Record
from tracer.sources.logs.times import Clock

#: So much of a text is looked at, up to the end of its line.
_SAMPLE = 1 << 16
#: What is counted as lost, and is neither cut off nor left out by the program that wrote the text.
TORN = (json_lines.TORN, journal.TORN)


@dataclass(frozen=True)
class Hints:
    """What the user tells of logs that they do not tell themselves: their clocks' zone, and formats of a site's own."""

    zone: tzinfo = UTC
    formats: tuple[Formats, ...] = field(default=())


def read(data: Buffer, own: tuple[Formats, ...], clock: Clock, lost: Counter[str]) -> Iterator[Record]:
    """The records of a text, whatever its form is. ``lost`` counts what is torn, by what it should have been.

    TracerError, without the text's name, where it is for another program to read, or needs more than it has.
    """
    sample = blocks.beginning(data, _SAMPLE)
    if sample.startswith(journal.MAGIC):
        raise UnreadableError("journald's own file; let journalctl write it out: journalctl --file FILE -o export")
    if journal.matches(sample):
        return _entries(journal.read(data, lost), own, clock)
    if json_lines.matches(sample):
        return _entries(json_lines.read(data, clock, lost), own, clock)
    # A service begins with lines that have no context: where the user told how the others look, all is looked at.
    if prefixed.matches_cri(sample):
        return _entries(prefixed.read_cri(data, clock), own, clock)
    fitting = next((one for one in own if one.fit(data)), oslo_formats.ISO if oslo_formats.ISO.fit(sample) else None)
    if fitting is not None and fitting.timed:
        return fitting.read(data, clock)
    if prefixed.matches_syslog(sample):
        return _entries(prefixed.read_syslog(data, clock), own, clock)
    if fitting is not None:
        raise TracerError("the format given for its lines has no time (asctime, isotime, created), and they have none")
    return records.read(data, clock)


def _entries(found: Iterator[entries.Entry], own: tuple[Formats, ...], clock: Clock) -> Iterator[Record]:
    return entries.records(json_lines.unwrap_messages(found, clock), own, clock)
