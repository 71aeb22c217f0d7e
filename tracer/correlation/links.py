"""From events to trees: parents within a process by the hooks' context, across processes by ids that were there anyway.

RPC ends meet by msg_id or unique_id, or by the message object where both are in one process; HTTP ends by the callee's
request id, else by what was asked, by whom, while it was under way. Nothing is tied by time alone.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import count
from math import inf

from tracer.correlation import participants
from tracer.correlation.forest import Forest
from tracer.events import Event, Process
from tracer.model import Step, Value

#: What a message is recognised by: which kind of mark, and the mark.
_Key = tuple[str, str]
#: Where clocks were corrected as far as can be told, logs may be apart by this much, in nanoseconds.
_SLACK = 2_000_000_000


def forest(events: Iterable[Event]) -> Forest:
    """All events as steps of trees; children in the order of their starts."""
    # By number where a clock's tick holds several: a parent was numbered before its children.
    ordered = sorted(events, key=lambda event: (event.start, event.number))
    known = {f"{event.process.key}/{event.number}": event for event in ordered}
    steps = {key: _step(key, event) for key, event in known.items()}
    trees = Forest()
    for key, event in known.items():
        parent = steps.get(f"{event.process.key}/{event.parent}")
        # A crafted file may say otherwise.
        if parent is not None and event.parent < event.number:
            tied_by = event.tied_by or ("handoff" if parent.kind == "handoff" else "context")
            trees.adopt(parent, steps[key], tied_by)
    _tie_processes(list(steps.values()), trees)
    for step in steps.values():
        if len(step.children) > 1:
            step.children.sort(key=lambda child: child.start)
    trees.heads = sorted((step for step in steps.values() if step.id not in trees.parents), key=lambda step: step.start)
    trees.flatten()
    _correct_ids(trees)
    _name_services({key: event.process for key, event in known.items()}, trees)
    _name_peers([step for step in steps.values() if step.attributes.get("side") == "client"], trees)
    return trees


def _step(key: str, event: Event) -> Step:
    attributes = dict(event.attributes)
    started = attributes.get("started")
    if isinstance(started, int):
        attributes["waited"] = started - event.start
    return Step(
        id=key,
        kind=event.kind,
        service="",
        name=event.name,
        start=event.start,
        end=event.end,
        host=event.process.host,
        pid=event.process.pid,
        thread=event.thread,
        request_id=_id(attributes.pop("request_id", None)),
        global_request_id=_id(attributes.pop("global_request_id", None)),
        attributes=attributes,
        error=event.error,
        witnesses=event.witnesses,
    )


def _id(value: Value) -> str | None:
    return value if isinstance(value, str) and value else None


def _tie_processes(steps: list[Step], trees: Forest) -> None:
    """The ends of messages and requests: those that ids tie, then the others."""
    rpc = [step for step in steps if step.kind == "rpc"]
    http = [step for step in steps if step.kind == "http"]
    _tie_rpc(rpc, trees)
    _tie_http(http, trees)
    asked = [step for step in http if step.attributes.get("side") == "client" and not step.text("callee_request_id")]
    arrived = [step for step in http if step.attributes.get("side") == "server" and step.id not in trees.parents]
    _tie_unanswered(sorted(asked, key=lambda step: step.start), sorted(arrived, key=lambda step: step.start), trees)


def _tie_rpc(steps: list[Step], trees: Forest) -> None:
    sent: dict[_Key, deque[Step]] = defaultdict(deque)
    for step in steps:
        if step.attributes.get("side") != "server" and step.attributes.get("mode") != "reply":
            for key in _message_keys(step):
                sent[key].append(step)
    for step in steps:
        if step.attributes.get("side") != "server":
            continue
        mark = next((key for key in _message_keys(step) if key in sent), None)
        sender = _sender(step, mark, sent[mark]) if mark else None
        if mark and sender:
            waits = sender.attributes.get("mode") == "call"
            step.attributes.setdefault("mode", sender.text("mode"))
            (trees.adopt if waits else trees.open)(sender, step, mark[0])


def _message_keys(step: Step) -> list[_Key]:
    """What a message can be recognised by: ids, or its place in memory in one process whose transport gives none."""
    ids = ((name, step.attributes.get(name)) for name in ("msg_id", "unique_id", "payload", "topic_order"))
    known: list[_Key] = [(name, value) for name, value in ids if isinstance(value, str) and value]
    # A unique id comes with the message; a mere msg_id may be made up at arrival, as by oslo.messaging's fake driver.
    if step.text("unique_id") or not isinstance(step.attributes.get("message"), int):
        return known
    return [*known, ("message", f"{step.host} {step.pid} {step.name} {step.attributes['message']}")]


def _sender(step: Step, key: _Key, candidates: deque[Step]) -> Step | None:
    if key[0] != "message":
        return candidates[0]
    # The place is used again by later messages: the sender is the last before, and a message has one receiver.
    while len(candidates) > 1 and candidates[1].start <= step.start:
        candidates.popleft()
    if not candidates or candidates[0].start > step.start:
        return None
    return candidates[0] if candidates[0].attributes.get("mode") == "fanout" else candidates.popleft()


def _tie_http(steps: list[Step], trees: Forest) -> None:
    """By the id that the answer names, which need not be the callee's alone: Glance answers with its caller's."""
    by_callee: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        if callee := step.text("callee_request_id"):
            by_callee[callee].append(step)
    for step in steps:
        named = by_callee.get(step.request_id or "", []) if step.attributes.get("side") == "server" else []
        sure = len(named) == 1 and "hooks" in step.witnesses
        client = next((each for each in named if sure or (_line(each) == _line(step) and _while(each, step))), None)
        if client is not None and trees.adopt(client, step, "request_id"):
            named.remove(client)


def _while(client: Step, served: Step) -> bool:
    """Whether a request can have been served while ``client`` waited: a log may tell an earlier request's id."""
    return "hooks" in served.witnesses or client.start - _SLACK <= served.start <= (client.end or inf) + _SLACK


def _line(step: Step) -> tuple[str, str]:
    """What an HTTP request's first line says."""
    return step.text("method"), step.text("path")


def _tie_unanswered(clients: list[Step], arrived: list[Step], trees: Forest) -> None:
    """Requests whose answer named no callee: by what was asked, where just one that asked it was under way then."""
    waiting: dict[object, deque[Step]] = defaultdict(deque)
    for client in clients:
        waiting[_asked(client)].append(client)
    under_way: dict[object, list[tuple[float, int, Step]]] = defaultdict(list)
    order = count()
    for step in arrived:
        asked = _asked(step)
        begun, now = waiting[asked], under_way[asked]
        while begun and begun[0].start <= step.start:
            client = begun.popleft()
            heapq.heappush(now, (inf if client.end is None else client.end, next(order), client))
        while now and now[0][0] < step.start:
            heapq.heappop(now)
        if len(now) == 1 and trees.adopt(now[0][2], step, "global_request_id" if step.global_request_id else "request"):
            now.pop()


def _asked(step: Step) -> object:
    return step.text("method"), step.text("path"), step.global_request_id


def _correct_ids(trees: Forest) -> None:
    """A log line says its thread's context, which may be an earlier request's: where it stands tells better."""
    for head in trees.heads:
        served: dict[str, str | None] = {}
        for step in head.walk():
            parent = trees.parents.get(step.id)
            around = served[parent.id] if parent is not None else None
            if step.kind in ("log", "ask") and around and step.request_id not in (None, around):
                step.attributes["logged_request_id"] = step.request_id
                step.request_id, step.global_request_id = around, None
            served[step.id] = (step.request_id if step.kind in ("http", "rpc") else None) or around


def _name_services(processes: dict[str, Process], trees: Forest) -> None:
    """Endpoint or application, else the parent's in the same process, else what the process runs."""
    commands = {process.key: process.argv for process in processes.values()}
    roles = {key: participants.of_command(argv) for key, argv in commands.items()}
    for head in trees.heads:
        for step in head.walk():
            process, parent = processes[step.id].key, trees.parents.get(step.id)
            same = parent is not None and processes[parent.id].key == process
            inherited = parent.service if parent is not None and same else ""
            step.service = participants.of_step(step) or inherited or roles[process]


def _name_peers(clients: list[Step], trees: Forest) -> None:
    """Who is at the far side: seen there, else told by topic or path, else whom others met at the same address."""
    met: dict[str, str] = {}
    for step in clients:
        far = next((child.service for child in step.children if child.attributes.get("side") == "server"), "")
        receivers = trees.casts.get(step.id, ())
        peer = far or next((receiver.service for receiver in receivers), "") or participants.of_peer(step)
        if peer:
            step.attributes["peer"] = peer
            met.setdefault(step.text("host"), peer)
    for step in clients:
        if "peer" not in step.attributes and step.kind == "http" and step.text("host") and step.text("host") in met:
            step.attributes["peer"] = met[step.text("host")]
