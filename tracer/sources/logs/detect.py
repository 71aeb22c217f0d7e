"""Detection of a log's format from its first lines, and the choice of its reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from tracer.errors import TracerError, UnreadableError
from tracer.sources.logs import (
    blocks,
    entries,
    exports,
    formatted_text,
    journal,
    json_lines,
    oslo_formats,
    pasted,
    plain_text,
)
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.oslo_formats import Formats
from tracer.sources.logs.pasted import PastedLines
from tracer.sources.logs.records import Record
from tracer.sources.logs.skipped_lines import SkippedLines
from tracer.sources.logs.times import Clock

#: Bytes of a text that are examined, up to the end of the line.
_SAMPLE = 1 << 16
#: The counted losses that mean damage: neither cut off nor omitted by the program that wrote the text.
TORN = (json_lines.TORN, journal.TORN)


@dataclass(frozen=True)
class Hints:
    """Facts that logs lack, from the user: their clocks' zone, and site-specific formats."""

    zone: tzinfo = UTC
    formats: tuple[Formats, ...] = field(default=())


def read(
    data: Buffer, own: tuple[Formats, ...], clock: Clock, lost: Counter[str], skipped: SkippedLines
) -> Iterator[Record]:
    """Read the records of a text in any format. ``lost`` counts torn items by their kind.

    TracerError, without the text's name, if the text needs another program or a time that it lacks.
    """
    sample = blocks.beginning(data, _SAMPLE)
    if sample.startswith(journal.MAGIC):
        raise UnreadableError("journald's own file; export it with: journalctl --file FILE -o export")
    if journal.matches(sample):
        return _entries(journal.read(data, lost), own, clock, skipped)
    if exports.matches(sample):
        return _entries(exports.read(data, clock, lost), own, clock, skipped)
    if json_lines.matches(sample):
        return _entries(json_lines.read(data, clock, lost), own, clock, skipped)
    if pasted.matches(sample):
        return pasted.read(data, own, clock, skipped)
    # A service's first lines may have no context: the user's own formats are matched against the whole text.
    default = oslo_formats.ISO if oslo_formats.ISO.fit(sample) else None
    fitting = next((formats for formats in own if formats.fit(data)), default)
    if fitting is not None and not fitting.timed:
        raise TracerError("neither its lines nor the format passed for them contain a time (asctime, isotime, created)")
    lines = PastedLines(own, clock, skipped)
    if fitting is not None:
        return formatted_text.read(data, fitting, clock, lines)
    if plain_text.matches(sample):
        return plain_text.read(data, clock, lines)
    return pasted.read(data, own, clock, skipped)


def _entries(
    parsed: Iterator[entries.Entry], own: tuple[Formats, ...], clock: Clock, skipped: SkippedLines
) -> Iterator[Record]:
    return entries.records(json_lines.unwrap_messages(parsed, clock), own, clock, skipped)
