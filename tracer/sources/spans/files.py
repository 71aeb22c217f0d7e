"""Files of foreign spans: recognised by their first bytes, read as events; what is invalid is counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tracer.errors import UnreadableError
from tracer.events import Events
from tracer.sources import values
from tracer.sources.logs import blocks
from tracer.sources.logs.blocks import Buffer
from tracer.sources.spans import events, jaeger, osprofiler, otlp, zipkin
from tracer.sources.spans.span import MAX_DOCUMENT, MAX_SPANS, ForeignSpan
from tracer.text import plural

_SAMPLE = 1 << 16
_OTLP = re.compile(rb'\s*\{\s*"resource(?:Spans|Logs|Metrics)"')
_JAEGER = re.compile(rb'\s*\{.{0,200}?"data"\s*:\s*\[.{0,4000}?"traceID"', re.DOTALL)
_ZIPKIN = re.compile(rb"\s*\[\s*\[?\s*\{")
_RECORD = re.compile(rb'\s*\{[^\n]{0,65536}"base_id"')
_SHOWN = re.compile(rb'\s*\{.{0,65536}?"meta\.raw_payload\.', re.DOTALL)
_HTML = re.compile(rb"\s*<(?:!doctype|html)", re.IGNORECASE)
#: The first bytes of OTLP as protobuf: a resource_spans with a resource in it, maybe behind a length.
_PROTOBUF = re.compile(rb"(?:\0[\0-\x7f].{2})?\x0a[\x01-\xff][\0-\xff]{0,4}?\x0a[\0-\xff]{1,4}?[\x0a\x12]", re.DOTALL)


def matches(data: Buffer, path: Path) -> bool:
    """Return whether a file holds spans in any of the forms."""
    return _form(blocks.part(data, 0, _SAMPLE), path) != ""


def read(path: Path, data: Buffer) -> Events:
    """Read a file of spans; UnreadableError if it has none, or too many."""
    spans: list[ForeignSpan] = []
    invalid = 0
    try:
        for span in _spans(_form(blocks.part(data, 0, _SAMPLE), path), data):
            if span is None:
                invalid += 1
            else:
                spans.append(span)
            if len(spans) + invalid > MAX_SPANS:
                raise UnreadableError(f"more than {MAX_SPANS:,} spans; split the file")
    except UnreadableError as error:
        raise UnreadableError(f"{path}: {error}") from None
    if not spans:
        raise UnreadableError(f"{path}: no span in it is valid" if invalid else f"{path}: no spans")
    result = events.of_spans(path, spans)
    if invalid:
        result.warnings.append(f"{path}: {plural(invalid, 'invalid span')} skipped")
        result.damaged = True
    return result


def _form(sample: bytes, path: Path) -> str:
    if _OTLP.match(sample):
        return "otlp"
    # Before the records: on one line, a trace contains them.
    if _SHOWN.match(sample):
        return "shown"
    if _RECORD.match(sample.partition(b"\n")[0]) and b'"trace_id"' in sample:
        return "records"
    if _JAEGER.match(sample):
        return "jaeger"
    if _ZIPKIN.match(sample) and b'"traceId"' in sample and b'"localEndpoint"' in sample:
        return "zipkin"
    if _HTML.match(sample) and path.suffix.lower() in (".html", ".htm"):
        return "report"
    return "protobuf" if path.suffix == ".pb" and _PROTOBUF.match(sample) else ""


def _spans(form: str, data: Buffer) -> Iterator[ForeignSpan | None]:
    if form == "otlp":
        return otlp.of_lines(data)
    if form == "records":
        return osprofiler.of_lines(data)
    text = blocks.part(data, 0, MAX_DOCUMENT + 1)
    if len(text) > MAX_DOCUMENT:
        raise UnreadableError(f"over {MAX_DOCUMENT >> 20} MB in one value; split the file")
    if form == "protobuf":
        return otlp.of_protobuf(text)
    document: Any = osprofiler.document_of_report(text) if form == "report" else values.parse_json(text)
    if form == "zipkin" and isinstance(document, list):
        return zipkin.spans(document)
    if isinstance(document, dict) and form in ("shown", "report"):
        return osprofiler.of_document(document)
    if isinstance(document, dict) and form == "jaeger" and "data" in document:
        return jaeger.spans(document)
    raise UnreadableError("not valid JSON")
