"""What is tied to no request: statements, lines and messages that stand alone, counted by why, whose, and what."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

from tracer import notices
from tracer.correlation import participants
from tracer.correlation.forest import Forest
from tracer.model import Request, Step, Untied
from tracer.text import printable

#: What a service does every few seconds whether it is asked for anything or not.
_PERIODIC = re.compile(rf"\bservices$|{participants.REPORTS}|(loopingcall|periodic_task)$")
_LOUD = frozenset({"WARNING", "WARN", "ERROR", "CRITICAL", "TRACE"})
#: Logs tell of a moment this much too early or too late, in nanoseconds.
_BLUR = 5_000_000
_MAX_WHAT = 160

#: When requests were under way in a process: their starts, and the latest end of each with those before it.
_Busy = tuple[list[int], list[int]]


def untied(trees: Forest, requests: list[Request]) -> list[Untied]:
    """The loose steps of all kinds that tell of something done; ``requests`` hold the others."""
    tied = {step.id for request in requests for step in request.walk()}
    busy = _busy(trees.heads)
    periodic = {head.request_id for head in trees.heads if head.kind == "log" and _PERIODIC.search(head.name)} - {None}
    groups: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for head in trees.heads:
        if _is_alone(head, trees) if head.id in tied else head.kind not in ("call", "handoff"):
            beats = head.request_id in periodic or _PERIODIC.search(head.name) or _listens(head)
            why = "periodic" if beats else _why(head, busy)
            groups[why, head.service, head.kind, _what(head)].append(head.start)
    return [Untied(*group, len(times), min(times), max(times)) for group, times in sorted(groups.items())]


def warning(found: list[Untied], trees: Forest) -> list[str]:
    """How much of the SQL that logs tell belongs to no request, and why."""
    logged = {
        step.id for head in trees.heads for step in head.walk() if step.kind == "sql" and "logs" in step.witnesses
    }
    counts: dict[str, int] = defaultdict(int)
    for one in found:
        counts[one.why] += one.count if one.kind == "sql" else 0
    if not logged or not sum(counts.values()):
        return []
    return [notices.statements_unassigned(counts, len(logged)).text]


def _is_alone(head: Step, trees: Forest) -> bool:
    """Whether it is a message of which one end was seen, that tells no request: nothing says whose it is."""
    if head.kind != "rpc" or head.request_id or head.tied_by or head.text("mode") == "notify":
        return False
    return head.text("side") == "server" or not (head.children or trees.casts.get(head.id))


def _listens(head: Step) -> bool:
    """A line about waiting for messages, under the id of whatever its thread did before."""
    return head.name.startswith(("oslo_messaging", "oslo.messaging")) and head.text("level") == "DEBUG"


def _busy(heads: Iterable[Step]) -> dict[str, _Busy]:
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for head in heads:
        for step in head.walk():
            if step.text("side") == "server":
                spans[step.process].append((step.start - _BLUR, (step.end or step.start) + _BLUR))
    found: dict[str, _Busy] = {}
    for process, told in spans.items():
        told.sort()
        ends: list[int] = []
        for _, end in told:
            ends.append(max(end, ends[-1]) if ends else end)
        found[process] = [start for start, _ in told], ends
    return found


def _why(head: Step, busy: dict[str, _Busy]) -> str:
    starts, ends = busy.get(head.process, ([], []))
    before = bisect_right(starts, head.start)
    if not starts:
        return "idle"
    if not before:
        return "start-up"
    # Hooks know what a step is done for: where that is nothing, it is nothing that was asked for.
    asked = "hooks" not in head.witnesses and (head.request_id or ends[before - 1] >= head.start)
    return "unknown" if asked else "idle"


def _what(head: Step) -> str:
    text = printable(head.name or head.kind)
    if head.kind in ("log", "ask") and head.text("level") in _LOUD:
        message = head.text("message").partition("\n")[0]
        text = printable(f"{head.name}: {message}")
    return text if len(text) <= _MAX_WHAT else text[: _MAX_WHAT - 1] + "…"
