"""Reports of log lines: what the catalogue has for a step."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from tracer.messages.catalogue import Report, catalogue
from tracer.model import Step


def report_of(step: Step) -> Report | None:
    """Return what a log line reports, None where the catalogue does not have it, and for any other step."""
    return _read(step.text("message"), step.text("logger")) if step.kind == "log" else None


def reports_of(steps: Iterable[Step]) -> list[Report]:
    """Return what the log lines among the steps report, in their order."""
    return [report for step in steps if (report := report_of(step))]


# Several stages ask about each line.
@lru_cache(maxsize=1 << 14)
def _read(message: str, logger: str) -> Report | None:
    return catalogue().read(message, logger)
