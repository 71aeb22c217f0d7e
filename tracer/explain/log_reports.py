"""Reports of log lines by the catalogue of messages: what a line says of a request's course."""

from __future__ import annotations

from tracer.messages import catalogue, report_of
from tracer.model import Step

#: What reports of a failure say; ``answered`` is the API's own answer.
FAILING = frozenset({"fails", "refused", "rescheduled", "error", "answered"})


def reported_error(step: Step) -> str:
    """Return the exception or the reason that a report of a failure gives, "" where it gives none."""
    report = report_of(step)
    if report is None or report.says not in FAILING:
        return ""
    reason = report.values.get("reason", "")
    named = catalogue().name_error(reason)
    is_whole = report.says in ("answered", "refused") or named != reason
    return report.cause or report.error or (named if is_whole else report.text)
