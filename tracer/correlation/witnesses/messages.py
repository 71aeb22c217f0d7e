"""Ids and names that a witness lacks: messages of 2011 paired, and ids, names and ends completed from the other end."""

from __future__ import annotations

import re
from collections import defaultdict

from tracer.correlation import statements
from tracer.correlation.tolerances import LOG_DELAY, QUEUE_WAIT
from tracer.events import Event
from tracer.model import participants

_IDS = ("msg_id", "unique_id", "payload")

_SOME_METHOD, _SOME_CLASS_METHOD = "object_action", "object_class_action_versions"
#: The methods of Nova's objects that alone send a statement, by (carrying method, verb, table).
#: A statement that several methods send is not here: an unknown name is better than a wrong one.
_SENT_BY = {
    (_SOME_METHOD, "UPDATE", "instances"): "Instance.save",
    (_SOME_METHOD, "UPDATE", "compute_nodes"): "ComputeNode.save",
    (_SOME_METHOD, "INSERT", "virtual_interfaces"): "VirtualInterface.create",
    (_SOME_CLASS_METHOD, "INSERT", "instance_actions_events"): "InstanceActionEvent.event_start",
}
#: A deleted row remains, marked; what follows WHERE asks for one that is not.
_DELETES = re.compile(r"\s*UPDATE\b(?:(?!\bWHERE\b).)*\bdeleted(?:_at)?\s*=", re.DOTALL)


def pair(events: list[Event]) -> None:
    """Give the two ends of a message without ids, that only logs recorded, a common id: by topic and order.

    The rest is paired where as many were sent as received: one clock may be wrong by more than messages prove.
    """
    rpc = [event for event in events if event.kind == "rpc" and not event.from_hooks]
    known = {end: _ids(rpc, end) for end in ("client", "server")}
    waiting: dict[str, list[Event]] = defaultdict(list)
    unpaired: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(rpc, key=_send_time):
        if _ids([event], "client" if event.is_client else "server") & known["server" if event.is_client else "client"]:
            continue
        if event.is_client and event.mode == "cast":
            waiting[participants.of_topic(event.attributes.get("topic"))].append(event)
        elif not event.is_client and not event.attributes.get("msg_id"):
            role = participants.of_command(event.process.argv)
            sender = next((sent for sent in waiting[role] if _may_be(sent, event)), None)
            if sender is None:
                unpaired[role].append(event)
            else:
                waiting[role].remove(sender)
                _link(sender, event)
    for role, received in unpaired.items():
        if len(received) == len(waiting[role]) and all(map(_same_request, waiting[role], received)):
            for sent, event in zip(waiting[role], received, strict=True):
                _link(sent, event)


def _send_time(event: Event) -> int:
    return event.start - (LOG_DELAY if event.is_client else 0)


def _link(sent: Event, received: Event) -> None:
    topic_order = f"{received.process.key} {received.number}"
    sent.attributes["topic_order"] = received.attributes["topic_order"] = topic_order
    sent.name = sent.name or received.name


def _ids(events: list[Event], side: str) -> set[tuple[str, object]]:
    return {
        (name, event.attributes[name])
        for event in events
        for name in _IDS
        if name in event.attributes and event.attributes.get("side") == side
    }


def _may_be(sent: Event, received: Event) -> bool:
    """Return whether the message was sent not long before, for the same request."""
    return received.start - QUEUE_WAIT <= sent.start <= received.start + LOG_DELAY and _same_request(sent, received)


def _same_request(sent: Event, received: Event) -> bool:
    """Return whether the request ids agree or one is unknown."""
    return len({sent.attributes.get("request_id"), received.attributes.get("request_id")} - {None}) <= 1


def exchange_ids(events: list[Event]) -> None:
    """Complete each end of a message by the request ids and the method that the other end knows."""
    rpc = [event for event in events if event.kind == "rpc" and event.mode != "reply"]
    senders: dict[tuple[str, object], Event] = {}
    for event in rpc:
        if event.is_client:
            for name in (*_IDS, "topic_order"):
                if name in event.attributes:
                    senders.setdefault((name, event.attributes[name]), event)
    for event in rpc:
        if not event.is_server:
            continue
        ids = ((name, event.attributes.get(name)) for name in (*_IDS, "topic_order"))
        sender = next((senders[id_] for id_ in ids if id_ in senders), None)
        if sender is not None:
            _complete(sender, event)
            _complete(event, sender)


def _complete(event: Event, other: Event) -> None:
    """Add what the other end of a message knows; hooks know it all."""
    if event.from_hooks:
        return
    for name in ("request_id", "global_request_id", "method"):
        value = other.attributes.get(name)
        if value is not None and name not in event.attributes:
            event.attributes[name] = value
    event.name = event.name or other.name


def end_calls(events: list[Event]) -> None:
    """End calls without a recorded answer when their receiver ended: logs before 2015 do not have more.

    In a process that recorded any answer, a call without one got none.
    """
    ends = {
        event.attributes.get("msg_id"): event.end
        for event in events
        if event.kind == "rpc" and event.is_server and event.attributes.get("msg_id")
    }
    calls = [event for event in events if event.kind == "rpc" and event.mode == "call" and event.is_client]
    with_answers = {event.process.key for event in calls if event.end is not None}
    for event in calls:
        end = ends.get(event.attributes.get("msg_id"))
        logged = event.witnesses == ("logs",) and event.process.key not in with_answers
        if event.end is None and end is not None and logged:
            event.end = max(end, event.start)


def name_object_methods(events: list[Event]) -> None:
    """Name the object's method in messages that only logs recorded, where a statement of the receiver proves it.

    Logs have only the method that carries all others: object_action.
    """
    sent_below: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for event in events:
        if event.kind == "sql" and event.parent:
            sent_below[event.process.key, event.parent].append(event)
    methods = {}
    for event in events:
        if event.witnesses == ("logs",) and event.is_server and event.name in (_SOME_METHOD, _SOME_CLASS_METHOD):
            below = sent_below[event.process.key, event.number]
            method = next(filter(None, (_object_method(event.name, statement) for statement in below)), "")
            if method:
                event.name = event.attributes["method"] = method
                methods[event.attributes.get("msg_id")] = method
    for event in events:
        if event.kind == "rpc" and event.name in (_SOME_METHOD, _SOME_CLASS_METHOD):
            event.name = methods.get(event.attributes.get("msg_id"), event.name)
            event.attributes["method"] = event.name


def _object_method(carrier: str, statement: Event) -> str:
    """Return the object's method that sent the statement, "" where several do."""
    text = str(statement.attributes.get("statement"))
    known = statements.summary(text)
    method = _SENT_BY.get((carrier, known.verb, known.tables[0] if known.tables else ""), "")
    return method.replace(".save", ".destroy") if _DELETES.match(text) else method
