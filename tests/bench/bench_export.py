"""Export and import of a boot of 50,000 steps: spans a second and megabytes, beside each format's own encoder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.bench.row import Row
from tests.support.exported import long_boot
from tracer import gc_pause
from tracer.export.formats import FORMATS, Format
from tracer.export.mapping import span_tree
from tracer.export.spans import SpanTree
from tracer.sources.spans import files

#: Steps of the boots by which the cost of a span is compared.
SIZES = (12_500, 25_000, 50_000)


def run() -> Iterable[Row]:
    """Measure the mapping, each encoder beside its peer and by size, and the import."""
    smallest: dict[str, float] = {}
    for size in SIZES:
        boot = long_boot(size)
        trees: list[SpanTree] = []
        seconds = _timed(lambda boot=boot, trees=trees: trees.append(span_tree(boot)))  # type: ignore[misc]
        spans = len(trees[0].spans)
        yield _growth("steps → spans", spans, seconds, smallest)
        for format_ in FORMATS:
            parts: list[bytes] = []
            seconds = _timed(lambda f=format_, p=parts, t=trees: p.extend(f.traces(t)))  # type: ignore[misc]
            yield _growth(f"spans → .{format_.suffix}", spans, seconds, smallest)
            if size == SIZES[-1]:
                yield from _beside(format_, parts, spans, seconds)


def _growth(what: str, spans: int, seconds: float, smallest: dict[str, float]) -> Row:
    """Return a row whose ratio is the time per span beside that of the smallest boot."""
    ratio = seconds / spans / smallest.setdefault(what, seconds / spans)
    return Row(f"{what}, {spans} spans", spans / seconds, "/s", ratio, "time per span of the smallest")


def _beside(format_: Format, parts: list[bytes], spans: int, ours: float) -> Iterable[Row]:
    """Yield the size of a format's file, its encoder's own speed on the same content, and the import."""
    yield Row(f"size of .{format_.suffix}", sum(map(len, parts)) / 1e6, "MB")
    for what, work in _peers(format_.suffix, parts):
        seconds = _timed(work)
        yield Row(what, spans / seconds, "/s", ours / seconds, "its time is ours")
    if format_.suffix in ("otlp.jsonl", "otlp.pb", "jaeger.json"):
        seconds = _timed(lambda: files.read(Path(f"x.{format_.suffix}"), b"".join(parts)))
        yield Row(f".{format_.suffix} → events", spans / seconds, "/s")


def _peers(suffix: str, parts: list[bytes]) -> Iterable[tuple[str, Callable[[], object]]]:
    """Yield the library's encoder of the very messages, once they are filled; json for formats that are JSON."""
    if suffix == "otlp.pb":
        from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

        messages = [TracesData.FromString(part) for part in parts]
        yield "opentelemetry-proto alone", lambda: [message.SerializeToString() for message in messages]
    elif suffix == "otlp.jsonl":
        from opentelemetry.proto_json.trace.v1.trace import TracesData as JsonTracesData

        filled = [JsonTracesData.from_json(part.decode()) for part in parts]
        yield "opentelemetry-proto-json alone", lambda: [message.to_json() for message in filled]
    elif suffix == "pftrace":
        from perfetto.protos.perfetto.trace import perfetto_trace_pb2

        trace = perfetto_trace_pb2.Trace.FromString(b"".join(parts))
        yield "perfetto's protobuf alone", trace.SerializeToString
    if "json" in suffix:
        documents = [json.loads(part) for part in parts]
        yield f"json alone, of .{suffix}", lambda: [json.dumps(document) for document in documents]


def _timed(work: Callable[[], object]) -> float:
    """Return the CPU seconds of ``work`` with the collector paused, as the command does."""
    with gc_pause.paused():
        begun = time.process_time()
        work()
        return time.process_time() - begun
