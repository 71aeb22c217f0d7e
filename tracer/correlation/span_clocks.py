"""The clocks of other tracers: their offset from the other witnesses, fitted from steps that both recorded once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from statistics import median_low

from tracer import notices
from tracer.correlation.tolerances import LOG_DELAY, MILLISECOND
from tracer.correlation.witnesses.marks import Mark, mark, role
from tracer.events import Event

#: Pairs that must agree, and the smallest offset that is corrected.
_PAIRS, _SMALLEST = 3, MILLISECOND


def align(events: list[Event]) -> list[str]:
    """Shift what only tracers recorded to the clocks of the other witnesses, in place; return a line for each clock."""
    others = [event for event in events if not event.from_tracers]
    clocks: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.from_tracers:
            clocks[event.process.clock].append(event)
    if not others or not clocks:
        return []
    known = _unique(others)
    warnings = []
    for clock, spans in clocks.items():
        offsets = [(event.start - known[key].start) for key, event in _unique(spans).items() if key in known]
        ahead = median_low(offsets) if offsets else 0
        agreeing = sum(abs(offset - ahead) <= LOG_DELAY for offset in offsets)
        if agreeing < _PAIRS or agreeing * 2 < len(offsets) or abs(ahead) < _SMALLEST:
            continue
        for event in spans:
            event.start -= ahead
            event.end = None if event.end is None else event.end - ahead
        warnings.append(notices.clock_corrected(clock, "the other witnesses", ahead, agreeing).text)
    return warnings


def _unique(events: Iterable[Event]) -> dict[tuple[str, Mark], Event]:
    """Return the events whose mark no other event of the same service has."""
    groups: dict[tuple[str, Mark], list[Event]] = defaultdict(list)
    for event in events:
        own = mark(event)
        if own is not None:
            groups[role(event.process), own].append(event)
    return {key: group[0] for key, group in groups.items() if len(group) == 1}
