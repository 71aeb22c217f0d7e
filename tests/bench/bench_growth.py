"""CPU time by size, n to 8n, for deep trees, many siblings, many chapters and many requests: correlate to picture."""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import diagrams
from tests.bench.row import Row
from tests.support.events import Cloud, Worker
from tracer import trace_file
from tracer.correlation.pipeline import correlate
from tracer.diff.baseline.normalise import normal
from tracer.diff.compare.compare import compare
from tracer.events import Event
from tracer.model import Trace

SIZE = 1_000
FACTORS = (1, 2, 4, 8)
PICTURES = ("txt", "md", "svg", "html", "mmd")


def run() -> Iterable[Row]:
    """Yield a row for each stage and size; the ratio is the time per step beside that of the smallest size."""
    for shape, make in _SHAPES.items():
        smallest: dict[str, float] = {}
        for factor in FACTORS:
            steps = SIZE * factor
            for stage, seconds in _stages(make(steps)):
                ratio = seconds / factor / smallest.setdefault(stage, seconds)
                yield Row(f"{stage}, {shape}, {steps} steps", seconds, "CPU s", ratio, f"a step of {SIZE}")


def _stages(cloud: Cloud) -> Iterable[tuple[str, float]]:
    """Yield each stage on the way from events to pictures, and its CPU seconds."""
    events = cloud.collect()
    seconds, trace = _timed(correlate, events)
    yield "correlate", seconds
    yield "write and read", _timed(_stored, trace)[0]
    if len(requests := [*trace.boots, *trace.others]) > 1:
        return  # each of them is small
    (request,) = requests
    seconds, baseline = _timed(normal, request)
    yield "normal form", seconds
    other = copy.copy(baseline)
    other.nodes = normal(request).nodes
    for number, node in enumerate(other.walk()):
        node.text += "x" if number % 10 == 0 else ""
    yield "diff", _timed(compare, baseline, other)[0]
    for suffix in PICTURES:
        yield f".{suffix}", _timed(diagrams.render, request, suffix, "full")[0]


def _timed(work: Callable[..., Any], *arguments: object) -> tuple[float, Any]:
    start = time.process_time()
    result = work(*arguments)
    return time.process_time() - start, result


def _stored(trace: Trace) -> Trace:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.jsonl.gz")
        trace_file.write(path, trace)
        return trace_file.read(path)


def _served(api: Worker) -> AbstractContextManager[Event]:
    """Return a step that serves an API request."""
    return api.step("http", "POST /servers", side="server", method="POST", path="/servers", request_id="req-1")


def _siblings(steps: int) -> Cloud:
    cloud = Cloud()
    api = cloud.process("nova-api")
    with _served(api):
        for number in range(steps):
            api.sql(f"SELECT a FROM t{number % 100}")
    return cloud


def _deep(steps: int) -> Cloud:
    cloud = Cloud()
    api = cloud.process("nova-api")
    with ExitStack() as stack:
        stack.enter_context(_served(api))
        for number in range(steps):
            stack.enter_context(api.call(f"nova.api:API.f{number % 100}"))
    return cloud


def _chapters(steps: int) -> Cloud:
    """Casts from one request to as many chapters: three steps each."""
    cloud = Cloud()
    api, conductor = cloud.process("nova-api"), cloud.process("nova-conductor")
    with _served(api):
        for number in range(steps // 3):
            message = api.cast(f"m{number % 100}", "req-1")
            with conductor.receives(message):
                conductor.sql("SELECT a FROM t")
    return cloud


def _requests(steps: int) -> Cloud:
    """Requests of four steps each."""
    cloud = Cloud()
    api, placement = cloud.process("nova-api"), cloud.process("placement-api")
    for number in range(steps // 4):
        own = f"req-{number}"
        with (
            api.step("http", "GET /servers", side="server", method="GET", path=f"/servers/{number}", request_id=own),
            api.asks(placement, "GET", f"/allocations/{number}", f"req-p{number}", global_id=own),
        ):
            placement.sql("SELECT 1 FROM allocations")
    return cloud


_SHAPES: dict[str, Callable[[int], Cloud]] = {
    "many siblings": _siblings,
    "a deep tree": _deep,
    "many chapters": _chapters,
    "many requests": _requests,
}
