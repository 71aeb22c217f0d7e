"""Links from events to forest: parents within a process by the hooks' context, across processes by OpenStack's own ids.

RPC ends are linked by msg_id or unique_id, or by the message object where both are in one process; HTTP ends by the
callee's request id, else by method, path and caller while the request was under way; privileged calls by the id of
their message. Nothing is linked by time alone.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import count
from math import inf

from tracer.correlation import services
from tracer.correlation.forest import Forest
from tracer.correlation.tolerances import CLOCK_RESIDUE
from tracer.events import Event
from tracer.model import Step, Value, participants
from tracer.model.attributes import SPAN, SPAN_PARENT

#: What a call point on an endpoint adds to the dispatch of a message.
_OF_ENDPOINT = ("file", "line", "ports", "macs", "events")

#: A message's identity: the kind of its mark, and the mark.
_Key = tuple[str, str]


def build(events: Iterable[Event]) -> Forest:
    """Return all events as steps of linked forest; children in the order of their starts."""
    # By number where a clock's tick holds several: a parent was numbered before its children.
    ordered = sorted(events, key=lambda event: (event.start, event.number))
    known = {f"{event.process.key}/{event.number}": event for event in ordered}
    steps = {key: _step(key, event) for key, event in known.items()}
    forest = Forest()
    for key, event in known.items():
        parent = steps.get(f"{event.process.key}/{event.parent}")
        # A crafted file may contradict this.
        if parent is not None and event.parent < event.number:
            link = event.tied_by or ("handoff" if parent.kind == "handoff" else "context")
            forest.adopt(parent, steps[key], link)
    _link_spans(list(steps.values()), {key: event.tied_by for key, event in known.items()}, forest)
    _link_processes(list(steps.values()), forest)
    for step in steps.values():
        if len(step.children) > 1:
            step.children.sort(key=lambda child: child.start)
    forest.heads = sorted(
        (step for step in steps.values() if step.id not in forest.parents), key=lambda step: step.start
    )
    forest.flatten()
    _correct_ids(forest)
    services.name({key: event.process for key, event in known.items()}, forest)
    participants.name_peers(
        [step for step in steps.values() if step.is_client], lambda step: forest.casts.get(step.id, ())
    )
    return forest


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


def _link_spans(steps: list[Step], ties: dict[str, str], forest: Forest) -> None:
    """Link what other tracers recorded to the spans that caused it, where hooks do not know better."""
    spans = {span: step for step in steps for span in step.text(SPAN).split()}
    for step in steps:
        cause = spans.get(step.text(SPAN_PARENT))
        if cause is None or step.id in forest.parents or step.id in forest.senders or _is_linked_by_hooks(step):
            continue
        (forest.adopt if _waited(cause, step) else forest.open_chapter)(cause, step, ties[step.id] or "span")


def _is_linked_by_hooks(step: Step) -> bool:
    return step.from_hooks and len(step.witnesses) > 1


def _waited(cause: Step, step: Step) -> bool:
    """Return whether a span's cause waited for it: a call, or what ends before the cause does."""
    if not step.is_server or step.kind != "rpc":
        return True
    if cause.is_client and cause.kind == "rpc":
        step.attributes.setdefault("mode", cause.mode)
        return cause.mode == "call"
    return cause.end is None or (step.end is not None and step.end <= cause.end)


def _link_processes(steps: list[Step], forest: Forest) -> None:
    """Link the ends of messages and requests: first by ids, then the others."""
    rpc = [step for step in steps if step.kind == "rpc"]
    http = [step for step in steps if step.kind == "http"]
    _link_rpc(rpc, forest)
    _link_privileged([step for step in steps if step.text(services.CALL_ID)], forest)
    _link_http(http, forest)
    clients = [step for step in http if step.is_client and not step.text("callee_request_id")]
    servers = [step for step in http if step.is_server and step.id not in forest.parents]
    _link_unanswered(sorted(clients, key=lambda step: step.start), sorted(servers, key=lambda step: step.start), forest)


def _link_rpc(steps: list[Step], forest: Forest) -> None:
    sent: dict[_Key, deque[Step]] = defaultdict(deque)
    for step in steps:
        if not step.is_server and step.mode != "reply":
            for key in _message_keys(step):
                sent[key].append(step)
    for step in steps:
        if not step.is_server:
            continue
        mark = next((key for key in _message_keys(step) if key in sent), None)
        sender = _sender(step, mark, sent[mark]) if mark else None
        if mark and sender:
            waits = sender.mode == "call"
            step.attributes.setdefault("mode", sender.mode)
            (forest.adopt if waits else forest.open_chapter)(sender, step, mark[0])


def _message_keys(step: Step) -> list[_Key]:
    """Return the marks of a message: ids, or its memory address in a process whose transport has none."""
    ids = ((name, step.attributes.get(name)) for name in ("msg_id", "unique_id", "payload", "topic_order"))
    known: list[_Key] = [(name, value) for name, value in ids if isinstance(value, str) and value]
    # A unique id travels with the message; a msg_id alone may be created at arrival (oslo.messaging's fake driver).
    if step.text("unique_id") or not isinstance(step.attributes.get("message"), int):
        return known
    return [*known, ("message", f"{step.host} {step.pid} {step.name} {step.attributes['message']}")]


def _sender(step: Step, key: _Key, candidates: deque[Step]) -> Step | None:
    if key[0] != "message":
        return candidates[0]
    # Later messages reuse the address: the sender is the last before, and a message has one receiver.
    while len(candidates) > 1 and candidates[1].start <= step.start:
        candidates.popleft()
    if not candidates or candidates[0].start > step.start:
        return None
    return candidates[0] if candidates[0].mode == "fanout" else candidates.popleft()


def _link_privileged(steps: list[Step], forest: Forest) -> None:
    """Link what a daemon did to the call that had it done; an id that several steps of one end have links nothing."""
    callers: dict[str, list[Step]] = defaultdict(list)
    works: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        (callers if step.kind == "command" else works)[step.text(services.CALL_ID)].append(step)
    for call_id, ends in works.items():
        if len(ends) == len(callers[call_id]) == 1:
            forest.adopt(callers[call_id][0], ends[0], services.CALL_ID)


def _link_http(steps: list[Step], forest: Forest) -> None:
    """Link by the id that the answer names, which need not be the callee's alone: Glance answers with its caller's."""
    by_callee: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        if callee := step.text("callee_request_id"):
            by_callee[callee].append(step)
    for step in steps:
        named = by_callee.get(step.request_id or "", []) if step.is_server else []
        sure = len(named) == 1 and step.from_hooks
        client = next((c for c in named if sure or (_line(c) == _line(step) and _waits(c, step))), None)
        if client is not None and forest.adopt(client, step, "request_id"):
            named.remove(client)


def _waits(client: Step, served: Step) -> bool:
    """Return whether ``client`` may have waited when a request was served: a log may have an earlier request's id."""
    return served.from_hooks or client.start - CLOCK_RESIDUE <= served.start <= (client.end or inf) + CLOCK_RESIDUE


def _line(step: Step) -> tuple[str, str]:
    """Return the method and path of an HTTP request."""
    return step.text("method"), step.text("path")


def _link_unanswered(clients: list[Step], servers: list[Step], forest: Forest) -> None:
    """Link requests whose answer named no callee: by method, path and caller, where only one such was under way."""
    waiting: dict[object, deque[Step]] = defaultdict(deque)
    for client in clients:
        waiting[_signature(client)].append(client)
    under_way: dict[object, list[tuple[float, int, Step]]] = defaultdict(list)
    order = count()
    for step in servers:
        signature = _signature(step)
        begun, now = waiting[signature], under_way[signature]
        while begun and begun[0].start <= step.start:
            client = begun.popleft()
            heapq.heappush(now, (inf if client.end is None else client.end, next(order), client))
        while now and now[0][0] < step.start:
            heapq.heappop(now)
        if len(now) == 1 and forest.adopt(
            now[0][2], step, "global_request_id" if step.global_request_id else "request"
        ):
            now.pop()


def _signature(step: Step) -> object:
    return step.text("method"), step.text("path"), step.global_request_id


def _correct_ids(forest: Forest) -> None:
    """Correct the ids of log lines: a line has its thread's context, which may be an earlier request's."""
    for head in forest.heads:
        served: dict[str, str | None] = {}
        for step in head.walk():
            parent = forest.parents.get(step.id)
            around = served[parent.id] if parent is not None else None
            if step.kind in ("log", "ask") and around and step.request_id not in (None, around):
                step.attributes["logged_request_id"] = step.request_id
                step.request_id, step.global_request_id = around, None
            served[step.id] = (step.request_id if step.kind in ("http", "rpc") else None) or around


def absorb_endpoints_and_replies(forest: Forest) -> None:
    """Merge the receiver's endpoint call and the sending of its reply into the receiver's own step."""
    for head in forest.heads:
        # A step is absorbed before the walk reaches it.
        for step in head.walk():
            if step.kind == "rpc":
                _absorb_endpoint(step, forest)
                _absorb_replies(step, forest)


def _absorb_endpoint(step: Step, forest: Forest) -> None:
    """Merge the call on an RPC endpoint's method into the dispatch that makes it: it adds its position and the like."""
    if not step.is_server or not step.attributes.get("function"):
        return
    for child in step.children:
        same = all(child.attributes.get(name) == step.attributes.get(name) for name in ("module", "class", "function"))
        if child.kind == "call" and same:
            step.attributes |= {name: child.attributes[name] for name in _OF_ENDPOINT if name in child.attributes}
            step.error = step.error or child.error
            forest.lift(step, [child])
            return


def _absorb_replies(step: Step, forest: Forest) -> None:
    """Keep the sending of the reply as an attribute: the end of the receiver's step already shows the return."""
    replies = [child for child in step.children if child.kind == "rpc" and child.mode == "reply"]
    if replies:
        last = replies[-1]
        step.attributes["reply"] = {
            "at": last.start, "unique_id": last.text("unique_id"), "failed": last.attributes.get("failed"),
        }  # fmt: skip
        forest.lift(step, replies)
