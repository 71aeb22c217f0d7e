"""The trace that a request was part of already: W3C's traceparent, as its requests, messages and log lines carry it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracer.model import Request, Step
from tracer.model.attributes import TRACE_ID, TRACEPARENT

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_TRACE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class ExistingTrace:
    """A trace of another tracer, and its span that caused the request; ``span`` is empty where that is unknown."""

    trace: bytes
    span: bytes = b""


def existing_trace(request: Request) -> ExistingTrace | None:
    """Return the trace of the first step that carries one, None without one.

    Only the step that opened everything names its cause: the span in other traceparents is that of one of our steps.
    """
    for position, step in enumerate(request.walk()):
        known = _carried(step)
        if known is not None:
            return known if position == 0 else ExistingTrace(known.trace)
    return None


def _carried(step: Step) -> ExistingTrace | None:
    match = _TRACEPARENT.fullmatch(step.text(TRACEPARENT))
    if match is not None and match["trace"].strip("0") and match["span"].strip("0"):
        return ExistingTrace(bytes.fromhex(match["trace"]), bytes.fromhex(match["span"]))
    trace = step.text(TRACE_ID)
    is_valid = _TRACE.fullmatch(trace) is not None and trace.strip("0") != ""
    return ExistingTrace(bytes.fromhex(trace)) if is_valid else None
