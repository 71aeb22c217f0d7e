"""Steps that belong to no request: statements, log lines and messages, counted by reason, service, kind and subject."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

from tracer import notices
from tracer.correlation import operations, ports
from tracer.correlation.forest import Forest
from tracer.correlation.tolerances import LOG_DELAY
from tracer.model import Request, Step, Unassigned
from tracer.model.patterns import LOG_FILE_WARNING_LEVELS
from tracer.text import printable

_MAX_SUBJECT = 160

#: When requests were under way in a process: their starts, and the latest end of each with those before it.
_Busy = tuple[list[int], list[int]]


def count(forest: Forest, requests: list[Request]) -> list[Unassigned]:
    """Return the counts of the steps in none of ``requests``, but for hand-offs, waits, and calls about no port."""
    assigned = {step.id for request in requests for step in request.walk()}
    busy = _busy(forest.heads)
    timed = operations.periodic_ids(forest.heads)
    groups: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for head in forest.heads:
        is_counted = head.kind not in ("call", "handoff", "wait") or ports.named(head)
        if _is_alone(head, forest) if head.id in assigned else is_counted:
            is_periodic = head.request_id in timed or operations.is_periodic(head) or _listens(head)
            why = "periodic" if is_periodic else "unknown" if ports.named(head) else _why(head, busy)
            groups[why, head.service, head.kind, _subject(head)].append(head.start)
    return [Unassigned(*group, len(times), min(times), max(times)) for group, times in sorted(groups.items())]


def warnings(rest: list[Unassigned], forest: Forest) -> list[str]:
    """Return at most one line: how many SQL statements of the logs belong to no request, and why."""
    logged = {
        step.id for head in forest.heads for step in head.walk() if step.kind == "sql" and "logs" in step.witnesses
    }
    counts: dict[str, int] = defaultdict(int)
    for group in rest:
        counts[group.why] += group.count if group.kind == "sql" else 0
    if not logged or not sum(counts.values()):
        return []
    return [notices.statements_unassigned(counts, len(logged)).text]


def _is_alone(head: Step, forest: Forest) -> bool:
    """Return whether it is a message without a request id whose other end is unknown: nothing says whose it is."""
    if head.kind != "rpc" or head.request_id or head.tied_by or head.mode == "notify":
        return False
    return head.is_server or not (head.children or forest.casts.get(head.id))


def _listens(head: Step) -> bool:
    """Return whether it is a line about waiting for messages: its id is that of whatever its thread did before."""
    return head.name.startswith(("oslo_messaging", "oslo.messaging")) and head.text("level") == "DEBUG"


def _busy(heads: Iterable[Step]) -> dict[str, _Busy]:
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for head in heads:
        for step in head.walk():
            if step.is_server:
                spans[step.process].append((step.start - LOG_DELAY, (step.end or step.start) + LOG_DELAY))
    busy: dict[str, _Busy] = {}
    for process, own in spans.items():
        own.sort()
        ends: list[int] = []
        for _, end in own:
            ends.append(max(end, ends[-1]) if ends else end)
        busy[process] = [start for start, _ in own], ends
    return busy


def _why(head: Step, busy: dict[str, _Busy]) -> str:
    starts, ends = busy.get(head.process, ([], []))
    before = bisect_right(starts, head.start)
    if not starts:
        return "unknown" if head.request_id and not head.from_hooks else "idle"
    if not before:
        return "start-up"
    # Hooks record what a step is done for: where they record nothing, nobody asked for it.
    may_be_asked_for = not head.from_hooks and (head.request_id or ends[before - 1] >= head.start)
    return "unknown" if may_be_asked_for else "idle"


def _subject(head: Step) -> str:
    text = printable(head.name or head.kind)
    if head.kind in ("log", "ask") and head.text("level") in LOG_FILE_WARNING_LEVELS:
        message = head.text("message").partition("\n")[0]
        text = printable(f"{head.name}: {message}")
    return text if len(text) <= _MAX_SUBJECT else text[: _MAX_SUBJECT - 1] + "…"
