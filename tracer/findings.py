"""Findings: what a witness should have seen and did not, and what went wrong between the ends of a message."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tracer.model import Request, Step, Trace
from tracer.notices import Code, code_of
from tracer.text import plural

#: What each class of finding says, in the order of telling.
CLASSES = {
    "undelivered": "a message was sent, and nobody was seen to take it",
    "redelivered": "a message was handed out more than once",
    "timeout": "the caller gave up waiting for an answer",
    "unclaimed": "an answer came that nobody waited for any more",
    "unlogged": "others saw what the log of that process does not tell, though it tells others of the kind",
    "unhooked": "others saw what the hooks in that process did not record, though they recorded others of the kind",
    "uncopied": "others saw a message of which the broker gave no copy, though it gave others of that process",
    "clock": "clocks that were wrong",
    "dropped": "events that were not recorded",
    "untied": "what could not be tied to a request and should have been",
    "reading": "what else was told while the sources were read",
}
#: The classes of the trace's own notices; those of statements have counts of their own, which say more.
_NOTICED = {
    Code.CLOCK_CORRECTED: "clock", Code.ZONE_SUSPECTED: "clock", Code.EVENTS_DROPPED: "dropped",
    Code.HOOKS_FAILED: "dropped", Code.STATEMENTS_UNASSIGNED: None, Code.STATEMENTS_PERIODIC: None,
}  # fmt: skip
_TIMED_OUT = re.compile(r"MessagingTimeout|Timed out waiting for a reply|Timeout while waiting on RPC")
_TIMED_OUT_ON = re.compile(r"Timed out waiting for a reply to message ID (?P<id>[\w-]+)")
_UNCLAIMED = re.compile(r"No calling threads? waiting for msg_id ?: ?\w*")
_MISSING = (("logs", "unlogged"), ("hooks", "unhooked"), ("broker", "uncopied"))
#: What both a process's log and its hooks tell, one by one.
_COMPARED = frozenset({"rpc", "http", "sql", "command"})
#: What was sent so shortly before the broker's last copy, in nanoseconds, may have been taken after it.
_CUT_OFF = 1_000_000_000

#: A process, and what of it: kind and side, or way.
_Place = tuple[str, str, str]
#: Findings that are told as one: class, text, service, witnesses.
_Alike = tuple[str, str, str, tuple[str, ...]]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be: where it stands first, how often, who saw it and who did not."""

    class_: str
    text: str
    #: The boot's (or other request's) number and the step's address; 0 and "" for what stands in none.
    boot: int = 0
    address: str = ""
    service: str = ""
    seen: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    count: int = 1


def findings(trace: Trace, only: Request | None = None) -> list[Finding]:
    """All findings, or those of one boot and what holds for the whole trace; by class, then by place."""
    requests = [*trace.boots, *trace.others]
    seen = _Seen(requests)
    found = [
        finding
        for request in requests
        if only is None or request is only
        for finding in _together(seen.missing_in(request), request)
    ]
    order = list(CLASSES)
    return sorted([*found, *_of_file(trace)], key=lambda one: order.index(one.class_))


def _of_file(trace: Trace) -> Iterator[Finding]:
    for warning in trace.warnings:
        class_ = _NOTICED.get(code_of(warning), "reading")
        if class_ is not None:
            yield Finding(class_, warning)
    for left in trace.untied:
        if _UNCLAIMED.search(left.what):
            yield Finding("unclaimed", left.what, service=left.service, seen=("logs",), count=left.count)
    for kind in dict.fromkeys(left.kind for left in trace.untied):
        counts = Counter[str]()
        for left in trace.untied:
            counts[left.service] += left.count if left.kind == kind and left.why == "unknown" else 0
        if counts.total():
            whose = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
            text = f"{kind} of requests that are not known ({whose}), see: bootseq list --untied"
            yield Finding("untied", text, count=counts.total())


class _Seen:
    """What each witness saw of each process, kind and side, and when: what it should have seen then."""

    def __init__(self, requests: list[Request]) -> None:
        self._times: dict[tuple[_Place, str], list[int]] = defaultdict(list)
        #: when the callers of messages gave up, by the message's id
        self._timed_out: dict[str, int] = {}
        #: who takes messages, and who saw it
        self._takers: set[str] = set()
        #: the last that each witness saw
        self._ends: dict[str, int] = defaultdict(int)
        for request in requests:
            for step in request.walk():
                self._take(step)
        self._spans = {key: (min(times), max(times)) for key, times in self._times.items()}

    def _take(self, step: Step) -> None:
        for witness in step.witnesses:
            self._ends[witness] = max(self._ends[witness], step.start)
            if step.kind in _COMPARED:
                self._times[_place(step), witness].append(step.start)
        if step.kind == "log" and (said := _TIMED_OUT_ON.search(step.text("message"))):
            self._timed_out[said["id"]] = step.start
        if step.kind == "rpc" and step.text("side") == "server":
            self._takers.update((f"{step.service} {witness}") for witness in step.witnesses)

    def missing_in(self, request: Request) -> Iterator[tuple[str, str, Step, tuple[str, ...]]]:
        """(class, text, step, who missed it) for each thing that is missing in a request's steps."""
        for step in request.walk():
            if step.kind == "rpc" and step.text("side") != "server":
                yield from self._of_message(step)
            if step.kind == "log" and (said := _UNCLAIMED.search(step.text("message"))):
                yield "unclaimed", said[0], step, ()
            for witness, class_ in _MISSING:
                if self._should_have(witness, step):
                    yield class_, _named(step), step, (witness,)

    def _should_have(self, witness: str, step: Step) -> bool:
        """Whether ``witness``, which did not see the step, saw others of its kind in its process before and after."""
        if witness in step.witnesses or step.kind not in _COMPARED:
            return False
        first, last = self._spans.get((_place(step), witness), (0, 0))
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
            yield from (("redelivered", _named(step), each, ()) for each in taken if each.attributes.get("redelivered"))
        gave_up = self._gave_up(step) if mode == "call" else None
        if gave_up is not None:
            answered = max((end for each in taken if (end := _answered(each)) is not None), default=0)
            late = f"; the answer came {(answered - gave_up) / 1e9:.1f} s later" if answered > gave_up else ""
            yield "timeout", f"{_named(step)}, after {(gave_up - step.start) / 1e9:.1f} s{late}", step, ()

    def _gave_up(self, step: Step) -> int | None:
        """When the caller gave up waiting, as its error or a line of its log says."""
        if step.error and _TIMED_OUT.search(step.error):
            return step.end
        return self._timed_out.get(step.text("msg_id"))

    def _would_see_taken(self, step: Step) -> Iterator[str]:
        """The witnesses that see what such a receiver takes, and were there for long enough."""
        for witness in ("hooks", "logs", "broker"):
            known = f"{step.text('peer')} {witness}" in self._takers
            if known and step.start + _CUT_OFF < self._ends[witness]:
                yield witness


def _answered(step: Step) -> int | None:
    reply = step.attributes.get("reply")
    at = reply.get("at") if isinstance(reply, dict) else None
    return at if isinstance(at, int) else step.end


def _place(step: Step) -> _Place:
    # A log tells of commands, and not of the functions that oslo.privsep runs.
    side = "notify" if step.text("mode") == "notify" else step.text("side") or step.text("via")
    return step.process, step.kind, side


def _named(step: Step) -> str:
    if step.kind == "rpc":
        mode = "taking" if step.text("side") == "server" else step.text("mode") or "call"
        return f"rpc {mode} {step.text('method') or step.name}"
    return f"{step.kind} {step.name}"


def _together(told: Iterable[tuple[str, str, Step, tuple[str, ...]]], request: Request) -> Iterator[Finding]:
    """One finding for what is told alike of several steps, at the first of them."""
    firsts: dict[_Alike, tuple[Step, tuple[str, ...]]] = {}
    counts: Counter[_Alike] = Counter()
    for class_, text, step, missed in told:
        key = class_, text, step.service, step.witnesses
        firsts.setdefault(key, (step, missed))
        counts[key] += 1
    for key, (step, missed) in firsts.items():
        yield Finding(
            key[0], key[1], request.number, step.address, step.service, step.witnesses, missed, counts[key]
        )  # fmt: skip


def line(finding: Finding) -> str:
    """What a finding says, for people: ``[compute] rpc call ping ×3: seen by broker, not by logs``."""
    who = f"[{finding.service}] " if finding.service else ""
    times = f" ×{finding.count}" if finding.count > 1 else ""
    seen = f": seen by {' and '.join(finding.seen)}" if finding.seen and finding.missed else ""
    missed = f", not by {' or '.join(finding.missed)}" if finding.missed else ""
    return f"{who}{finding.text}{times}{seen}{missed}"


def summary(found: list[Finding]) -> str:
    """How many of which class: ``3 findings: 2 timeout, 1 clock``."""
    counts = Counter(finding.class_ for finding in found)
    return f"{plural(len(found), 'finding')}: " + ", ".join(f"{count} {name}" for name, count in counts.items())
