"""CPU time by size, n to 8n, for deep trees, many siblings, many chapters and many requests: correlate to picture."""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import diagrams
from tests.bench.row import Row
from tests.support.events import Cloud
from tests.support.shapes import SHAPES
from tracer import trace_file
from tracer.correlation.pipeline import correlate
from tracer.diff.baseline.normalise import normal
from tracer.diff.compare.compare import compare
from tracer.model import Trace

SIZE = 1_000
FACTORS = (1, 2, 4, 8)
PICTURES = ("txt", "md", "svg", "html", "mmd")


def run() -> Iterable[Row]:
    """Yield a row for each stage and size; the ratio is the time per step beside that of the smallest size."""
    for shape, make in SHAPES.items():
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
