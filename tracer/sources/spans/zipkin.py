"""Zipkin's JSON, version 2: a list of spans, or a list of traces that are lists of spans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracer.model import Value
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
#: Attributes of a process, which Zipkin has among the tags.
_RESOURCE = (
    "service.instance.id",
    "service.version",
    "service.namespace",
    "host.name",
    "process.pid",
    "bootseq.service",
)


def spans(document: list[Any]) -> Iterator[ForeignSpan | None]:
    """Yield the spans, None for one that is invalid."""
    for item in document:
        for span in item if isinstance(item, list) else [item]:
            try:
                yield _span(mapping(span))
            except InvalidSpanError:
                yield None


def _span(span: dict[str, Any]) -> ForeignSpan:
    tags = {key: attribute(key, word(value)) for key, value in mapping(span.get("tags")).items()}
    start, duration = time(span.get("timestamp"), _MICROSECOND), span.get("duration")
    if duration is not None and (not isinstance(duration, int) or not 0 <= duration < 1 << 50):
        raise InvalidSpanError("a duration out of range")
    resource: dict[str, Value] = {name: tags.pop(name) for name in _RESOURCE if name in tags}
    resource["service.name"] = word(mapping(span.get("localEndpoint")).get("serviceName"))
    error = tags.pop("error", None)
    moments = [
        Moment(time(note.get("timestamp"), _MICROSECOND), word(note.get("value")), {})
        for note in map(mapping, sequence(span.get("annotations")))
    ]
    parent = span.get("parentId")
    identity = identifier(span.get("id"))
    # Both ends of a request may share an id: the server's end is below the client's.
    is_shared = span.get("shared") is True
    return ForeignSpan(
        identifier(span.get("traceId")), f"{identity}5" if is_shared else identity,
        identity if is_shared else identifier(parent) if parent else "", word(span.get("name")),
        word(span.get("kind")).lower(), start, None if duration is None else start + duration * _MICROSECOND,
        {**tags}, resource, "", None if error is None else str(error), moments,
    )  # fmt: skip
