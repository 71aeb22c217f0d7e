"""Blocks of steps that are gone in one place and came in another: moved, and not removed and added."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from tracer.diff.compare import align
from tracer.diff.compare.pair import likeness
from tracer.diff.compare.subtree_ids import Digests
from tracer.model import Node, Pair
from tracer.notation.parse import is_library

#: A block that moved and changed is known again if so much of what its first step does is the same.
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

    The largest block first, wherever it stands inside what came: to where the very same one is gone, else to where the
    only one is gone that begins with the same step, of whatever service, and does alike.
    """
    gone = _places(top, lambda pair: pair.old, lambda pair: pair.new)
    came = _places(top, lambda pair: pair.new, lambda pair: pair.old)
    same, named = _by(gone, known.body), _by(gone, _text)
    rivals = _by(came, _text)
    for new in came:
        node = _node(new)
        alone = len(rivals[node.text]) == len(named[node.text]) == 1
        there = same[known.body(node)] or (named[node.text] if alone else [])
        old = next((place for place in there if not place.taken), None)
        if old is not None and not new.taken and likeness(_node(old), node, known) >= _ALIKE:
            _move(old, new, known)


def _text(node: Node) -> str:
    return node.text


def _by(places: list[_Place], key: Callable[[Node], Hashable]) -> defaultdict[Hashable, deque[_Place]]:
    found: defaultdict[Hashable, deque[_Place]] = defaultdict(deque)
    for place in places:
        if not is_library(_node(place).text):
            found[key(_node(place))].append(place)
    return found


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


def _node(place: _Place) -> Node:
    node = place.pair.old or place.pair.new
    assert node is not None, "one of the sides is there"
    return node


def _move(old: _Place, new: _Place, known: Digests) -> None:
    old.take()
    new.take()
    old.above.children = [pair for pair in old.above.children if pair is not old.pair]
    new.pair.old = old.pair.old
    assert old.pair.old is not None, "it is gone"
    assert new.pair.new is not None, "it came"
    new.pair.children = align.aligned(old.pair.old.children, new.pair.new.children, known)
