"""The records of a text in any format, as ``ingest`` reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tracer.sources.logs import detect
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.oslo_formats import Formats
from tracer.sources.logs.records import Record
from tracer.sources.logs.skipped_lines import SkippedLines
from tracer.sources.logs.times import Clock


def read(data: Buffer, clock: Clock, *own: Formats) -> Iterator[Record]:
    """Yield the records; ``own`` are a site's formats."""
    return detect.read(data, own, clock, Counter(), SkippedLines())
