"""Reports of log lines by the catalogue of messages: what a line says of a request's course."""

from __future__ import annotations

from functools import lru_cache

from tracer.messages import Report, catalogue
from tracer.model import Step

#: What reports of a failure say; ``answered`` is the API's own answer.
FAILING = frozenset({"fails", "refused", "rescheduled", "error", "answered"})
#: Nothing that the catalogue matches is further in, and a traceback's chain rarely is.
_MAX_MESSAGE = 1 << 16


def report_of(step: Step) -> Report | None:
    """Return what a log line reports, None where the catalogue does not have it, or for another step."""
    if step.kind != "log":
        return None
    return _read(step.text("message")[:_MAX_MESSAGE], step.text("logger"))


@lru_cache(maxsize=4096)
def _read(message: str, logger: str) -> Report | None:
    return catalogue().read(message, logger)


def reported_error(step: Step) -> str:
    """Return the exception or the reason that a report of a failure gives, "" where it gives none."""
    report = report_of(step)
    if report is None or report.says not in FAILING:
        return ""
    reason = report.values.get("reason", "")
    named = catalogue().name_error(reason)
    is_whole = report.says in ("answered", "refused") or named != reason
    return report.cause or report.error or (named if is_whole else report.text)
