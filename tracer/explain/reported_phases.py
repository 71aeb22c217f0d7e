"""Phases by the reports of log lines, where neither states nor messages between services show them."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.explain.marks import Mark
from tracer.messages import report_of
from tracer.model import Request, Step

#: What begins with a report that begins or ends a phase.
_NAMES = {
    "claim": "claim resources", "network": "allocate networks", "block devices": "prepare volumes and images",
    "image": "fetch and create the image", "spawn": "spawn on the hypervisor", "build": "build on the host",
    "scheduling": "choose a host",
}  # fmt: skip


def marks(request: Request) -> list[Mark]:
    """Return the beginnings of phases that log lines report, and the end of the API's part."""
    steps = sorted(request.walk(), key=lambda step: step.start)
    reported = [mark for step in steps if (mark := _mark(step)) is not None]
    return [*_after_answer(request, reported), *reported]


def _mark(step: Step) -> Mark | None:
    report = report_of(step)
    if report is None or report.phase not in _NAMES:
        return None
    name = _NAMES[report.phase]
    if report.says == "begins":
        return Mark(step.start, name, step.service, step)
    if report.says in ("ends", "active") and report.seconds:
        return Mark(step.start - int(report.seconds * 1e9), name, step.service, step)
    return None


def _after_answer(request: Request, reported: list[Mark]) -> Iterator[Mark]:
    """Yield the end of the API's answer, if what follows was reported later."""
    head = request.chapters[0] if request.chapters else None
    if head is None or head.kind != "http" or head.end is None or not reported:
        return
    following = min(reported, key=lambda mark: mark.time)
    if following.time > head.end:
        yield Mark(head.end, f"until {following.service} begins", "", head)
