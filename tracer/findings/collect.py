"""All findings of a trace, or of one of its requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tracer.explain.words import plain_error
from tracer.findings.errors import LEVELS, errors
from tracer.findings.finding import CLASSES, TraceFinding
from tracer.findings.observations import UNCLAIMED, Fault, Observations
from tracer.findings.timeouts import Timeouts, reports_timeout
from tracer.model import Request, Step, Trace
from tracer.notices import Code, code_of
from tracer.timeline import Entry, entry, entry_of_line, level_of

#: The classes of the trace's notices; None where the counts of unassigned steps say more.
_NOTICE_CLASSES = {
    Code.CLOCK_CORRECTED: "clock", Code.CLOCK_CONTRADICTED: "clock", Code.ZONE_SUSPECTED: "clock",
    Code.UNRECORDED: "unrecorded", Code.EVENTS_DROPPED: "dropped", Code.HOOKS_FAILED: "dropped",
    Code.LINES_LEFT_OUT: "dropped",
    Code.STATEMENTS_UNASSIGNED: None, Code.STATEMENTS_PERIODIC: None, Code.LINES_NOT_UNDERSTOOD: None,
}  # fmt: skip
#: The key of findings that are merged: class, text, service, witnesses.
_Key = tuple[str, str, str, tuple[str, ...]]


def findings(trace: Trace, only: Request | None = None) -> list[TraceFinding]:
    """Return all findings, or those of one request and of the whole trace; by class, then by position."""
    requests = [*trace.boots, *trace.others]
    entries = list(_entries(trace, requests))
    timeouts = Timeouts(requests, entries)
    observations = Observations(requests, timeouts)
    results = [
        finding
        for request in requests
        if only is None or request is only
        for finding in [*_failures(request), *_merged(observations.missing_in(request), request)]
    ]
    order = list(CLASSES)
    own = entries if only is None else [entry for entry in entries if entry.request == only.number]
    everything = [*results, *timeouts.without_calls(own), *errors(own), *_of_file(trace)]
    return sorted(everything, key=lambda finding: order.index(finding.class_))


def _entries(trace: Trace, requests: list[Request]) -> Iterator[Entry]:
    """Yield the log lines that report an error or a timeout, of all requests and of none."""
    for request in requests:
        for step in request.walk():
            if step.kind == "log" and (level_of(step) in LEVELS or reports_timeout(step.text("message"))):
                yield entry(request, step, "")
    yield from map(entry_of_line, trace.lines)


def _failures(request: Request) -> Iterator[TraceFinding]:
    """Yield a finding if a request failed, but for reads that were answered as not found and the like."""
    outcome, head = request.outcome, request.chapters[0] if request.chapters else None
    is_read = request.operation.startswith(("GET ", "HEAD "))
    later = [chapter for chapter in request.chapters[1:] if chapter.error is not None]
    if head is None or (is_read and outcome.startswith("error: HTTP 4")):
        return
    if outcome.startswith(("error", "failed")) or (later and request.operation != "boot"):
        failed = later[0] if later and not outcome.startswith("error") else head
        name = f"{request.operation} {request.server}".strip()
        error = plain_error(failed.error or "")
        reason = outcome if outcome.startswith("error") else f"failed: {error}" if error else "failed"
        yield TraceFinding("failed", f"{name}: {reason}", request.number, failed.address, failed.service)


def _of_file(trace: Trace) -> Iterator[TraceFinding]:
    for warning in trace.warnings:
        class_ = _NOTICE_CLASSES.get(code_of(warning), "reading")
        if class_ is not None:
            yield TraceFinding(class_, warning)
    for left in trace.untied:
        if UNCLAIMED.search(left.what):
            yield TraceFinding("unclaimed", left.what, service=left.service, seen=("logs",), count=left.count)
    for kind in dict.fromkeys(left.kind for left in trace.untied):
        counts = Counter[str]()
        for left in trace.untied:
            counts[left.service] += left.count if left.kind == kind and left.why == "unknown" else 0
        if counts.total():
            whose = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
            text = f"{kind} of requests that are not known ({whose}), see: bootseq list --untied"
            yield TraceFinding("untied", text, count=counts.total())


def _merged(faults: Iterable[Fault], request: Request) -> Iterator[TraceFinding]:
    """Yield one finding for equal faults of several steps, at the first of them."""
    firsts: dict[_Key, tuple[Step, tuple[str, ...]]] = {}
    counts: Counter[_Key] = Counter()
    for class_, text, step, missed in faults:
        key = class_, text, step.service, step.witnesses
        firsts.setdefault(key, (step, missed))
        counts[key] += 1
    for key, (step, missed) in firsts.items():
        yield TraceFinding(
            key[0], key[1], request.number, step.address, step.service, step.witnesses, missed, counts[key]
        )  # fmt: skip
