"""Clocks of several hosts and logs: how far each is ahead of the others, by their records of the same messages.

Clocks that may agree are assumed to. The offset that most messages allow is used (Marzullo's algorithm): a few lines
with a wrong id, or a late one, do not distort a clock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from tracer import notices
from tracer.correlation.clock_bounds import Bound, bounds
from tracer.events import ClockBound, Event

#: More than this, 146 years, is not a wrong clock but a crafted capture.
MAX_SHIFT = 1 << 62
#: Clocks in zones are apart by whole quarters of an hour, in nanoseconds; a log that is off by one may be local time.
_QUARTER, _NEAR_QUARTER = 900_000_000_000, 3_000_000_000


@dataclass(slots=True)
class _End:
    """One end of the offsets that a message allows; ``sure`` if it follows from the order of events."""

    offset: float
    opens: bool
    sure: bool = False


@dataclass(slots=True)
class _Region:
    """Offsets that ``votes`` messages allow, from one end to the other."""

    low: _End
    high: _End
    votes: int

    @property
    def width(self) -> float:
        """Nanoseconds from the lowest to the highest offset."""
        return self.high.offset - self.low.offset

    def best(self) -> int:
        """Return the middle, or the only end that is known or sure; 0 where neither is."""
        low, high = self.low.offset, self.high.offset
        if inf not in (abs(low), abs(high)) and self.low.sure == self.high.sure:
            return int(low + high) // 2
        known = [
            end.offset for end in (self.low, self.high) if abs(end.offset) < inf and (end.sure or self.width == inf)
        ]
        return int(known[0]) if known else 0


def align(events: Iterable[Event], compared: Iterable[ClockBound] = ()) -> list[str]:
    """Shift the events of clocks that messages prove wrong, in place; return a line for each such clock.

    ``compared`` are bounds by comparisons of the clocks themselves.
    """
    events = list(events)
    near: dict[str, list[Bound]] = defaultdict(list)
    for bound in [*bounds(events), *(Bound(item.clock, item.other, item.low, item.high) for item in compared)]:
        near[bound.clock].append(bound)
        near[bound.other].append(bound)
    if not near:
        return []
    weights = Counter(event.process.clock for event in events)
    ahead = _ahead(near, weights)
    for event in events:
        if by := ahead.get(event.process.clock, 0):
            _shift(event, -by)
    right = [*(clock for clock, _ in weights.most_common()), *near]
    measure = next(clock for clock in right if ahead.get(clock) == 0)
    names = {event.process.clock: event.process.host for event in events}
    return [
        _line(clock, offset, measure, names, len(near[clock]))
        for clock, offset in sorted(ahead.items())
        if offset and clock in weights
    ]


def _ahead(near: dict[str, list[Bound]], weights: Counter[str]) -> dict[str, int]:
    """Return how far each clock is ahead of most of those that messages link it to."""
    ahead: dict[str, int] = {}
    while len(ahead) < len(near):
        first = max((clock for clock in near if clock not in ahead), key=lambda clock: (weights[clock], clock))
        group = _group(first, near)
        # The majority is right, not the busiest clock.
        usual = _common(group.values())[0]
        ahead |= {clock: offset - usual for clock, offset in group.items()}
    return {clock: offset for clock, offset in ahead.items() if abs(offset) < MAX_SHIFT}


def _common(offsets: Iterable[int]) -> list[int]:
    """Return the distinct offsets, those of most clocks first."""
    return [offset for offset, _ in Counter(offsets).most_common()]


def _group(first: str, near: dict[str, list[Bound]]) -> dict[str, int]:
    """Return the offsets from ``first`` of all clocks that messages link to it, the most closely bounded ones first."""
    known = {first: 0}
    regions: dict[str, _Region] = {}
    fresh = first
    while True:
        for clock in {bound.relative_to(fresh).other for bound in near[fresh]} - set(known):
            regions[clock] = _region(clock, near[clock], known)
        if not regions:
            break
        fresh = min(regions, key=lambda clock: (regions[clock].width, -regions[clock].votes, clock))
        del regions[fresh]
        known[fresh] = _offset(near[fresh], fresh, known)
    # The first clocks were compared with only a few others: repeat it with all.
    for clock in [*known, *known][1:]:
        known[clock] = _offset(near[clock], clock, {name: offset for name, offset in known.items() if name != clock})
    return known


def _offset(limits: list[Bound], clock: str, known: dict[str, int]) -> int:
    """Return the offset of most others that the bounds allow; else the best by the bounds without their slack."""
    region = _region(clock, limits, known)
    for offset in _common(known.values()):
        if region.low.offset <= offset <= region.high.offset:
            return offset
    return _region(clock, limits, known, lenient=False).best()


def _region(clock: str, limits: list[Bound], known: dict[str, int], lenient: bool = True) -> _Region:
    """Return the offsets of ``clock`` that most messages with clocks of known offset allow, with slack if lenient."""
    ends: list[_End] = []
    for limit in limits:
        bound = limit.relative_to(clock)
        if bound.other in known and bound.low - bound.slack <= bound.high + bound.slack:
            slack = bound.slack if lenient else 0
            # ``clock`` is ahead by as much as the other, less what the other is ahead of it.
            ahead = known[bound.other]
            # Without slack, a late record may end before it begins: the offset is in between.
            low, high = sorted((ahead - bound.high - slack, ahead - bound.low + slack))
            ends += [_End(low, True, bound.sure and low > -inf), _End(high, False, bound.sure and high < inf)]
    ends.sort(key=lambda end: (end.offset, not end.opens))
    best, votes = _Region(_End(-inf, True), _End(inf, False), 0), 0
    for end, following in pairwise(ends):
        votes += 1 if end.opens else -1
        if votes > best.votes:
            best = _Region(end, following, votes)
    return best


def _shift(event: Event, by: int) -> None:
    event.start += by
    event.end = event.end + by if event.end is not None else None
    started = event.attributes.get("started")
    if isinstance(started, int):
        event.attributes["started"] = started + by


def _line(clock: str, offset: int, measure: str, hosts: dict[str, str], messages: int) -> str:
    wrong, right = (f"host {name}" if hosts.get(name) else name for name in (clock, measure))
    apart = abs(offset) % _QUARTER
    zone = not hosts.get(clock) and abs(offset) > _QUARTER // 2 and min(apart, _QUARTER - apart) < _NEAR_QUARTER
    return notices.clock_corrected(wrong, right, offset, messages, zone=zone).text
