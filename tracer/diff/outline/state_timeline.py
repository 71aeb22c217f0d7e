"""The states of an instance over time, in which the states that an outline expects are looked up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from tracer.diff.outline.observed import ObservedStep, below
from tracer.diff.outline.outline import OutlineStep
from tracer.notation import phrases
from tracer.notation.phrases import Key


class StateTimeline:
    """Each state with the indexes of the steps that set it, ascending."""

    def __init__(self, root: ObservedStep) -> None:
        self._indexes: dict[Key, list[int]] = {}
        #: Every state by its subject, such as vm_state: the indexes, and the states set there.
        self._became: dict[str, tuple[list[int], list[str]]] = {}
        for step in sorted(_all(root), key=lambda step: step.index):
            for key in sorted(step.states):
                self._indexes.setdefault(key, []).append(step.index)
                indexes, states = self._became.setdefault(_subject(key), ([], []))
                indexes.append(step.index)
                states.append(key[1])

    def missing(self, written: OutlineStep, steps: list[ObservedStep]) -> Iterator[str]:
        """Yield the states that a step is expected to set, that nothing in it sets, and that were not set before."""
        for note in written.notes:
            for key in sorted(phrases.state(note)):
                if not any(self._set_in(key, step) or self._is_current(key, step) for step in steps):
                    yield key[1]

    def _set_in(self, key: Key, step: ObservedStep) -> bool:
        indexes = self._indexes.get(key, [])
        first = bisect_left(indexes, step.index)
        return first < len(indexes) and indexes[first] <= step.last

    def _is_current(self, key: Key, step: ObservedStep) -> bool:
        """Return whether the state was set last: saving it again changes nothing and is not recorded."""
        indexes, states = self._became.get(_subject(key), ([], []))
        last = bisect_right(indexes, step.last) - 1
        return last >= 0 and states[last] == key[1]


def _subject(key: Key) -> str:
    return key[1].partition(" ")[0]


def _all(root: ObservedStep) -> Iterator[ObservedStep]:
    for step in below(root):
        yield step
        yield from step.evidence
