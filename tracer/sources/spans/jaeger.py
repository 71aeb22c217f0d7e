"""Jaeger's JSON: what its interface downloads, and what its API returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracer.model import Value
from tracer.sources import values
from tracer.sources.spans.span import (
    ForeignSpan,
    InvalidSpanError,
    Moment,
    attribute,
    identifier,
    mapping,
    sequence,
    time,
    word,
)

_MICROSECOND = 1000


def spans(document: dict[str, Any]) -> Iterator[ForeignSpan | None]:
    """Yield the spans of all traces, None for one that is invalid."""
    for trace in document["data"] if isinstance(document["data"], list) else [None]:
        try:
            fields = mapping(trace)
            processes, items = mapping(fields.get("processes")), sequence(fields.get("spans"))
        except InvalidSpanError:
            yield None
            continue
        for span in items:
            try:
                yield _span(mapping(span), processes)
            except InvalidSpanError:
                yield None


def _span(span: dict[str, Any], processes: dict[str, Any]) -> ForeignSpan:
    process = mapping(span.get("process") or processes.get(word(span.get("processID"))))
    own = _tags(span.get("tags"))
    start, duration = time(span.get("startTime"), _MICROSECOND), span.get("duration")
    if not isinstance(duration, int) or not 0 <= duration < 1 << 50:
        raise InvalidSpanError("a duration out of range")
    moments = []
    for log in map(mapping, sequence(span.get("logs"))):
        fields = _tags(log.get("fields"))
        moments.append(Moment(time(log.get("timestamp"), _MICROSECOND), str(fields.pop("event", "")), fields))
    failed = own.pop("error", None) in (True, "true") or own.get("otel.status_code") == "ERROR"
    error = str(own.pop("otel.status_description", "")) if failed else None
    own.pop("otel.status_code", None)
    kind, scope = str(own.pop("span.kind", "")), str(own.pop("otel.scope.name", own.pop("otel.library.name", "")))
    resource = _tags(process.get("tags")) | {"service.name": word(process.get("serviceName"))}
    return ForeignSpan(
        identifier(span.get("traceID")), identifier(span.get("spanID")), _parent(span), word(span.get("operationName")),
        kind, start, start + duration * _MICROSECOND, own, resource, scope, error, moments,
    )  # fmt: skip


def _parent(span: dict[str, Any]) -> str:
    """Return the span's parent: the one it is a child of, else the one that it follows."""
    references = [mapping(reference) for reference in sequence(span.get("references"))]
    for kind in ("CHILD_OF", "FOLLOWS_FROM"):
        for reference in references:
            if reference.get("refType") == kind:
                return identifier(reference.get("spanID"))
    parent = span.get("parentSpanID")
    return identifier(parent) if parent else ""


def _tags(tags: Any) -> dict[str, Value]:
    result: dict[str, Value] = {}
    for tag in map(mapping, sequence(tags)):
        key = word(tag.get("key"))
        result[key] = attribute(key, values.plain(tag.get("value")))
    return result
