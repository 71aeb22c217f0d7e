"""OTLP as protobuf messages, encoded by opentelemetry-proto: the extra ``bootseq[otlp]``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tracer.export.batches import by_resource, encoded
from tracer.export.conventions import SCHEMA
from tracer.export.log_records import LogRecord, by_scope, log_records
from tracer.export.otlp_json import ERROR, SCOPE, flags
from tracer.export.spans import Attributes, Span, SpanTree

OMITS = ""


def traces(trees: Sequence[SpanTree]) -> Iterator[bytes]:
    """Yield the parts of a TracesData: messages one behind the other are one message with the fields of all."""
    for tree in trees:
        yield from (message for message, _ in encoded(tree.spans, traces_message))


def logs(trees: Sequence[SpanTree]) -> Iterator[bytes]:
    """Yield the parts of a LogsData."""
    for tree in trees:
        yield from (message for message, _ in encoded(list(log_records(tree)), logs_message))


def traces_message(spans: Sequence[Span]) -> bytes:
    """Return a TracesData, or the request that sends it: both have the same fields."""
    data = TracesData()
    for resource, group in by_resource(spans).items():
        part = data.resource_spans.add(schema_url=SCHEMA)
        _add(part.resource.attributes, resource.attributes)
        scope = part.scope_spans.add(schema_url=SCHEMA)
        scope.scope.name = SCOPE
        for span in group:
            _add_span(scope.spans, span)
    return bytes(data.SerializeToString())


def logs_message(records: Sequence[LogRecord]) -> bytes:
    """Return a LogsData, or the request that sends it."""
    data = LogsData()
    for resource, scopes in by_scope(records).items():
        part = data.resource_logs.add(schema_url=SCHEMA)
        _add(part.resource.attributes, resource.attributes)
        for name, group in scopes.items():
            scope = part.scope_logs.add(schema_url=SCHEMA)
            scope.scope.name = name
            for record in group:
                _add_record(scope.log_records, record)
    return bytes(data.SerializeToString())


def _add_span(spans: Any, span: Span) -> None:
    message = spans.add(
        trace_id=span.trace_id, span_id=span.id, parent_span_id=span.parent_id, flags=flags(span),
        name=span.name, kind=int(span.kind), start_time_unix_nano=span.start, end_time_unix_nano=span.end,
    )  # fmt: skip
    _add(message.attributes, span.attributes)
    for note in span.notes:
        _add(message.events.add(time_unix_nano=note.time, name=note.name).attributes, note.attributes)
    if span.opener:
        message.links.add(trace_id=span.trace_id, span_id=span.opener.id)
    if span.failure is not None:
        message.status.code = ERROR
        message.status.message = span.failure


def _add_record(records: Any, record: LogRecord) -> None:
    message = records.add(
        time_unix_nano=record.time, observed_time_unix_nano=record.time, severity_number=record.severity,
        severity_text=record.level, trace_id=record.span.trace_id, span_id=record.span.id, event_name=record.event,
    )  # fmt: skip
    message.body.string_value = record.body
    _add(message.attributes, record.attributes)


def _add(fields: Any, attributes: Attributes) -> None:
    for key, value in attributes.items():
        target = fields.add(key=key).value
        if isinstance(value, str):
            target.string_value = value
        elif isinstance(value, bool):
            target.bool_value = value
        elif isinstance(value, int):
            target.int_value = value
        elif isinstance(value, float):
            target.double_value = value
        else:
            for item in value:
                target.array_value.values.add(string_value=item)
