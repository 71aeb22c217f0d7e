"""The alignment of two trees: pairs of an old step and the new step that corresponds to it."""

from __future__ import annotations

from tracer.diff.compare import pair as compare_pair
from tracer.diff.compare.split_runs import split_runs
from tracer.diff.compare.subtrees import Digests
from tracer.model import NormalStep, Pair


def aligned(old: list[NormalStep], new: list[NormalStep], known: Digests) -> list[Pair]:
    """Return the pairs of two lists of siblings and of everything below them, in the order of the new tree.

    Modifies both trees: runs of equal steps are split where the other tree has them split.
    """
    top = Pair(None, None)
    stack = [(top, old, new)]
    while stack:
        above, left, right = stack.pop()
        above.children = _siblings(left, right, known)
        for pair in above.children:
            inside = pair.old.children if pair.old else []
            stack.append((pair, inside, pair.new.children if pair.new else []))
    return top.children


def _siblings(old: list[NormalStep], new: list[NormalStep], known: Digests) -> list[Pair]:
    if not old or not new:
        return [Pair(node, None) for node in old] + [Pair(None, node) for node in new]
    split_runs(old, new)
    matches = compare_pair.same(old, new, known)
    matches += compare_pair.similar(old, new, matches, known)
    return _in_order(old, new, {b: a for a, b in matches})


def _in_order(old: list[NormalStep], new: list[NormalStep], matches: dict[int, int]) -> list[Pair]:
    """Return the new steps in their order, each removed one before the step that followed it."""
    pairs: list[Pair] = []
    matched = set(matches.values())
    waiting = [index for index in range(len(old)) if index not in matched]
    waiting.reverse()
    for index, node in enumerate(new):
        match = matches.get(index)
        while match is not None and waiting and waiting[-1] < match:
            pairs.append(Pair(old[waiting.pop()], None))
        pairs.append(Pair(None if match is None else old[match], node))
    return pairs + [Pair(old[index], None) for index in reversed(waiting)]
