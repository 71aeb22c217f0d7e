"""Services in trouble: those that start and fail, or lose their broker or database, outside of any request."""

from __future__ import annotations

import re

from tracer.explain.explanation import Statement
from tracer.explain.words import clock, date, shorten
from tracer.model import Request, Trace, Unassigned
from tracer.text import plural

_TROUBLE = re.compile(
    r"\b(errors?|critical|could not|cannot|failed|failure|refused|unreachable|lost|timed out|exception|in use)\b",
    re.IGNORECASE,
)
#: Troubles this long before and after a request, in nanoseconds, may have to do with it.
_BEFORE, _AFTER = 300 * 10**9, 60 * 10**9


def troubles(trace: Trace, request: Request | None = None) -> list[Statement]:
    """Return what services logged of their own troubles, by first time; with a request, only around its time."""
    lines = [group for group in trace.untied if group.kind == "log" and _TROUBLE.search(group.what)]
    if request is not None:
        start, end = request.started - _BEFORE, request.started + request.duration + _AFTER
        lines = [group for group in lines if group.last >= start and group.first <= end]
    return [Statement(_sentence(group)) for group in sorted(lines, key=lambda group: group.first)]


def _sentence(group: Unassigned) -> str:
    text = shorten(group.what)
    if group.count == 1:
        return f"{group.service} logged at {date(group.first)}: {text}"
    times = plural(group.count, "time")
    return f"{group.service} logged {times} from {date(group.first)} to {clock(group.last)}: {text}"
