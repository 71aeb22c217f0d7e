"""Operations that log lines report: a build, a delete …, and what a service does every few seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tracer.messages import reports_of
from tracer.model import Step
from tracer.model.patterns import PERIODIC_LOGGERS, SERVICE_REPORTS

#: Phases of a build; a claim is part of a resize and the like too, whose other lines tell them apart. The words of a
#: delete do not: Nova of 2014 logs them where it cleans up after a build that failed.
_BUILD = frozenset({"build", "spawn", "image", "claim", "block devices"})
_NOT_BUILD = frozenset({"resize", "migration", "live migration", "rebuild", "reboot", "rescue", "shelve"})
#: Operations that may be a part of the others, or of a build.
_MINOR = frozenset({"attach", "detach", "interface", "snapshot"})


def is_build(steps: Iterable[Step]) -> bool:
    """Return whether the log lines among the steps of one request are those of a build."""
    reports = [report for report in reports_of(steps) if report.template.by.startswith("nova")]
    phases = {report.phase for report in reports}
    unscheduled = any(report.phase == "scheduling" and report.says == "error" for report in reports)
    return bool(phases & _BUILD or unscheduled) and not phases & _NOT_BUILD


def operation(steps: Iterable[Step]) -> str:
    """Return the operation that the lines of one request report, "" where they report none or several."""
    phases = {report.phase for report in reports_of(steps)}
    known = phases & _NOT_BUILD or phases & {"delete"} or phases & _MINOR
    return known.pop() if len(known) == 1 else ""


_NAME = re.compile(rf"\bservices$|{SERVICE_REPORTS}|({'|'.join(PERIODIC_LOGGERS)})$")
#: A run of an agent's loop, which looks for ports to work on every few seconds, and its list of all that there are.
_RUN = re.compile(r"(?:Agent rpc_loop - iteration:\d+|Starting to process devices) (?P<event>started|completed|-|in:)")
#: OVN's workers say in it that they are alive.
_RING = re.compile(r"\bUPDATE ovn_hash_ring\b")


def is_periodic(step: Step) -> bool:
    """Return whether a step is such work, by its name."""
    return _NAME.search(step.name) is not None


def periodic_ids(heads: list[Step]) -> set[str]:
    """Return the request ids under which services log such work."""
    timed = {head.request_id for head in heads if head.kind == "log" and head.request_id and is_periodic(head)}
    return timed | loop_ids(heads)


def loop_ids(heads: Iterable[Step]) -> set[str]:
    """Return the request ids of loops that last as long as their service: Neutron's agents, OVN's workers."""
    return {head.request_id for head in heads if head.request_id and _is_of_loop(head)}


def run_event(step: Step) -> str:
    """Return ``started``, ``completed``, ``-`` or ``in:`` for a line about a run of an agent's loop, "" for others."""
    match = _RUN.match(step.text("message")) if step.kind == "log" else None
    return match["event"] if match else ""


def _is_of_loop(head: Step) -> bool:
    if head.kind == "sql":
        return _RING.search(head.text("statement")) is not None
    return bool(run_event(head)) or (head.kind == "rpc" and not head.from_hooks and head.name == "report_state")
