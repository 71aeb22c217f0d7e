"""Reader of a service's lines in formats that format strings describe, in blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.sources.logs import blocks
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.oslo_formats import Formats
from tracer.sources.logs.pasted import PastedLines, RecordHeads
from tracer.sources.logs.records import MAX_MESSAGE, Record
from tracer.sources.logs.times import Clock


def read(data: Buffer, formats: Formats, clock: Clock, lines: PastedLines) -> Iterator[Record]:
    """Yield the records of a text, in order; ``lines`` reads what is between records in these ``formats``."""
    return blocks.split(data, _Heads(formats, clock, lines), MAX_MESSAGE)


class _Heads(RecordHeads):
    """The heads of records in some formats."""

    def __init__(self, formats: Formats, clock: Clock, lines: PastedLines) -> None:
        super().__init__(lines)
        self._formats, self._clock = formats, clock

    def find(self, block: bytes) -> Iterator[re.Match[bytes]]:
        """Yield a match for each record's head."""
        return self._formats.heads(block)

    def make(self, head: re.Match[bytes], end: int) -> Record:
        """Build the record of a head."""
        number = self.line
        end = self.end_of(head.string, head.end(), end)
        rest = head.string[head.end() : min(end, head.end() + MAX_MESSAGE)]
        return self._formats.record(head, rest, self._clock, log_line=number, prefix=self.lines.file)
