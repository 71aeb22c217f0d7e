"""OTLP: messages of traces as JSON, one a line, and as protobuf, alone or behind their lengths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracer.errors import UnreadableError
from tracer.model import Value
from tracer.sources import values
from tracer.sources.logs.blocks import Buffer, lines
from tracer.sources.spans.span import (
    KINDS,
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

_ERROR = (2, "STATUS_CODE_ERROR")
_MAX_DEPTH = 8
#: The collector writes a message's length as four bytes before it.
_LENGTH = 4


def of_lines(data: Buffer) -> Iterator[ForeignSpan | None]:
    """Yield the spans of JSON lines, None for a line or a span that is invalid; lines of other signals have none."""
    for line in lines(data):
        if line.strip():
            message = values.parse_json(line)
            if isinstance(message, dict) and message.keys() & {"resourceLogs", "resourceMetrics"}:
                continue
            yield from _of_message(message) if isinstance(message, dict) else [None]


def of_protobuf(data: bytes) -> Iterator[ForeignSpan | None]:
    """Yield the spans of protobuf messages; UnreadableError, without the file's name, if there are none."""
    try:
        from google.protobuf.json_format import MessageToDict
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
    except ModuleNotFoundError:
        raise UnreadableError(
            "reading OTLP as protobuf needs opentelemetry-proto; install it with: pip install 'bootseq[otlp]'"
        ) from None
    for part in _messages(data):
        try:
            message = TracesData.FromString(part)
        except DecodeError:
            raise UnreadableError("not OTLP traces as protobuf") from None
        for resource in message.resource_spans:
            fields = MessageToDict(resource)
            for scope, own in zip(resource.scope_spans, sequence(fields.get("scopeSpans")), strict=True):
                for span, shown in zip(scope.spans, sequence(own.get("spans")), strict=True):
                    # As JSON, ids would be base64.
                    shown |= {"traceId": span.trace_id.hex(), "spanId": span.span_id.hex()}
                    shown["parentSpanId"] = span.parent_span_id.hex()
                    shown["kind"] = span.kind
            yield from _of_message({"resourceSpans": [fields]})


def _messages(data: bytes) -> Iterator[bytes]:
    length = int.from_bytes(data[:_LENGTH], "big")
    if data[:1] != b"\0" or not 0 < length <= len(data) - _LENGTH:
        yield data
        return
    position = 0
    while position + _LENGTH <= len(data):
        length = int.from_bytes(data[position : position + _LENGTH], "big")
        yield data[position + _LENGTH : position + _LENGTH + length]
        position += _LENGTH + length


def _of_message(message: dict[str, Any]) -> Iterator[ForeignSpan | None]:
    try:
        parts = sequence(message.get("resourceSpans"))
    except InvalidSpanError:
        parts = [None]
    for part in parts:
        try:
            fields = mapping(part)
            resource = attributes(mapping(fields.get("resource")).get("attributes"))
            scopes = [mapping(scope) for scope in sequence(fields.get("scopeSpans"))]
            spans = [(scope, span) for scope in scopes for span in sequence(scope.get("spans"))]
        except InvalidSpanError:
            yield None
            continue
        for scope, span in spans:
            try:
                yield _span(mapping(span), word(mapping(scope.get("scope")).get("name")), resource)
            except InvalidSpanError:
                yield None


def _span(span: dict[str, Any], scope: str, resource: dict[str, Value]) -> ForeignSpan:
    start, end = time(span.get("startTimeUnixNano")), span.get("endTimeUnixNano")
    own = attributes(span.get("attributes"))
    status = mapping(span.get("status"))
    moments = [
        Moment(time(event.get("timeUnixNano")), word(event.get("name")), attributes(event.get("attributes")))
        for event in map(mapping, sequence(span.get("events")))
    ]
    parent = span.get("parentSpanId")
    return ForeignSpan(
        identifier(span.get("traceId")), identifier(span.get("spanId")), identifier(parent) if parent else "",
        word(span.get("name")), _kind(span.get("kind")), start,
        time(end) if end not in (None, 0, "0") else None, own, resource, scope,
        word(status.get("message")) if status.get("code") in _ERROR else None, moments,
    )  # fmt: skip


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return value.removeprefix("SPAN_KIND_").lower()
    return KINDS[value] if isinstance(value, int) and 0 <= value < len(KINDS) else ""


def attributes(items: Any) -> dict[str, Value]:
    """Return OTLP's list of keys and values as plain values, with secrets masked."""
    result: dict[str, Value] = {}
    for item in map(mapping, sequence(items)):
        key = word(item.get("key"))
        result[key] = attribute(key, _value(item.get("value")))
    return result


def _value(value: Any, depth: int = 0) -> Value:
    fields = mapping(value)
    if depth > _MAX_DEPTH or len(fields) != 1:
        return None
    ((kind, content),) = fields.items()
    if kind == "intValue":
        return int(content) if isinstance(content, int) or (isinstance(content, str) and _is_int(content)) else None
    if kind == "arrayValue":
        return [_value(item, depth + 1) for item in sequence(mapping(content).get("values"))]
    if kind == "kvlistValue":
        pairs = map(mapping, sequence(mapping(content).get("values")))
        return {word(pair.get("key")): _value(pair.get("value"), depth + 1) for pair in pairs}
    return content if isinstance(content, str | bool | int | float) else None


def _is_int(text: str) -> bool:
    return len(text) < 30 and text.isascii() and text.removeprefix("-").isdecimal()
