"""Two trees laid over each other: which step of the old one is which of the new one."""

from __future__ import annotations

from tracer.diff.compare import pair as compare_pair
from tracer.diff.compare.split_runs import unfold
from tracer.diff.compare.subtree_ids import Digests
from tracer.model import Node, Pair


def aligned(old: list[Node], new: list[Node], known: Digests) -> list[Pair]:
    """The pairs of two lists of siblings and of everything below them, in the order of the new tree."""
    top = Pair(None, None)
    stack = [(top, old, new)]
    while stack:
        above, left, right = stack.pop()
        above.children = _siblings(left, right, known)
        for pair in above.children:
            inside = pair.old.children if pair.old else []
            stack.append((pair, inside, pair.new.children if pair.new else []))
    return top.children


def _siblings(old: list[Node], new: list[Node], known: Digests) -> list[Pair]:
    if not old or not new:
        return [Pair(node, None) for node in old] + [Pair(None, node) for node in new]
    unfold(old, new)
    matches = compare_pair.same(old, new, known)
    matches += compare_pair.similar(old, new, matches, known)
    return _in_order(old, new, {b: a for a, b in matches})


def _in_order(old: list[Node], new: list[Node], matches: dict[int, int]) -> list[Pair]:
    """The new steps in their order, each old one that is gone before the one that followed it."""
    pairs: list[Pair] = []
    kept = set(matches.values())
    waiting = [place for place in range(len(old)) if place not in kept]
    waiting.reverse()
    for place, node in enumerate(new):
        match = matches.get(place)
        while match is not None and waiting and waiting[-1] < match:
            pairs.append(Pair(old[waiting.pop()], None))
        pairs.append(Pair(None if match is None else old[match], node))
    return pairs + [Pair(old[place], None) for place in reversed(waiting)]
