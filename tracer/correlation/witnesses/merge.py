"""Merging: one event for a step that several witnesses recorded, in the process that knows the most of it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Mapping

from tracer.correlation.tolerances import LOG_RESOLUTION, WITNESS_SKEW
from tracer.correlation.witnesses import keys, marks
from tracer.events import Event, Process
from tracer.model.attributes import SPAN

#: The event of the lowest rank remains; the others add what they know.
_RANKS = {"hooks": 0, "logs": 1, "broker": 3, "otel": 4, "osprofiler": 5}
#: The rank of a server's access log, whose requests the process's own log may have too.
_ACCESS = 2

#: Remaining events by the rank of their witness, each list in the order of time.
_Candidates = dict[int, list[Event]]


def merge(events: list[Event]) -> list[Event]:
    """Return one event for each step, in the order of time; the events that remain are completed in place."""
    access = keys.access_logs(events)
    homes = keys.home_processes(events, access) | marks.home_processes(events)
    ordered = sorted(events, key=lambda event: (_rank(event, access), event.start, event.number))
    candidates: dict[keys.Key, _Candidates] = defaultdict(lambda: defaultdict(list))
    #: the ranks of an event's further witnesses
    later_ranks: dict[Event, set[int]] = defaultdict(set)
    pairs: list[tuple[Event, Event]] = []
    result = []
    for event in ordered:
        own, rank = list(keys.step_keys(event, homes)), _rank(event, access)
        matches = (_match(event, rank, candidates[key], later_ranks) for key in own if key in candidates)
        other = next(filter(None, matches), None)
        if other is None:
            result.append(event)
            for key in own:
                candidates[key][rank].append(event)
        else:
            known = set(keys.step_keys(other, homes))
            _add(other, event)
            later_ranks[other].add(rank)
            pairs.append((event, other))
            # The next witness may know the step by this one's keys.
            for key in set(own) - known:
                insort(candidates[key][_rank(other, access)], other, key=_start)
    _move(result, pairs)
    return sorted(result, key=lambda event: (event.start, event.number))


def _rank(event: Event, access: set[str]) -> int:
    return _ACCESS if event.process.key in access else min(_RANKS[witness] for witness in event.witnesses)


def _match(event: Event, rank: int, candidates: _Candidates, later_ranks: Mapping[Event, set[int]]) -> Event | None:
    """Return the nearest candidate that no witness of this ``rank`` has recorded yet, None without one."""
    first, last = event.start - WITNESS_SKEW, event.start + WITNESS_SKEW
    fitting = [
        candidate
        for other, events in candidates.items()
        if other != rank
        for candidate in events[bisect_left(events, first, key=_start) : bisect_left(events, last, key=_start)]
        if rank not in later_ranks.get(candidate, ())
    ]
    return min(fitting, key=lambda candidate: abs(candidate.start - event.start), default=None)


def _start(event: Event) -> int:
    return event.start


def _add(event: Event, other: Event) -> None:
    """Add to ``event`` what only ``other`` knows."""
    event.witnesses = tuple(dict.fromkeys((*event.witnesses, *other.witnesses)))
    spans = [attributes[SPAN] for attributes in (event.attributes, other.attributes) if SPAN in attributes]
    for name, value in other.attributes.items():
        event.attributes.setdefault(name, value)
    if spans:
        event.attributes[SPAN] = " ".join(map(str, spans))
    # A log names the method that carries another: object_action, where the message has Instance.save.
    if event.kind == "rpc" and not event.from_hooks and other.name:
        event.name, event.attributes["method"] = other.name, other.attributes.get("method", other.name)
    if event.end is None:
        event.end = other.end
    event.error = event.error or other.error


def _move(events: list[Event], pairs: list[tuple[Event, Event]]) -> None:
    """Move what only one witness recorded of a process to the process that the others know it as.

    ``pairs`` are the events that were merged away, each with the one that remains.
    """
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    processes: dict[str, Process] = {}
    for event, other in pairs:
        votes[event.process.key][other.process.key] += 1
        processes[other.process.key] = other.process
    numbers = Counter[str]()
    for event in events:
        numbers[event.process.key] = max(numbers[event.process.key], event.number)
    for event in sorted(events, key=lambda event: (event.start, event.number)):
        if not event.from_hooks and event.process.key in votes:
            event.process = processes[_target(votes, event.process.key)]
            numbers[event.process.key] += 1
            event.number = numbers[event.process.key]


def _target(votes: dict[str, Counter[str]], key: str) -> str:
    """Return the process that a process's events move to: a copy's to the log's, and with it to the hooks'."""
    for _ in _RANKS:
        if key not in votes:
            break
        key = votes[key].most_common(1)[0][0]
    return key


def renumber(events: list[Event]) -> None:
    """Number the events that hooks did not record by start, after the hooks': parents before their children."""
    unnumbered: dict[str, list[Event]] = defaultdict(list)
    highest = Counter[str]()
    for event in events:
        if event.from_hooks:
            highest[event.process.key] = max(highest[event.process.key], event.number)
        else:
            unnumbered[event.process.key].append(event)
    for key, own in unnumbered.items():
        own.sort(key=_order)
        for number, event in enumerate(own, highest[key] + 1):
            event.number = number


def _order(event: Event) -> tuple[int, bool, int]:
    """Return the sort key of an event in its process: what was received before what was logged in the same moment."""
    return event.start - (LOG_RESOLUTION if event.is_server else 0), not event.is_server, event.number
