"""Merging: one event for what several witnesses saw of one step, in the process that knows the most of it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Mapping

from tracer.correlation.witnesses import likeness
from tracer.events import Event, Process

#: Who knows more of a step stays; what others know is added.
_RANKS = {"hooks": 0, "logs": 1, "broker": 3}
#: A server's access log, of what the process's own log may tell too.
_ACCESS = 2
#: Witnesses of one step in one process tell of it within this time of each other, in nanoseconds; a log's lines of
#: what the process does are as late as its disk.
_NEAR = 2_000_000_000
#: Logs tell milliseconds, and two lines of one moment may be written in either order.
BLUR = 3_000_000

#: What was kept, by who saw it.
_Candidates = dict[int, list[Event]]


def merged(events: list[Event]) -> list[Event]:
    """The events without those that another witness's event stands for."""
    access = likeness.access_logs(events)
    places = likeness.places(events, access)
    ordered = sorted(events, key=lambda event: (_rank(event, access), event.start, event.number))
    kept: dict[likeness.Key, _Candidates] = defaultdict(lambda: defaultdict(list))
    #: the ranks of those who told of an event after the first of them did
    later: dict[int, set[int]] = defaultdict(set)
    stands_for: list[tuple[Event, Event]] = []
    result = []
    for event in ordered:
        keys, rank = list(likeness.keys(event, places)), _rank(event, access)
        other = next((found for key in keys if key in kept and (found := _match(event, rank, kept[key], later))), None)
        if other is None:
            result.append(event)
            for key in keys:
                kept[key][rank].append(event)
        else:
            known_by = set(likeness.keys(other, places))
            _add(other, event)
            later[id(other)].add(rank)
            stands_for.append((event, other))
            # What this witness knows it by, the next one may know it by too.
            for key in set(keys) - known_by:
                insort(kept[key][_rank(other, access)], other, key=_start)
    _move(result, stands_for)
    return sorted(result, key=lambda event: (event.start, event.number))


def _rank(event: Event, access: set[str]) -> int:
    return _ACCESS if event.process.key in access else min(_RANKS[witness] for witness in event.witnesses)


def _match(event: Event, rank: int, candidates: _Candidates, later: Mapping[int, set[int]]) -> Event | None:
    """The nearest that nobody of this ``rank`` has told of yet. Each rank's are in the order of time."""
    fitting = [
        each
        for other, known in candidates.items()
        if other != rank
        for each in known[
            bisect_left(known, event.start - _NEAR, key=_start) : bisect_left(known, event.start + _NEAR, key=_start)
        ]
        if rank not in later.get(id(each), ())
    ]
    return min(fitting, key=lambda each: abs(each.start - event.start), default=None)


def _start(event: Event) -> int:
    return event.start


def _add(kept: Event, other: Event) -> None:
    """Let ``kept`` say what ``other`` knows beside it."""
    kept.witnesses = tuple(dict.fromkeys((*kept.witnesses, *other.witnesses)))
    for name, value in other.attributes.items():
        kept.attributes.setdefault(name, value)
    # A log names the method that carries another: object_action, which the message says is Instance.save.
    if kept.kind == "rpc" and "hooks" not in kept.witnesses and other.name:
        kept.name, kept.attributes["method"] = other.name, other.attributes.get("method", other.name)
    if kept.end is None:
        kept.end = other.end
    kept.error = kept.error or other.error


def _move(events: list[Event], stands_for: list[tuple[Event, Event]]) -> None:
    """Let what only one witness saw of a process stand in the process that the others know it as."""
    met: dict[str, Counter[str]] = defaultdict(Counter)
    processes: dict[str, Process] = {}
    for event, other in stands_for:
        met[event.process.key][other.process.key] += 1
        processes[other.process.key] = other.process
    numbers = Counter[str]()
    for event in events:
        numbers[event.process.key] = max(numbers[event.process.key], event.number)
    for event in sorted(events, key=lambda event: (event.start, event.number)):
        if event.witnesses[0] != "hooks" and event.process.key in met:
            event.process = processes[_last(met, event.process.key)]
            numbers[event.process.key] += 1
            event.number = numbers[event.process.key]


def _last(met: dict[str, Counter[str]], key: str) -> str:
    """Where a process's events go: a copy's to the log's, and with it to the hooks'."""
    for _ in _RANKS:
        if key not in met:
            break
        key = met[key].most_common(1)[0][0]
    return key


def number_anew(events: list[Event]) -> None:
    """Number what hooks did not see by its start: a parent comes before its children."""
    starts: dict[str, list[Event]] = defaultdict(list)
    highest = Counter[str]()
    for event in events:
        if event.witnesses[0] == "hooks":
            highest[event.process.key] = max(highest[event.process.key], event.number)
        else:
            starts[event.process.key].append(event)
    for key, own in starts.items():
        own.sort(key=_place)
        for number, event in enumerate(own, highest[key] + 1):
            event.number = number


def _place(event: Event) -> tuple[int, bool, int]:
    """Where an event stands among its process's: what was taken before what was written in the same moment."""
    server = event.attributes.get("side") == "server"
    return event.start - (BLUR if server else 0), not server, event.number
