"""Speedscope's JSON: a profile of the time by path, and one of each track by time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tracer.export.folded import label, stacks
from tracer.export.spans import Span, SpanTree
from tracer.export.tracks import Track, tracks

OMITS = "times of day, attributes, errors, notes, links"
_Frames = dict[tuple[str, str, int], int]


def traces(trees: Sequence[SpanTree]) -> Iterator[bytes]:
    """Yield one document."""
    frames: _Frames = {}
    profiles: list[dict[str, Any]] = []
    for tree in trees:
        profiles.append(_by_path(tree, frames))
        profiles += [_by_time(tree, track, group, frames) for track, group in tracks(tree.spans).items()]
    document = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "name": trees[0].title if len(trees) == 1 else f"{len(trees)} requests",
        "exporter": "bootseq", "activeProfileIndex": 0,
        "shared": {"frames": [_frame(*key) for key in frames]}, "profiles": profiles,
    }  # fmt: skip
    yield json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _by_path(tree: SpanTree, frames: _Frames) -> dict[str, Any]:
    samples, weights = [], []
    for path, time in stacks(tree):
        samples.append([_index(span, frames) for span in path])
        weights.append(time)
    return {
        "type": "sampled", "name": f"{tree.title}: own time by path", "unit": "nanoseconds",
        "startValue": 0, "endValue": sum(weights), "samples": samples, "weights": weights,
    }  # fmt: skip


def _by_time(tree: SpanTree, track: Track, spans: list[Span], frames: _Frames) -> dict[str, Any]:
    events: list[dict[str, Any]] = []
    stack: list[Span] = []

    def close(until: int) -> None:
        while stack and stack[-1].end <= until:
            span = stack.pop()
            events.append({"type": "C", "frame": _index(span, frames), "at": span.end - tree.start})

    for span in spans:
        close(span.start)
        events.append({"type": "O", "frame": _index(span, frames), "at": span.start - tree.start})
        stack.append(span)
    close(tree.end)
    return {
        "type": "evented", "name": f"{tree.title}: {track.process_name} {track.name}", "unit": "nanoseconds",
        "startValue": 0, "endValue": tree.end - tree.start, "events": events,
    }  # fmt: skip


def _index(span: Span, frames: _Frames) -> int:
    key = (label(span), str(span.attributes.get("code.file.path", "")), _line(span))
    return frames.setdefault(key, len(frames))


def _line(span: Span) -> int:
    line = span.attributes.get("code.line.number", 0)
    return line if isinstance(line, int) else 0


def _frame(name: str, file: str, line: int) -> dict[str, Any]:
    return {"name": name} | ({"file": file} if file else {}) | ({"line": line} if line else {})
