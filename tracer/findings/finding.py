"""A finding about a trace: its class, the first step or line, the count, and the words of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tracer import times
from tracer.text import plural

#: The classes of findings and their meaning, in the order of output.
CLASSES = {
    "failed": "a request that failed",
    "timeout": "the caller gave up waiting for a reply",
    "error": "log lines at ERROR and CRITICAL, by service and text",
    "undelivered": "a message was sent, and no receiver was seen",
    "redelivered": "a message was delivered more than once",
    "unclaimed": "a reply arrived after its caller had given up",
    "unlogged": "other witnesses saw a step that the process's log lacks, though it holds others of the kind",
    "unhooked": "other witnesses saw a step that the process's hooks missed, though they recorded others of the kind",
    "uncopied": "other witnesses saw a message that the broker did not copy, though it copied others of the process",
    "clock": "clocks that were wrong, or that contradict cause and effect",
    "unrecorded": "hosts and services of the recorded cluster that were not recorded, and messages to them",
    "dropped": "events that were not recorded",
    "untied": "steps that should belong to a request and do not",
    "reading": "other warnings about the sources",
}


@dataclass(frozen=True)
class TraceFinding:
    """A fault: its first step, its count, the witnesses that saw it and those that missed it."""

    class_: str
    text: str
    #: The request's number and the step's address; 0 and "" for a finding about no request.
    boot: int = 0
    address: str = ""
    service: str = ""
    seen: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    count: int = 1
    #: The times of the first and the last log line, nanoseconds since the epoch; 0 for a finding about steps.
    first: int = 0
    last: int = 0


def line(finding: TraceFinding) -> str:
    """Return a finding as text: ``[compute] rpc call ping ×3: seen by broker, not by logs``."""
    service = f"[{finding.service}] " if finding.service else ""
    repeated = f" ×{finding.count}" if finding.count > 1 else ""
    witnesses = f": seen by {' and '.join(finding.seen)}" if finding.seen and finding.missed else ""
    missed = f", not by {' or '.join(finding.missed)}" if finding.missed else ""
    return f"{service}{finding.text}{repeated}{_dates(finding)}{witnesses}{missed}"


def _dates(finding: TraceFinding) -> str:
    if not finding.first:
        return ""
    until = f" to {times.plain(finding.last)}" if finding.last != finding.first else ""
    return f", {times.plain(finding.first)}{until}"


def summary(results: list[TraceFinding]) -> str:
    """Return the number of findings by class: ``3 findings: 2 timeout, 1 clock``."""
    counts = Counter(finding.class_ for finding in results)
    return f"{plural(len(results), 'finding')}: " + ", ".join(f"{count} {name}" for name, count in counts.items())
