"""The states that an outline says an instance gets, looked up among those that it got."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from tracer.diff import phrases
from tracer.diff.outlines import Written
from tracer.diff.phrases import Key
from tracer.diff.seen import Seen, below


class States:
    """Where each state is set: the places of the steps it happens in, ascending."""

    def __init__(self, root: Seen) -> None:
        self._places: dict[Key, list[int]] = {}
        for one in below(root):
            for note in one.node.children:
                for key in phrases.state(note.text) if note.kind == "state" else ():
                    self._places.setdefault(key, []).append(one.index)

    def lacking(self, written: Written, steps: list[Seen]) -> Iterator[str]:
        """Of the states that a step is written to set, those that nothing in it sets."""
        for note in written.notes:
            for key in sorted(phrases.state(note)):
                if not any(self._set_in(key, one) for one in steps):
                    yield key[1]

    def _set_in(self, key: Key, one: Seen) -> bool:
        places = self._places.get(key, [])
        first = bisect_left(places, one.index)
        return first < len(places) and places[first] <= one.last
