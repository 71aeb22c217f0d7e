"""Ids where a witness had none: messages of 2011 paired, and request ids carried over from the other end."""

from __future__ import annotations

from collections import defaultdict, deque

from tracer import services
from tracer.event import Event

#: A message is taken within this time of its sending, in nanoseconds; what waits longer is not tied by its topic.
_SOON = 30_000_000_000
#: Two logs' timestamps of one moment may differ by this much.
_EARLY = 5_000_000
_MESSAGE = ("msg_id", "unique_id", "payload")


def pair(events: list[Event]) -> None:
    """Give the two ends of a message without ids, that only logs saw, a mark in common: by topic, in their order."""
    rpc = [event for event in events if event.kind == "rpc" and event.witnesses[0] != "hooks"]
    known = {end: _marks(rpc, end) for end in ("client", "server")}
    waiting: dict[str, deque[Event]] = defaultdict(deque)
    for number, event in enumerate(sorted(rpc, key=lambda event: event.start)):
        client = event.attributes.get("side") == "client"
        if _marks([event], "client" if client else "server") & known["server" if client else "client"]:
            continue
        if client and event.attributes.get("mode") == "cast":
            waiting[_role(str(event.attributes.get("topic")))].append(event)
        elif not client and not event.attributes.get("msg_id"):
            sender = _first(waiting[services.of_command(event.process.argv)], event)
            if sender is not None:
                sender.attributes["topic_order"] = event.attributes["topic_order"] = f"{event.process.key} {number}"
                sender.name = sender.name or event.name


def _marks(events: list[Event], side: str) -> set[tuple[str, object]]:
    return {
        (name, event.attributes[name])
        for event in events
        for name in _MESSAGE
        if name in event.attributes and event.attributes.get("side") == side
    }


def _role(topic: str) -> str:
    return services.of_command(f"nova-{topic}")


def _first(waiting: deque[Event], taken: Event) -> Event | None:
    """The first that was sent before, and of the same request as far as that is told."""
    while waiting and waiting[0].start < taken.start - _SOON:
        waiting.popleft()
    for event in waiting:
        ids = {event.attributes.get("request_id"), taken.attributes.get("request_id")} - {None}
        if event.start <= taken.start + _EARLY and len(ids) <= 1:
            waiting.remove(event)
            return event
    return None


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
    """Give calls whose answer no witness saw the end of what they waited for: logs before 2015 do not tell more."""
    ends = {
        event.attributes.get("msg_id"): event.end
        for event in events
        if event.kind == "rpc" and event.attributes.get("side") == "server" and event.attributes.get("msg_id")
    }
    for event in events:
        if event.kind == "rpc" and event.attributes.get("mode") == "call" and event.attributes.get("side") == "client":
            end = ends.get(event.attributes.get("msg_id"))
            if event.end is None and end is not None and event.witnesses == ("logs",):
                event.end = max(end, event.start)
