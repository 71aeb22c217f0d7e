"""Orders: what must have come before what, by two clocks: sent before taken, answered before heard.

Each message that two clocks saw says by how much one of them is ahead of the other, at least and at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

from tracer.correlation import participants
from tracer.events import Event

#: Logs tell milliseconds, and the moment of the writing, in nanoseconds.
_BLUR = 5_000_000
#: An access line is written a while after the answer; a copy reaches its file a while after the message went on.
_LATE = 100_000_000
#: Two witnesses of one end of a message tell of it within this time of each other.
_NEAR = 2_000_000_000


@dataclass(slots=True)
class Bound:
    """``other``'s clock is ahead of ``one``'s by ``low`` to ``high`` nanoseconds, as one message says.

    What is ``sure`` follows from the order of events; else it is how long such things take at most. Beyond either end
    by ``slack`` may still be right: what was told was written a moment later.
    """

    one: str
    other: str
    low: float
    high: float
    slack: int = 0
    sure: bool = True

    def seen_from(self, clock: str) -> Bound:
        """The same with ``clock`` as ``one``."""
        return self if clock == self.one else Bound(self.other, self.one, -self.high, -self.low, self.slack, self.sure)


@dataclass(slots=True)
class _Seen:
    """One message or request: who saw its sending (and the coming of its answer), who its taking (and answering)."""

    sent: list[Event]
    taken: list[Event]


def bounds(events: Iterable[Event]) -> Iterator[Bound]:
    """What the messages and requests among the events say of the clocks."""
    told = [event for event in events if event.kind in ("rpc", "http")]
    if len({event.process.clock for event in told}) < 2:
        return
    answered = {
        (event.process.key, event.parent): event.start for event in told if event.attributes.get("mode") == "reply"
    }
    for seen in [*_messages(told), *_requests(told)]:
        for sent in seen.sent:
            for taken in seen.taken:
                if sent.process.clock != taken.process.clock:
                    yield _of_ends(sent, taken, answered.get((taken.process.key, taken.number)))
        yield from _of_one_end(seen.sent)
        yield from _of_one_end(seen.taken)


def _of_ends(sent: Event, taken: Event, answered: int | None) -> Bound:
    """A message is not taken before it is sent; the answer to it is not heard before it is given."""
    if answered is None and "hooks" not in taken.witnesses:
        answered = taken.end
    # Who gave up waiting heard no answer.
    heard = None if sent.error else sent.end
    waits = sent.attributes.get("mode") == "call" or sent.kind == "http"
    low = answered - heard if waits and answered is not None and heard is not None else -inf
    return Bound(sent.process.clock, taken.process.clock, low, taken.start - sent.start, _slack(sent, taken))


def _slack(sent: Event, taken: Event) -> int:
    if sent.witnesses == taken.witnesses == ("hooks",):
        return 0
    if sent.kind == "http":
        # The server's line may only have the time of another line, that was written meanwhile.
        return _LATE + ((taken.end or taken.start) - taken.start if "logs" in taken.witnesses else 0)
    return _LATE if "broker" in (*sent.witnesses, *taken.witnesses) else _BLUR


def _of_one_end(seen: list[Event]) -> Iterator[Bound]:
    """Several witnesses of one end saw it at about the same time."""
    for place, one in enumerate(seen):
        for other in seen[:place]:
            if one.process.clock != other.process.clock and one.witnesses != other.witnesses:
                apart = other.start - one.start
                yield Bound(one.process.clock, other.process.clock, apart - _NEAR, apart + _NEAR, sure=False)


def _messages(told: list[Event]) -> Iterator[_Seen]:
    """By their ids; those of 2011 without one by request and method or, where as many were taken as sent, by topic."""
    by_id: dict[object, _Seen] = defaultdict(lambda: _Seen([], []))
    nameless: dict[object, dict[str, _Seen]] = defaultdict(lambda: defaultdict(lambda: _Seen([], [])))
    for event in told:
        told_of = event.attributes
        if event.kind != "rpc" or told_of.get("mode") in ("reply", "notify"):
            continue
        ids = [(name, told_of[name]) for name in ("msg_id", "unique_id") if told_of.get(name)]
        if ids:
            _put(by_id[ids[0]], event)
        else:
            _put(nameless[_taker(event)][event.process.clock], event)
    yield from by_id.values()
    for clocks in nameless.values():
        yield from _in_order(list(clocks.values()))


def _put(seen: _Seen, event: Event) -> None:
    (seen.taken if event.attributes.get("side") == "server" else seen.sent).append(event)


def _taker(event: Event) -> str:
    """Who takes the message."""
    if event.attributes.get("side") == "server":
        return participants.of_command(event.process.argv)
    return participants.of_topic(event.attributes.get("topic"))


def _in_order(clocks: list[_Seen]) -> Iterator[_Seen]:
    """The messages of one topic that have no id: the first that was sent is the first that was taken, and so on."""
    ends = [sorted(end, key=lambda event: event.start) for seen in clocks for end in (seen.sent, seen.taken) if end]
    if len({len(end) for end in ends}) == 1:
        for same in zip(*ends, strict=True):
            seen = _Seen([], [])
            for event in same:
                _put(seen, event)
            yield seen


def _requests(told: list[Event]) -> Iterator[_Seen]:
    """By the id that the answer named, where just one such request was made and served, as each clock tells."""
    found: dict[object, _Seen] = defaultdict(lambda: _Seen([], []))
    for event in told:
        if event.kind == "http":
            server = event.attributes.get("side") == "server"
            named = event.attributes.get("request_id" if server else "callee_request_id")
            if named:
                _put(found[named, event.attributes.get("method"), event.attributes.get("path")], event)
    for seen in found.values():
        if all(len({event.process.clock for event in end}) == len(end) for end in (seen.sent, seen.taken)):
            yield seen
