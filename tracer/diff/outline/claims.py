"""The states that an outline says an instance gets, looked up among those that it got."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from tracer.diff.outline.observed import ObservedStep, below
from tracer.diff.outline.outline import OutlineStep
from tracer.notation import phrases
from tracer.notation.phrases import Key


class StateTimeline:
    """Where each state is set: the places of the steps it happens in, ascending."""

    def __init__(self, root: ObservedStep) -> None:
        self._places: dict[Key, list[int]] = {}
        #: Every state by what it is of: its places, and what it became there.
        self._became: dict[str, tuple[list[int], list[str]]] = {}
        for one in sorted(_all(root), key=lambda one: one.index):
            for key in sorted(one.states):
                self._places.setdefault(key, []).append(one.index)
                places, states = self._became.setdefault(_what(key), ([], []))
                places.append(one.index)
                states.append(key[1])

    def lacking(self, written: OutlineStep, steps: list[ObservedStep]) -> Iterator[str]:
        """Of the states that a step is written to set, those that nothing in it sets and that were not there before."""
        for note in written.notes:
            for key in sorted(phrases.state(note)):
                if not any(self._set_in(key, one) or self._there(key, one) for one in steps):
                    yield key[1]

    def _set_in(self, key: Key, one: ObservedStep) -> bool:
        places = self._places.get(key, [])
        first = bisect_left(places, one.index)
        return first < len(places) and places[first] <= one.last

    def _there(self, key: Key, one: ObservedStep) -> bool:
        """Whether it is what was set last: saving it again changes nothing, and nothing tells of it."""
        places, states = self._became.get(_what(key), ([], []))
        last = bisect_right(places, one.last) - 1
        return last >= 0 and states[last] == key[1]


def _what(key: Key) -> str:
    return key[1].partition(" ")[0]


def _all(root: ObservedStep) -> Iterator[ObservedStep]:
    for one in below(root):
        yield one
        yield from one.evidence
