"""Export and import of a boot of 50,000 steps: spans a second and megabytes, beside the library of OTLP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.bench.row import Row
from tests.support.exported import long_boot
from tracer.export.formats import FORMATS
from tracer.export.mapping import span_tree
from tracer.export.spans import SpanTree
from tracer.sources.spans import files


def run() -> Iterable[Row]:
    """Measure the mapping, each encoder, the library on the message of ours, and the import."""
    boot = long_boot()
    trees: list[SpanTree] = []
    seconds = _timed(lambda: trees.append(span_tree(boot)))
    spans = len(trees[0].spans)
    yield Row("steps → spans", spans / seconds, "/s")
    for format_ in FORMATS:
        parts: list[bytes] = []
        taken = _timed(lambda format_=format_, parts=parts: parts.extend(format_.traces(trees)))  # type: ignore[misc]
        yield Row(f"spans → .{format_.suffix}", spans / taken, "/s")
        yield Row(f"size of .{format_.suffix}", sum(map(len, parts)) / 1e6, "MB")
        if format_.suffix == "otlp.pb":
            yield _library(parts, spans, taken)
        if format_.suffix == "otlp.jsonl":
            seconds = _timed(lambda parts=parts: files.read(Path("x.otlp.jsonl"), b"".join(parts)))  # type: ignore[misc]
            yield Row("OTLP JSON lines → events", spans / seconds, "/s")


def _library(parts: list[bytes], spans: int, ours: float) -> Row:
    """Return the library's time to encode the very messages, once they are filled."""
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    messages = [TracesData.FromString(part) for part in parts]
    seconds = _timed(lambda: [message.SerializeToString() for message in messages])
    return Row("the library alone, of filled messages", spans / seconds, "/s", ours / seconds, "its time is ours")


def _timed(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
