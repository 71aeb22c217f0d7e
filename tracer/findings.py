"""Findings about a trace: steps that a witness missed, and failures between the ends of a message."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tracer.model import Request, Step, Trace
from tracer.notices import Code, code_of
from tracer.text import plural

#: The classes of findings and their meaning, in the order of output.
CLASSES = {
    "undelivered": "a message was sent, and no receiver was seen",
    "redelivered": "a message was delivered more than once",
    "timeout": "the caller gave up waiting for a reply",
    "unclaimed": "a reply arrived after its caller had given up",
    "unlogged": "other witnesses saw a step that the process's log lacks, though it holds others of the kind",
    "unhooked": "other witnesses saw a step that the process's hooks missed, though they recorded others of the kind",
    "uncopied": "other witnesses saw a message that the broker did not copy, though it copied others of the process",
    "clock": "clocks that were wrong",
    "dropped": "events that were not recorded",
    "untied": "steps that should belong to a request and do not",
    "reading": "other warnings about the sources",
}
#: The classes of the trace's notices; None where the counts of unassigned steps say more.
_NOTICE_CLASSES = {
    Code.CLOCK_CORRECTED: "clock", Code.ZONE_SUSPECTED: "clock", Code.EVENTS_DROPPED: "dropped",
    Code.HOOKS_FAILED: "dropped", Code.STATEMENTS_UNASSIGNED: None, Code.STATEMENTS_PERIODIC: None,
}  # fmt: skip
_TIMED_OUT = re.compile(r"MessagingTimeout|Timed out waiting for a reply|Timeout while waiting on RPC")
_TIMED_OUT_ON = re.compile(r"Timed out waiting for a reply to message ID (?P<id>[\w-]+)")
_UNCLAIMED = re.compile(r"No calling threads? waiting for msg_id ?: ?\w*")
_MISSING = (("logs", "unlogged"), ("hooks", "unhooked"), ("broker", "uncopied"))
#: Kinds of which both a process's log and its hooks hold every step.
_COMPARED = frozenset({"rpc", "http", "sql", "command"})
#: A message sent within this many nanoseconds of the broker's last copy may have been received after it.
_CUT_OFF = 1_000_000_000

#: A process, and the kind and side (or way) of its steps.
_Source = tuple[str, str, str]
#: The key of findings that are merged: class, text, service, witnesses.
_Key = tuple[str, str, str, tuple[str, ...]]


@dataclass(frozen=True)
class TraceFinding:
    """A fault: its first step, its count, the witnesses that saw it and those that missed it."""

    class_: str
    text: str
    #: The request's number and the step's address; 0 and "" for a finding about the whole trace.
    boot: int = 0
    address: str = ""
    service: str = ""
    seen: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    count: int = 1


def findings(trace: Trace, only: Request | None = None) -> list[TraceFinding]:
    """Return all findings, or those of one request and of the whole trace; by class, then by position."""
    requests = [*trace.boots, *trace.others]
    observations = _Observations(requests)
    results = [
        finding
        for request in requests
        if only is None or request is only
        for finding in _merged(observations.missing_in(request), request)
    ]
    order = list(CLASSES)
    return sorted([*results, *_of_file(trace)], key=lambda finding: order.index(finding.class_))


def _of_file(trace: Trace) -> Iterator[TraceFinding]:
    for warning in trace.warnings:
        class_ = _NOTICE_CLASSES.get(code_of(warning), "reading")
        if class_ is not None:
            yield TraceFinding(class_, warning)
    for left in trace.untied:
        if _UNCLAIMED.search(left.what):
            yield TraceFinding("unclaimed", left.what, service=left.service, seen=("logs",), count=left.count)
    for kind in dict.fromkeys(left.kind for left in trace.untied):
        counts = Counter[str]()
        for left in trace.untied:
            counts[left.service] += left.count if left.kind == kind and left.why == "unknown" else 0
        if counts.total():
            whose = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
            text = f"{kind} of requests that are not known ({whose}), see: bootseq list --untied"
            yield TraceFinding("untied", text, count=counts.total())


class _Observations:
    """The steps that each witness saw of each process, kind and side, and when: what it should see between them."""

    def __init__(self, requests: list[Request]) -> None:
        self._times: dict[tuple[_Source, str], list[int]] = defaultdict(list)
        #: the times at which callers gave up, by the message's id
        self._timed_out: dict[str, int] = {}
        #: services that receive messages, each with a witness that saw it
        self._takers: set[str] = set()
        #: the start of the last step that each witness saw
        self._ends: dict[str, int] = defaultdict(int)
        for request in requests:
            for step in request.walk():
                self._take(step)
        self._spans = {key: (min(times), max(times)) for key, times in self._times.items()}

    def _take(self, step: Step) -> None:
        for witness in step.witnesses:
            self._ends[witness] = max(self._ends[witness], step.start)
            if step.kind in _COMPARED:
                self._times[_source(step), witness].append(step.start)
        if step.kind == "log" and (match := _TIMED_OUT_ON.search(step.text("message"))):
            self._timed_out[match["id"]] = step.start
        if step.kind == "rpc" and step.text("side") == "server":
            self._takers.update((f"{step.service} {witness}") for witness in step.witnesses)

    def missing_in(self, request: Request) -> Iterator[tuple[str, str, Step, tuple[str, ...]]]:
        """Yield (class, text, step, witnesses that missed it) for each fault in a request's steps."""
        for step in request.walk():
            if step.kind == "rpc" and step.text("side") != "server":
                yield from self._of_message(step)
            if step.kind == "log" and (match := _UNCLAIMED.search(step.text("message"))):
                yield "unclaimed", match[0], step, ()
            for witness, class_ in _MISSING:
                if self._should_have(witness, step):
                    yield class_, _named(step), step, (witness,)

    def _should_have(self, witness: str, step: Step) -> bool:
        """Return whether ``witness`` missed the step but saw others of its kind and process before and after."""
        if witness in step.witnesses or step.kind not in _COMPARED:
            return False
        first, last = self._spans.get((_source(step), witness), (0, 0))
        return first < step.start < last

    def _of_message(self, step: Step) -> Iterator[tuple[str, str, Step, tuple[str, ...]]]:
        mode = step.text("mode")
        taken = [child for child in step.children if child.kind == "rpc" and child.text("side") == "server"]
        if mode in ("reply", "notify"):
            return
        if not taken and not step.opens:
            missed = tuple(self._would_see_taken(step))
            if missed or step.attributes.get("unrouted"):
                queue = ", there was no queue for it" if step.attributes.get("unrouted") else ""
                yield "undelivered", f"{_named(step)}{queue}", step, missed
        if len(taken) + len(step.opens) > 1 and mode != "fanout":
            yield "redelivered", f"{_named(step)}, taken {len(taken) + len(step.opens)} times", step, ()
        else:
            yield from (
                ("redelivered", _named(step), child, ()) for child in taken if child.attributes.get("redelivered")
            )
        gave_up = self._gave_up(step) if mode == "call" else None
        if gave_up is not None:
            answered = max((end for child in taken if (end := _answered(child)) is not None), default=0)
            late = f"; the answer came {(answered - gave_up) / 1e9:.1f} s later" if answered > gave_up else ""
            yield "timeout", f"{_named(step)}, after {(gave_up - step.start) / 1e9:.1f} s{late}", step, ()

    def _gave_up(self, step: Step) -> int | None:
        """Return when the caller gave up waiting, by its error or a line of its log."""
        if step.error and _TIMED_OUT.search(step.error):
            return step.end
        return self._timed_out.get(step.text("msg_id"))

    def _would_see_taken(self, step: Step) -> Iterator[str]:
        """Yield the witnesses that see messages received by this peer and recorded for long enough."""
        for witness in ("hooks", "logs", "broker"):
            known = f"{step.text('peer')} {witness}" in self._takers
            if known and step.start + _CUT_OFF < self._ends[witness]:
                yield witness


def _answered(step: Step) -> int | None:
    reply = step.attributes.get("reply")
    time = reply.get("at") if isinstance(reply, dict) else None
    return time if isinstance(time, int) else step.end


def _source(step: Step) -> _Source:
    # A log holds commands, not the functions that oslo.privsep runs.
    side = "notify" if step.text("mode") == "notify" else step.text("side") or step.text("via")
    return step.process, step.kind, side


def _named(step: Step) -> str:
    if step.kind == "rpc":
        mode = "taking" if step.text("side") == "server" else step.text("mode") or "call"
        return f"rpc {mode} {step.text('method') or step.name}"
    return f"{step.kind} {step.name}"


def _merged(faults: Iterable[tuple[str, str, Step, tuple[str, ...]]], request: Request) -> Iterator[TraceFinding]:
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


def line(finding: TraceFinding) -> str:
    """Return a finding as text: ``[compute] rpc call ping ×3: seen by broker, not by logs``."""
    service = f"[{finding.service}] " if finding.service else ""
    times = f" ×{finding.count}" if finding.count > 1 else ""
    witnesses = f": seen by {' and '.join(finding.seen)}" if finding.seen and finding.missed else ""
    missed = f", not by {' or '.join(finding.missed)}" if finding.missed else ""
    return f"{service}{finding.text}{times}{witnesses}{missed}"


def summary(results: list[TraceFinding]) -> str:
    """Return the number of findings by class: ``3 findings: 2 timeout, 1 clock``."""
    counts = Counter(finding.class_ for finding in results)
    return f"{plural(len(results), 'finding')}: " + ", ".join(f"{count} {name}" for name, count in counts.items())
