"""OTLP as JSON Lines, as the collector's file exporter writes it: a message a line, of traces or of logs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tracer.export.batches import by_resource, encoded
from tracer.export.conventions import SCHEMA
from tracer.export.log_records import LogRecord, by_scope, log_records
from tracer.export.spans import Attributes, Scalar, Span, SpanTree

OMITS = ""
#: Trace flags: sampled, and the parent's place is known; the parent is in another process.
SAMPLED, HAS_REMOTE, IS_REMOTE = 0x1, 0x100, 0x200
SCOPE = "bootseq"
ERROR = 2


def traces(trees: Sequence[SpanTree]) -> Iterator[bytes]:
    """Yield the lines of a file of traces."""
    for tree in trees:
        for message, _ in encoded(tree.spans, traces_message):
            yield message + b"\n"


def logs(trees: Sequence[SpanTree]) -> Iterator[bytes]:
    """Yield the lines of a file of logs."""
    for tree in trees:
        for message, _ in encoded(list(log_records(tree)), logs_message):
            yield message + b"\n"


def traces_message(spans: Sequence[Span]) -> bytes:
    """Return a TracesData, or the request that sends it: both have the same fields."""
    resources = [
        {
            "resource": {"attributes": _attributes(resource.attributes)},
            "scopeSpans": [{"scope": {"name": SCOPE}, "spans": list(map(_span, group)), "schemaUrl": SCHEMA}],
            "schemaUrl": SCHEMA,
        }
        for resource, group in by_resource(spans).items()
    ]
    return _compact({"resourceSpans": resources})


def logs_message(records: Sequence[LogRecord]) -> bytes:
    """Return a LogsData, or the request that sends it."""
    resources = [
        {
            "resource": {"attributes": _attributes(resource.attributes)},
            "scopeLogs": [
                {"scope": {"name": scope}, "logRecords": list(map(_record, group)), "schemaUrl": SCHEMA}
                for scope, group in scopes.items()
            ],
            "schemaUrl": SCHEMA,
        }
        for resource, scopes in by_scope(records).items()
    ]
    return _compact({"resourceLogs": resources})


def _compact(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def flags(span: Span) -> int:
    """Return a span's flags."""
    return SAMPLED | HAS_REMOTE | (IS_REMOTE if span.is_remote else 0)


def _span(span: Span) -> dict[str, Any]:
    trace = span.trace_id.hex()
    result: dict[str, Any] = {"traceId": trace, "spanId": span.id.hex()}
    if span.parent_id:
        result["parentSpanId"] = span.parent_id.hex()
    result |= {
        "flags": flags(span), "name": span.name, "kind": int(span.kind),
        "startTimeUnixNano": str(span.start), "endTimeUnixNano": str(span.end),
        "attributes": _attributes(span.attributes),
    }  # fmt: skip
    if span.notes:
        result["events"] = [
            {"timeUnixNano": str(note.time), "name": note.name, "attributes": _attributes(note.attributes)}
            for note in span.notes
        ]
    if span.opener:
        result["links"] = [{"traceId": trace, "spanId": span.opener.id.hex()}]
    if span.failure is not None:
        result["status"] = {"code": ERROR} | ({"message": span.failure} if span.failure else {})
    return result


def _record(record: LogRecord) -> dict[str, Any]:
    event = {"eventName": record.event} if record.event else {}
    return {
        "timeUnixNano": str(record.time), "observedTimeUnixNano": str(record.time), "severityNumber": record.severity,
        "severityText": record.level, "body": {"stringValue": record.body},
        "attributes": _attributes(record.attributes), "traceId": record.span.trace_id.hex(),
        "spanId": record.span.id.hex(),
    } | event  # fmt: skip


def _attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Scalar | Sequence[str]) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"arrayValue": {"values": [{"stringValue": item} for item in value]}}
