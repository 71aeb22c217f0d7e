"""Clocks of several hosts and logs: how far each is ahead of the others, told by what they saw of the same messages.

Clocks that may agree are believed to. The offset that most messages allow is taken (Marzullo's algorithm): a few lines
that tell a wrong id, or come late, do not set a clock wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from tracer import notices
from tracer.correlation.clock_bounds import Bound, bounds
from tracer.events import Event

#: More than this, 146 years, is not a wrong clock but a crafted capture.
MAX_SHIFT = 1 << 62
#: Clocks in zones are apart by whole quarters of an hour, in nanoseconds; a log that is off by one may be local time.
_QUARTER, _NEAR_QUARTER = 900_000_000_000, 3_000_000_000


@dataclass(slots=True)
class _End:
    """Where the offsets that one message allows begin or end, and whether that follows from an order of events."""

    at: float
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
        """In nanoseconds."""
        return self.high.at - self.low.at

    def best(self) -> int:
        """The middle, or the only end that is known or sure; 0 where neither is."""
        low, high = self.low.at, self.high.at
        if inf not in (abs(low), abs(high)) and self.low.sure == self.high.sure:
            return int(low + high) // 2
        known = [end.at for end in (self.low, self.high) if abs(end.at) < inf and (end.sure or self.width == inf)]
        return int(known[0]) if known else 0


def align(events: Iterable[Event]) -> list[str]:
    """Shift what clocks told that messages prove wrong; a line for each such clock."""
    events = list(events)
    near: dict[str, list[Bound]] = defaultdict(list)
    for bound in bounds(events):
        near[bound.one].append(bound)
        near[bound.other].append(bound)
    if not near:
        return []
    weights = Counter(event.process.clock for event in events)
    ahead = _ahead(near, weights)
    for event in events:
        if by := ahead.get(event.process.clock, 0):
            _shift(event, -by)
    measure = next(clock for clock, _ in weights.most_common() if ahead.get(clock) == 0)
    names = {event.process.clock: event.process.host for event in events}
    return [_line(clock, offset, measure, names, len(near[clock])) for clock, offset in sorted(ahead.items()) if offset]


def _ahead(near: dict[str, list[Bound]], weights: Counter[str]) -> dict[str, int]:
    """How far each clock is ahead of most of those that messages tie it to."""
    ahead: dict[str, int] = {}
    while len(ahead) < len(near):
        first = max((clock for clock in near if clock not in ahead), key=lambda clock: (weights[clock], clock))
        group = _group(first, near)
        # Most are right, not the busiest.
        usual = _common(group.values())[0]
        ahead |= {clock: offset - usual for clock, offset in group.items()}
    return {clock: offset for clock, offset in ahead.items() if abs(offset) < MAX_SHIFT}


def _common(offsets: Iterable[int]) -> list[int]:
    """The offsets, each once, those that most clocks have first."""
    return [offset for offset, _ in Counter(offsets).most_common()]


def _group(first: str, near: dict[str, list[Bound]]) -> dict[str, int]:
    """The offsets from ``first`` of all clocks that messages tie to it: what is bounded the closest by those known."""
    known = {first: 0}
    regions: dict[str, _Region] = {}
    fresh = first
    while True:
        for clock in {bound.other for bound in (each.seen_from(fresh) for each in near[fresh])} - set(known):
            regions[clock] = _region(clock, near[clock], known)
        if not regions:
            break
        fresh = min(regions, key=lambda clock: (regions[clock].width, -regions[clock].votes, clock))
        del regions[fresh]
        known[fresh] = _offset(near[fresh], fresh, known)
    # What came early was placed by the few that were known then.
    for clock in [*known, *known][1:]:
        known[clock] = _offset(near[clock], clock, {each: at for each, at in known.items() if each != clock})
    return known


def _offset(told: list[Bound], clock: str, known: dict[str, int]) -> int:
    """The offset of most others where it is possible, or of the next most; else what is told, to the letter."""
    region = _region(clock, told, known)
    for offset in _common(known.values()):
        if region.low.at <= offset <= region.high.at:
            return offset
    return _region(clock, told, known, lenient=False).best()


def _region(clock: str, told: list[Bound], known: dict[str, int], lenient: bool = True) -> _Region:
    """What most messages allow, of those that ``clock`` has in common with a clock whose offset is known."""
    ends: list[_End] = []
    for bound in told:
        seen = bound.seen_from(clock)
        if seen.other in known and seen.low - seen.slack <= seen.high + seen.slack:
            slack = seen.slack if lenient else 0
            # ``clock`` is ahead by as much as the other, less what the other is ahead of it.
            ahead = known[seen.other]
            # Told to the letter, what was written late may end before it begins: then it is right in between.
            low, high = sorted((ahead - seen.high - slack, ahead - seen.low + slack))
            ends += [_End(low, True, seen.sure and low > -inf), _End(high, False, seen.sure and high < inf)]
    ends.sort(key=lambda end: (end.at, not end.opens))
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
    one, other = (f"host {name}" if hosts.get(name) else name for name in (clock, measure))
    apart = abs(offset) % _QUARTER
    zone = not hosts.get(clock) and abs(offset) > _QUARTER // 2 and min(apart, _QUARTER - apart) < _NEAR_QUARTER
    return notices.clock_corrected(one, other, offset, messages, zone=zone).text
