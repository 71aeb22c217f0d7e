"""The trace and span ids of OpenTelemetry that a format string writes into each log line."""

from __future__ import annotations

import re

from tracer.model import Value
from tracer.model.attributes import SPAN_ID, TRACE_ID

_MARK = "race"
#: As OpenTelemetry's fields of log records, its own format, and JSON formatters name them.
_TRACE = re.compile(r"(?:otelTrace|trace_?)id[\"']?[=:] ?[\"']?([0-9a-f]{32})(?![0-9a-f])", re.IGNORECASE)
_SPAN = re.compile(r"(?:otelSpan|span_?)id[\"']?[=:] ?[\"']?([0-9a-f]{16})(?![0-9a-f])", re.IGNORECASE)


def ids(head: str, message: str) -> dict[str, Value]:
    """Return the ids in a line's head, else in its message, as attributes; {} without a trace."""
    for text in (head, message):
        trace = _TRACE.search(text) if _MARK in text.lower() else None
        if trace is not None and trace[1].strip("0"):
            span = _SPAN.search(text)
            return {TRACE_ID: trace[1].lower()} | ({SPAN_ID: span[1].lower()} if span is not None else {})
    return {}
