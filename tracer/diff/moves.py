"""Blocks of steps that are gone in one place and came in another: moved, and not removed and added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field

from tracer.diff import aligning, wording
from tracer.diff.digests import Digests
from tracer.diff.pairing import likeness
from tracer.model import Node, Pair

#: A block that changed while it moved must have so many steps to be known again, unless there is no other like it.
_BLOCK = 3
_ALIKE = 0.5


@dataclass(slots=True)
class _Place:
    """A pair with one side only, the pair above it, and how many steps it is with all below."""

    pair: Pair
    above: Pair
    up: _Place | None
    size: int = 1
    #: It, something below or something above it was taken: it cannot be taken as a whole any more.
    taken: bool = False
    below: list[_Place] = field(default_factory=list)

    def take(self) -> None:
        """Nothing of it, and nothing around it, moves as a whole any more."""
        stack = [self]
        while stack:
            place = stack.pop()
            place.taken = True
            stack += place.below
        up = self.up
        while up is not None and not up.taken:
            up.taken = True
            up = up.up


def join(top: Pair, known: Digests) -> None:
    """Let what moved stand once below ``top``: at its new place, with its old and its new step.

    First blocks that are wholly the same, the largest first, wherever they stand inside what is gone and what came;
    then those that begin with the same step, of whatever service, and are alike.
    """
    gone = _places(top, lambda pair: pair.old, lambda pair: pair.new)
    came = _places(top, lambda pair: pair.new, lambda pair: pair.old)
    _take(gone, came, known.body, known)
    _take(gone, came, lambda node: node.text, known)


def _places(top: Pair, side: Callable[[Pair], Node | None], other: Callable[[Pair], Node | None]) -> list[_Place]:
    """Every pair that has this side only, the largest first."""
    found: list[_Place] = []
    stack: list[tuple[Pair, _Place | None]] = [(top, None)]
    while stack:
        above, up = stack.pop()
        for pair in above.children:
            place = None
            if side(pair) is not None and other(pair) is None:
                place = _Place(pair, above, up)
                found.append(place)
                if up is not None:
                    up.below.append(place)
            stack.append((pair, place))
    for place in reversed(found):
        if place.up is not None:
            place.up.size += place.size
    return sorted(found, key=lambda place: -place.size)


def _take(gone: list[_Place], came: list[_Place], key: Callable[[Node], Hashable], known: Digests) -> None:
    there: defaultdict[Hashable, list[_Place]] = defaultdict(list)
    for place in _movable(gone):
        there[key(_node(place))].append(place)
    here: defaultdict[Hashable, list[_Place]] = defaultdict(list)
    for place in _movable(came):
        here[key(_node(place))].append(place)
    for group, places in here.items():
        alone = len(places) == len(there.get(group, ())) == 1
        for new, old in zip(places, there.get(group, ()), strict=False):
            if not new.taken and not old.taken and _is_move(_node(old), _node(new), old.size, alone, known):
                _move(old, new, known)


def _movable(places: list[_Place]) -> Iterator[_Place]:
    return (place for place in places if not place.taken and not wording.is_library(_node(place).text))


def _node(place: _Place) -> Node:
    node = place.pair.old or place.pair.new
    assert node is not None, "one of the sides is there"
    return node


def _is_move(old: Node, new: Node, size: int, alone: bool, known: Digests) -> bool:
    if known.body(old) == known.body(new):
        return True
    return (alone or size >= _BLOCK) and likeness(old, new, known) >= _ALIKE


def _move(old: _Place, new: _Place, known: Digests) -> None:
    old.take()
    new.take()
    old.above.children = [pair for pair in old.above.children if pair is not old.pair]
    new.pair.old = old.pair.old
    assert old.pair.old is not None, "it is gone"
    assert new.pair.new is not None, "it came"
    new.pair.children = aligning.aligned(old.pair.old.children, new.pair.new.children, known)
