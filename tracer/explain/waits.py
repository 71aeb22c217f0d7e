"""Calls without an answer: to whom, how often, since when, for how long, and what the far side did meanwhile."""

from __future__ import annotations

import re
from collections import defaultdict

from tracer.explain import failures
from tracer.explain.explanation import Wait
from tracer.explain.quotations import evidence
from tracer.explain.words import clock, date, name, shorten, span, where
from tracer.model import Request, Step
from tracer.text import plural

#: What callers log that gave up, in the words of all releases; the older ones name whom and what they called.
_GAVE_UP = re.compile(
    r"Timed out waiting for a reply to message ID (?P<id>[\w-]+)"
    r"|Timeout while waiting on RPC response(?: - topic: \"(?P<topic>[^\"]*)\", RPC method: \"(?P<method>[^\"]*)\")?"
    r"|Timeout in RPC method (?P<name>\w+)|Timed out waiting for (?P<service>nova-\w+)"
)
#: A frame of the class that sends a service its messages: ``nova/scheduler/rpcapi.py``.
_RPC_FRAME = re.compile(r'File "[^"]*/(\w+)/rpcapi\.py", line \d+, in (\w+)')


def unanswered(request: Request) -> list[Wait]:
    """Return the calls whose answer never came, or came too late; equal ones as one, inner ones first."""
    steps = list(request.walk())
    last = max((failures.end_of(step) for step in steps), default=0)
    groups: dict[tuple[str, str, str, bool], list[Step]] = defaultdict(list)
    for step in steps:
        if _is_call(step) and (not step.finished or failures.is_timeout(step.error or "")):
            groups[step.service, _peer(step), name(step), step.finished].append(step)
    waits = [_wait(key, group, last) for key, group in groups.items()]
    known = {step.text("msg_id") for group in groups.values() for step in group}
    waiting = [step.address for group in groups.values() for step in group]
    ordered = sorted([*waits, *_logged(steps, known, bool(groups))], key=lambda wait: wait.since)
    return sorted(ordered, key=lambda wait: _is_outer(wait, waiting))


def _is_outer(wait: Wait, waiting: list[str]) -> bool:
    """Return whether the callee waited for an answer itself."""
    return any(address.startswith(f"{item.address}-") for item in wait.evidence for address in waiting)


def _is_call(step: Step) -> bool:
    if step.kind == "rpc":
        return not step.is_server and step.mode in ("", "call")
    return step.kind == "http" and step.is_client


def _peer(step: Step) -> str:
    return step.text("peer") or step.text("topic") or "an unknown service"


def _wait(key: tuple[str, str, str, bool], group: list[Step], last: int) -> Wait:
    caller, peer, method, over = key
    first = min(group, key=lambda step: step.start)
    longest = max((failures.end_of(step) if over else last) - step.start for step in group)
    times = f"{plural(len(group), 'time')}, first" if len(group) > 1 else "once,"
    end = f"gave up after {span(longest)}" if over else f"still waited {span(longest)} later, when the trace ends"
    text = (
        f"{where(caller, first.host)} called {peer} ({method}) {times} at {clock(first.start)}, and {end}; "
        f"{_far_side(first, peer)}"
    )
    return Wait(caller, peer, method, len(group), first.start, longest, over, text, evidence(*group[:3]))


def _far_side(call: Step, peer: str) -> str:
    """Return what is known of the far side."""
    served = next((child for child in call.children if child.is_server), None)
    if served is None:
        return f"no record shows that {peer} received it"
    taken = f"{peer} received it after {span(served.start - call.start)}"
    answered = served.answered
    if answered is None:
        return f"{taken} and had not finished"
    if not call.finished:
        return f"{taken} and finished after {span(answered - served.start)}, but no answer arrived"
    late = answered - failures.end_of(call)
    return f"{taken} and answered {span(late)} too late" if late > 0 else f"{taken} and finished"


def _logged(steps: list[Step], known: set[str], any_call: bool) -> list[Wait]:
    """Return the timeouts that only log lines report: the call itself was not logged."""
    groups: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        if step.kind != "log" or (any_call and step.from_hooks):
            continue
        match = _GAVE_UP.search(f"{step.text('message')} {step.text('exception')}")
        if match and match["id"] not in known:
            groups[step.service].append(step)
    return [_timeout(service, lines) for service, lines in groups.items()]


def _timeout(service: str, lines: list[Step]) -> Wait:
    first = lines[0]
    match = _GAVE_UP.search(f"{first.text('message')} {first.text('exception')}")
    message = f", message {shorten(match['id'], 64)}" if match and match["id"] else ""
    count = f", {plural(len(lines), 'line')}" if len(lines) > 1 else ""
    peer, method = _called(lines)
    call = f"RPC call {method}" if method else "an RPC call"
    unknown = "" if peer else "; the call itself was not logged, so whom it asked is unknown"
    whom = f"{peer or 'the answer'} to {'answer ' if peer else ''}{call}"
    text = f"{where(service, first.host)} gave up waiting for {whom} at {date(first.start)}{message}{count}{unknown}"
    return Wait(service, peer, method, len(lines), first.start, 0, over=True, text=text, evidence=evidence(first))


def _called(lines: list[Step]) -> tuple[str, str]:
    """Return the service and the method that the lines, or their tracebacks' frames, name; "" where none does."""
    for line in lines:
        text = f"{line.text('message')} {line.text('exception')}"
        named = next((match for match in _GAVE_UP.finditer(text) if not match["id"]), None)
        if named is not None:
            peer = named["topic"] or (named["service"] or "").removeprefix("nova-")
            return shorten(peer, 40), shorten(named["method"] or named["name"] or "", 80)
        frames = _RPC_FRAME.findall(text)
        if frames:
            peer, method = frames[0]
            return shorten(peer, 40), shorten(method, 80)
    return "", ""
