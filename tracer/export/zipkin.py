"""Zipkin's JSON, version 2: a list of spans, whose tags are texts and whose times are microseconds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tracer.export.spans import Kind, Scalar, Span, SpanTree

OMITS = "nanoseconds (times are cut to microseconds), links, types of attributes"
_MICROSECOND = 1000


def traces(trees: Sequence[SpanTree]) -> Iterator[bytes]:
    """Yield the spans of one request as a list, of several as a list of lists, as Zipkin's API returns them."""
    lists = [[_span(span) for span in tree.spans] for tree in trees]
    yield json.dumps(lists[0] if len(lists) == 1 else lists, ensure_ascii=False, separators=(",", ":")).encode()


def _span(span: Span) -> dict[str, Any]:
    start = span.start // _MICROSECOND
    tags = {key: _text(value) for key, value in span.attributes.items()}
    if span.failure is not None:
        tags["error"] = span.failure or "true"
    own = {key: _text(value) for key, value in span.resource.attributes.items() if key != "service.name"}
    result: dict[str, Any] = {
        "traceId": span.trace_id.hex(), "id": span.id.hex(), "name": span.name, "timestamp": start,
        # A duration of 0 would mean an unknown one.
        "duration": max(1, span.end // _MICROSECOND - start),
        "localEndpoint": {"serviceName": span.resource.name}, "tags": tags | own,
    }  # fmt: skip
    if span.parent_id:
        result["parentId"] = span.parent_id.hex()
    if span.kind != Kind.INTERNAL:
        result["kind"] = span.kind.name
    if span.notes:
        result["annotations"] = [
            {"timestamp": note.time // _MICROSECOND, "value": _text({"event": note.name} | dict(note.attributes))}
            for note in span.notes
        ]
    return result


def _text(value: Scalar | Sequence[str] | dict[str, Any]) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
