"""Moved blocks: steps removed at one position and added at another, joined into one pair."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from tracer.diff.compare import align
from tracer.diff.compare.pair import likeness
from tracer.diff.compare.subtrees import Digests
from tracer.model import NormalStep, Pair
from tracer.notation.parse import is_library

#: The least likeness of the first steps of a block that moved and changed.
_ALIKE = 0.5


@dataclass(slots=True)
class _Block:
    """A pair with one side only, the pair above it, and the number of steps in it."""

    pair: Pair
    above: Pair
    up: _Block | None
    size: int = 1
    #: It, a block below or a block above was taken: it cannot be taken as a whole any more.
    taken: bool = False
    below: list[_Block] = field(default_factory=list)

    def take(self) -> None:
        """Mark it, the blocks below and the blocks around as taken."""
        stack = [self]
        while stack:
            block = stack.pop()
            block.taken = True
            stack += block.below
        up = self.up
        while up is not None and not up.taken:
            up.taken = True
            up = up.up


def join(top: Pair, known: Digests) -> None:
    """Join moved blocks below ``top`` into pairs with both sides at the new position, in place.

    The largest added block first, also inside other added blocks: with an equal removed block, else with the only
    removed block that begins with the same text, of any service, and is alike inside.
    """
    gone = _one_sided(top, lambda pair: pair.old, lambda pair: pair.new)
    came = _one_sided(top, lambda pair: pair.new, lambda pair: pair.old)
    same, named = _by(gone, known.body), _by(gone, _text)
    rivals = _by(came, _text)
    for new in came:
        node = _node(new)
        alone = len(rivals[node.text]) == len(named[node.text]) == 1
        there = same[known.body(node)] or (named[node.text] if alone else [])
        old = next((block for block in there if not block.taken), None)
        if old is not None and not new.taken and likeness(_node(old), node, known) >= _ALIKE:
            _move(old, new, known)


def _text(node: NormalStep) -> str:
    return node.text


def _by(blocks: list[_Block], key: Callable[[NormalStep], Hashable]) -> defaultdict[Hashable, deque[_Block]]:
    by_key: defaultdict[Hashable, deque[_Block]] = defaultdict(deque)
    for block in blocks:
        if not is_library(_node(block).text):
            by_key[key(_node(block))].append(block)
    return by_key


def _one_sided(
    top: Pair, side: Callable[[Pair], NormalStep | None], other: Callable[[Pair], NormalStep | None]
) -> list[_Block]:
    """Return every pair that has only this side as a block, the largest first."""
    blocks: list[_Block] = []
    stack: list[tuple[Pair, _Block | None]] = [(top, None)]
    while stack:
        above, up = stack.pop()
        for pair in above.children:
            block = None
            if side(pair) is not None and other(pair) is None:
                block = _Block(pair, above, up)
                blocks.append(block)
                if up is not None:
                    up.below.append(block)
            stack.append((pair, block))
    for block in reversed(blocks):
        if block.up is not None:
            block.up.size += block.size
    return sorted(blocks, key=lambda block: -block.size)


def _node(block: _Block) -> NormalStep:
    node = block.pair.old or block.pair.new
    assert node is not None, "a block has one side"
    return node


def _move(old: _Block, new: _Block, known: Digests) -> None:
    old.take()
    new.take()
    old.above.children = [pair for pair in old.above.children if pair is not old.pair]
    new.pair.old = old.pair.old
    assert old.pair.old is not None, "it was removed"
    assert new.pair.new is not None, "it was added"
    new.pair.children = align.aligned(old.pair.old.children, new.pair.new.children, known)
