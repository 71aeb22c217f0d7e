"""Jaeger's JSON: what its interface downloads and opens. Times are microseconds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tracer.export.batches import by_resource
from tracer.export.spans import Attributes, Scalar, Span, SpanTree

OMITS = "nanoseconds (times are cut to microseconds)"
_TYPES: dict[type, str] = {bool: "bool", int: "int64", float: "float64"}
_MICROSECOND = 1000


def traces(trees: Sequence[SpanTree]) -> Iterator[bytes]:
    """Yield one document with a trace for each request."""
    document = {"data": [_trace(tree) for tree in trees], "total": 0, "limit": 0, "offset": 0, "errors": None}
    yield json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _trace(tree: SpanTree) -> dict[str, Any]:
    processes, spans = {}, []
    for number, (resource, group) in enumerate(by_resource(tree.spans).items(), 1):
        own = {key: value for key, value in resource.attributes.items() if key != "service.name"}
        processes[f"p{number}"] = {"serviceName": resource.name, "tags": _tags(own)}
        spans += [_span(span, f"p{number}") for span in group]
    return {"traceID": tree.trace_id.hex(), "spans": spans, "processes": processes, "warnings": None}


def _span(span: Span, process: str) -> dict[str, Any]:
    # The receiver of a cast is its sender's child too: the interface shows no link in the tree.
    references = [_reference(kind, span, id_) for kind, id_ in _causes(span)]
    tags = _tags(span.attributes) + _tags({"span.kind": span.kind.name.lower(), "otel.scope.name": "bootseq"})
    if span.failure is not None:
        tags += _tags({"error": True, "otel.status_code": "ERROR", "otel.status_description": span.failure})
    start = span.start // _MICROSECOND
    return {
        "traceID": span.trace_id.hex(), "spanID": span.id.hex(), "operationName": span.name, "references": references,
        "startTime": start, "duration": span.end // _MICROSECOND - start, "tags": tags,
        "logs": [
            {"timestamp": note.time // _MICROSECOND, "fields": _tags({"event": note.name} | dict(note.attributes))}
            for note in span.notes
        ],
        "processID": process, "warnings": None,
    }  # fmt: skip


def _causes(span: Span) -> Iterator[tuple[str, bytes]]:
    if span.parent_id:
        yield "CHILD_OF", span.parent_id
    if span.opener:
        yield "FOLLOWS_FROM", span.opener.id


def _reference(kind: str, span: Span, cause: bytes) -> dict[str, str]:
    return {"refType": kind, "traceID": span.trace_id.hex(), "spanID": cause.hex()}


def _tags(attributes: Attributes) -> list[dict[str, Any]]:
    return [
        {"key": key, "type": _TYPES.get(type(value), "string"), "value": _value(value)}
        for key, value in attributes.items()
    ]


def _value(value: Scalar | Sequence[str]) -> Scalar:
    return value if isinstance(value, bool | int | float | str) else json.dumps(value, ensure_ascii=False)
