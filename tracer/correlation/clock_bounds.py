"""Bounds on clock differences, by the order of events: sent before received, answered before the answer arrives.

Each message recorded by two clocks bounds how far one of them is ahead of the other, at least and at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

from tracer.correlation.tolerances import LATE_RECORD, LOG_DELAY, WITNESS_SKEW
from tracer.events import Event
from tracer.model import participants


@dataclass(slots=True)
class Bound:
    """One message's bound: the clock ``other`` is ahead of ``clock`` by ``low`` to ``high`` nanoseconds.

    It is ``sure`` where it follows from the order of events; else it follows from how long such things take at most.
    A difference beyond either end by ``slack`` is still possible: the record was written a moment later.
    """

    clock: str
    other: str
    low: float
    high: float
    slack: int = 0
    sure: bool = True

    def relative_to(self, clock: str) -> Bound:
        """Return the same bound with one of its two clocks, ``clock``, as the first."""
        if clock == self.clock:
            return self
        return Bound(self.other, self.clock, -self.high, -self.low, self.slack, self.sure)


@dataclass(slots=True)
class _Ends:
    """The events of one message or request, of all witnesses: at its sender, and at its receiver."""

    sent: list[Event]
    received: list[Event]


def bounds(events: Iterable[Event]) -> Iterator[Bound]:
    """Yield the bounds that follow from the messages and requests among the events."""
    exchanges = [event for event in events if event.kind in ("rpc", "http") and not event.from_tracers]
    if len({event.process.clock for event in exchanges}) < 2:
        return
    answers = {(event.process.key, event.parent): event.start for event in exchanges if event.mode == "reply"}
    for ends in [*_messages(exchanges), *_requests(exchanges)]:
        for sent in ends.sent:
            for received in ends.received:
                if sent.process.clock != received.process.clock:
                    yield _by_order(sent, received, answers.get((received.process.key, received.number)))
        yield from _by_witnesses(ends.sent)
        yield from _by_witnesses(ends.received)


def _by_order(sent: Event, received: Event, answered: int | None) -> Bound:
    """Return the bound of two ends: a message is sent before it is received, answered before the answer arrives."""
    if answered is None and not received.from_hooks:
        answered = received.end
    # A sender that stopped waiting received no answer.
    answer_arrived = None if sent.error else sent.end
    waits = sent.mode == "call" or sent.kind == "http"
    low = answered - answer_arrived if waits and answered is not None and answer_arrived is not None else -inf
    return Bound(sent.process.clock, received.process.clock, low, received.start - sent.start, _slack(sent, received))


def _slack(sent: Event, received: Event) -> int:
    if sent.witnesses == received.witnesses == ("hooks",):
        return 0
    if sent.kind == "http":
        # The server's line may only have the time of another line, that was written meanwhile.
        served = (received.end or received.start) - received.start
        return LATE_RECORD + (served if "logs" in received.witnesses else 0)
    return LATE_RECORD if "broker" in (*sent.witnesses, *received.witnesses) else LOG_DELAY


def _by_witnesses(events: list[Event]) -> Iterator[Bound]:
    """Yield the bounds of one end's events: its witnesses record it at about the same time."""
    for index, event in enumerate(events):
        for other in events[:index]:
            if event.process.clock != other.process.clock and event.witnesses != other.witnesses:
                apart = other.start - event.start
                low, high = apart - WITNESS_SKEW, apart + WITNESS_SKEW
                yield Bound(event.process.clock, other.process.clock, low, high, sure=False)


def _messages(exchanges: list[Event]) -> Iterator[_Ends]:
    """Yield messages by id; those of 2011 without an id by topic and order, where as many were received as sent."""
    by_id: dict[object, _Ends] = defaultdict(lambda: _Ends([], []))
    without_id: dict[object, dict[str, _Ends]] = defaultdict(lambda: defaultdict(lambda: _Ends([], [])))
    for event in exchanges:
        if event.kind != "rpc" or event.mode in ("reply", "notify"):
            continue
        attributes = event.attributes
        ids = [(name, attributes[name]) for name in ("msg_id", "unique_id") if attributes.get(name)]
        if ids:
            _add(by_id[ids[0]], event)
        else:
            _add(without_id[_receiver(event)][event.process.clock], event)
    yield from by_id.values()
    for clocks in without_id.values():
        yield from _in_order(list(clocks.values()))


def _add(ends: _Ends, event: Event) -> None:
    (ends.received if event.is_server else ends.sent).append(event)


def _receiver(event: Event) -> str:
    """Return the participant that receives the message."""
    if event.is_server:
        return participants.of_command(event.process.argv)
    return participants.of_topic(event.attributes.get("topic"))


def _in_order(clocks: list[_Ends]) -> Iterator[_Ends]:
    """Yield one topic's messages that have no id: the first to be sent is the first to be received, and so on."""
    sides = [
        sorted(side, key=lambda event: event.start) for ends in clocks for side in (ends.sent, ends.received) if side
    ]
    if len({len(side) for side in sides}) == 1:
        for events in zip(*sides, strict=True):
            ends = _Ends([], [])
            for event in events:
                _add(ends, event)
            yield ends


def _requests(exchanges: list[Event]) -> Iterator[_Ends]:
    """Yield HTTP requests by the id that the answer named, where each clock has one such request and one answer."""
    by_id: dict[object, _Ends] = defaultdict(lambda: _Ends([], []))
    for event in exchanges:
        if event.kind == "http":
            named = event.attributes.get("request_id" if event.is_server else "callee_request_id")
            if named:
                _add(by_id[named, event.attributes.get("method"), event.attributes.get("path")], event)
    for ends in by_id.values():
        if all(len({event.process.clock for event in side}) == len(side) for side in (ends.sent, ends.received)):
            yield ends
