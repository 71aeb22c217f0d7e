"""Phases that log lines report, as steps of their service where nothing else recorded what it did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tracer.correlation import parts
from tracer.correlation.tolerances import SECOND
from tracer.messages import Report, report_of
from tracer.model import Request, Step

_TOOK = re.compile(r"Took [\d.]+ seconds (?:to|for) ")
#: Phases whose begin and end are two messages.
_PAIRS = frozenset({"claim"})
#: Durations are logged in hundredths of a second.
_BLUR = SECOND // 50


@dataclass(slots=True)
class _Span:
    """A phase: its step, and the instance that it is about, "" where the message names none."""

    step: Step
    instance: str

    def contains(self, start: int, end: int, instance: str) -> bool:
        """Return whether something happened in it, as far as times tell."""
        own = not instance or not self.instance or instance == self.instance
        return own and self.step.start - _BLUR <= start and end <= (self.step.end or 0) + _BLUR


def insert(request: Request) -> None:
    """Put the lines of each part below steps for the phases that they report, with their durations."""
    for part in [step for step in request.walk() if step.name == parts.NAME and step.witnesses == ("logs",)]:
        lines = [(line, report_of(line)) for line in part.children if line.kind == "log"]
        if spans := list(_spans(lines)):
            _arrange(part, spans, {line.id: report.instance for line, report in lines if report is not None})


def _spans(lines: list[tuple[Step, Report | None]]) -> Iterator[_Span]:
    begun: dict[tuple[str, str], Step] = {}
    for line, report in lines:
        if report is None:
            continue
        key = report.phase, report.instance
        if report.seconds is not None:
            name = _TOOK.sub("", report.text).rstrip(".")
            yield _Span(_step(line, name, line.start - int(report.seconds * SECOND)), report.instance)
        elif report.phase in _PAIRS and report.says == "begins":
            begun[key] = line
        elif report.phase in _PAIRS and report.says == "ends" and key in begun:
            yield _Span(_step(line, report.phase, begun.pop(key).start), report.instance)


def _step(line: Step, name: str, start: int) -> Step:
    return Step(
        id=f"{line.id} phase", kind="call", service=line.service, name=name, start=start, end=line.start,
        host=line.host, pid=line.pid, thread=line.thread, request_id=line.request_id, witnesses=("logs",),
        tied_by=line.tied_by,
    )  # fmt: skip


def _arrange(part: Step, spans: list[_Span], instances: dict[str, str]) -> None:
    """Make a tree of the part's children and the phases: each below the shortest phase that contains it."""
    children, part.children = part.children, []
    by_length = sorted(spans, key=lambda span: (span.step.end or 0) - span.step.start)
    for number, span in enumerate(by_length):
        # A phase is never below a shorter one, which the blur of times may make longer.
        outer = _first(by_length[number + 1 :], span.step.start, span.step.end or 0, span.instance)
        (outer or part).children.append(span.step)
    for child in children:
        outer = _first(by_length, child.start, child.end or child.start, instances.get(child.id, ""))
        (outer or part).children.append(child)
    for step in (part, *(span.step for span in spans)):
        step.children.sort(key=lambda child: (child.start, not child.numbered))
    part.start = min(part.start, *(span.step.start for span in spans))


def _first(spans: list[_Span], start: int, end: int, instance: str) -> Step | None:
    return next((span.step for span in spans if span.contains(start, end, instance)), None)
