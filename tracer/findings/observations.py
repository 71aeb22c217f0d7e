"""The steps that each witness saw, and the faults that follow: messages without an end, steps that a witness missed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from tracer.findings.timeouts import Timeouts
from tracer.model import Request, Step

UNCLAIMED = re.compile(r"No calling threads? waiting for msg_id ?: ?\w*")
_MISSING = (("logs", "unlogged"), ("hooks", "unhooked"), ("broker", "uncopied"))
#: Kinds of which both a process's log and its hooks hold every step.
_COMPARED = frozenset({"rpc", "http", "sql", "command"})
#: A message sent within this many nanoseconds of the broker's last copy may have been received after it.
_CUT_OFF = 1_000_000_000

#: A process, and the kind and side (or way) of its steps.
_Source = tuple[str, str, str]
#: A fault of a step: its class, its text, the step, and the witnesses that missed it.
Fault = tuple[str, str, Step, tuple[str, ...]]


class Observations:
    """The steps that each witness saw of each process, kind and side, and when: what it should see between them."""

    def __init__(self, requests: list[Request], timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._times: dict[tuple[_Source, str], list[int]] = defaultdict(list)
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
        if step.kind == "rpc" and step.text("side") == "server":
            self._takers.update((f"{step.service} {witness}") for witness in step.witnesses)

    def missing_in(self, request: Request) -> Iterator[Fault]:
        """Yield (class, text, step, witnesses that missed it) for each fault in a request's steps."""
        for step in request.walk():
            if step.kind == "rpc" and step.text("side") != "server":
                yield from self._of_message(step)
            if step.kind == "log" and (match := UNCLAIMED.search(step.text("message"))):
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

    def _of_message(self, step: Step) -> Iterator[Fault]:
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
        gave_up = self._timeouts.gave_up(step) if mode == "call" else None
        if gave_up is not None:
            answered = max((end for child in taken if (end := child.answered) is not None), default=0)
            late = f"; the answer came {(answered - gave_up) / 1e9:.1f} s later" if answered > gave_up else ""
            yield "timeout", f"{_named(step)}, after {(gave_up - step.start) / 1e9:.1f} s{late}", step, ()

    def _would_see_taken(self, step: Step) -> Iterator[str]:
        """Yield the witnesses that see messages received by this peer and recorded for long enough."""
        for witness in ("hooks", "logs", "broker"):
            known = f"{step.text('peer')} {witness}" in self._takers
            if known and step.start + _CUT_OFF < self._ends[witness]:
                yield witness


def _source(step: Step) -> _Source:
    # A log holds commands, not the functions that oslo.privsep runs.
    side = "notify" if step.text("mode") == "notify" else step.text("side") or step.text("via")
    return step.process, step.kind, side


def _named(step: Step) -> str:
    if step.kind == "rpc":
        mode = "taking" if step.text("side") == "server" else step.text("mode") or "call"
        topic = step.text("topic") or step.text("peer")
        name = step.text("method") or step.name or (f"to {topic}" if topic else "")
        return f"rpc {mode} {name}".rstrip()
    return f"{step.kind} {step.name}"
