"""Ids where a witness had none: messages of 2011 paired, and request ids carried over from the other end."""

from __future__ import annotations

from collections import defaultdict

from tracer.correlation import participants
from tracer.events import Event

#: A message is taken within this time of its sending, in nanoseconds; what waits longer is not tied by its topic.
_SOON = 30_000_000_000
#: Two logs' timestamps of one moment may differ by this much.
_EARLY = 5_000_000
_MESSAGE = ("msg_id", "unique_id", "payload")


def pair(events: list[Event]) -> None:
    """Give the two ends of a message without ids, that only logs saw, a mark in common: by topic, in their order.

    What is left then is tied where as many were sent as taken: one clock may be wrong by more than anything tells.
    """
    rpc = [event for event in events if event.kind == "rpc" and event.witnesses[0] != "hooks"]
    known = {end: _marks(rpc, end) for end in ("client", "server")}
    waiting: dict[str, list[Event]] = defaultdict(list)
    left: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(rpc, key=_place):
        client = _is_sent(event)
        if _marks([event], "client" if client else "server") & known["server" if client else "client"]:
            continue
        if client and event.attributes.get("mode") == "cast":
            waiting[participants.of_topic(event.attributes.get("topic"))].append(event)
        elif not client and not event.attributes.get("msg_id"):
            role = participants.of_command(event.process.argv)
            sender = next((each for each in waiting[role] if _may_be(each, event)), None)
            if sender is None:
                left[role].append(event)
            else:
                waiting[role].remove(sender)
                _mark(sender, event)
    for role, taken in left.items():
        if len(taken) == len(waiting[role]) and all(map(_same_request, waiting[role], taken)):
            for sent, event in zip(waiting[role], taken, strict=True):
                _mark(sent, event)


def _is_sent(event: Event) -> bool:
    return event.attributes.get("side") == "client"


def _place(event: Event) -> int:
    return event.start - (_EARLY if _is_sent(event) else 0)


def _mark(sent: Event, taken: Event) -> None:
    sent.attributes["topic_order"] = taken.attributes["topic_order"] = f"{taken.process.key} {taken.number}"
    sent.name = sent.name or taken.name


def _marks(events: list[Event], side: str) -> set[tuple[str, object]]:
    return {
        (name, event.attributes[name])
        for event in events
        for name in _MESSAGE
        if name in event.attributes and event.attributes.get("side") == side
    }


def _may_be(sent: Event, taken: Event) -> bool:
    """Whether it was sent not long before."""
    return taken.start - _SOON <= sent.start <= taken.start + _EARLY and _same_request(sent, taken)


def _same_request(sent: Event, taken: Event) -> bool:
    """As far as that is told."""
    return len({sent.attributes.get("request_id"), taken.attributes.get("request_id")} - {None}) <= 1


def spread(events: list[Event]) -> None:
    """Let each end of a message know the request that the other end told, and what was asked."""
    rpc = [event for event in events if event.kind == "rpc" and event.attributes.get("mode") != "reply"]
    senders: dict[tuple[str, object], Event] = {}
    for event in rpc:
        if event.attributes.get("side") == "client":
            for name in (*_MESSAGE, "topic_order"):
                if name in event.attributes:
                    senders.setdefault((name, event.attributes[name]), event)
    for event in rpc:
        if event.attributes.get("side") != "server":
            continue
        marks = ((name, event.attributes.get(name)) for name in (*_MESSAGE, "topic_order"))
        sender = next((senders[mark] for mark in marks if mark in senders), None)
        if sender is not None:
            _share(sender, event)


def _share(sender: Event, receiver: Event) -> None:
    for one, other in ((sender, receiver), (receiver, sender)):
        if one.witnesses[0] == "hooks":
            continue
        for name in ("request_id", "global_request_id", "method"):
            value = other.attributes.get(name)
            if value is not None and name not in one.attributes:
                one.attributes[name] = value
        one.name = one.name or other.name


def end_calls(events: list[Event]) -> None:
    """Give calls whose answer no witness saw the end of what they waited for: logs before 2015 do not tell more.

    In a process that told of one answer, a call without has got none.
    """
    ends = {
        event.attributes.get("msg_id"): event.end
        for event in events
        if event.kind == "rpc" and event.attributes.get("side") == "server" and event.attributes.get("msg_id")
    }
    calls = [event for event in events if event.kind == "rpc" and event.attributes.get("mode") == "call"]
    calls = [event for event in calls if _is_sent(event)]
    telling = {event.process.key for event in calls if event.end is not None}
    for event in calls:
        end = ends.get(event.attributes.get("msg_id"))
        if event.end is None and end is not None and event.witnesses == ("logs",) and event.process.key not in telling:
            event.end = max(end, event.start)
