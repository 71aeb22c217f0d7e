"""Containers' lines as Kubernetes' runtimes (CRI) keep them: time, stream, and whether the line is whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.sources.logs import blocks
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.entries import Entry
from tracer.sources.logs.records import MAX_MESSAGE
from tracer.sources.logs.times import Clock

_LINE = re.compile(
    rb"^(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (?P<stream>stdout|stderr) "
    rb"(?P<whole>[FP])(?::\S*)? (?P<said>[^\n]*)",
    re.MULTILINE,
)


def speaks(sample: bytes) -> bool:
    """Whether a text has such lines."""
    return _LINE.search(sample) is not None


def read(data: Buffer, clock: Clock) -> Iterator[Entry]:
    """Its entries, a line each, or of a long one a part."""
    for match in (match for block in blocks.whole(data) for match in _LINE.finditer(block)):
        said = match["said"][:MAX_MESSAGE].rstrip(b"\r")
        time = clock.of(match["time"].decode())
        yield Entry(time, "", 0, said, match["stream"].decode(), cut=match["whole"] == b"P")
