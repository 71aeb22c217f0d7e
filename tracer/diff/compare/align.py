"""The alignment of two trees: pairs of an old step and the new step that corresponds to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from tracer.diff.compare import pair as compare_pair
from tracer.diff.compare.pair import home
from tracer.diff.compare.subtrees import Digests, copy_nodes
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


_Key = tuple[str, str]


def split_runs(old: list[NormalStep], new: list[NormalStep]) -> None:
    """Split runs in both lists, in place; their total counts stay the same.

    ``×11`` against a ``×3`` and a ``×7`` of the same step with one of another name in between becomes ``×3 ×1 ×7``.
    """
    _split(old, new)
    _split(new, old)


def _split(runs: list[NormalStep], others: list[NormalStep]) -> None:
    if all(node.max_count == 1 for node in runs):
        return
    here, there = _alike(runs), _alike(others)
    for nodes in here.values():
        if len(nodes) == 1 and nodes[0].max_count > 1:
            counts = [node.max_count for node in _pieces(nodes[0], here, there, others)]
            if len(counts) > 1 and sum(counts) <= nodes[0].max_count:
                index = next(index for index, node in enumerate(runs) if node is nodes[0])
                runs[index : index + 1] = _parts(nodes[0], counts)


def _alike(nodes: list[NormalStep]) -> defaultdict[_Key, list[NormalStep]]:
    by_key: defaultdict[_Key, list[NormalStep]] = defaultdict(list)
    for node in nodes:
        by_key[node.service, node.text].append(node)
    return by_key


def _pieces(
    run: NormalStep,
    here: defaultdict[_Key, list[NormalStep]],
    there: defaultdict[_Key, list[NormalStep]],
    others: list[NormalStep],
) -> Iterator[NormalStep]:
    """Yield the other side's nodes that the run may match: the same step and, if some are missing, changed ones."""
    key = run.service, run.text
    missing = run.min_count - sum(node.max_count for node in there.get(key, ()))
    for node in others if missing > 0 else there.get(key, ()):
        if (node.service, node.text) == key:
            yield node
        elif node.max_count <= missing and (node.service, node.text) not in here and _could_be(run, node):
            missing -= node.max_count
            yield node


def _could_be(run: NormalStep, node: NormalStep) -> bool:
    return run.kind == node.kind and run.service == node.service and _sort(run) == _sort(node)


def _sort(node: NormalStep) -> str:
    return node.text.split(" ", 2)[1] if node.kind == "sql" else home(node.text)


def _parts(run: NormalStep, counts: list[int]) -> Iterator[NormalStep]:
    """Yield the run in parts of these counts; the rest is added to the largest."""
    counts[counts.index(max(counts))] += run.max_count - sum(counts)
    min_count = run.min_count
    for count in counts:
        yield replace(run, min_count=min(min_count, count), max_count=count, children=copy_nodes(run.children))
        min_count -= min(min_count, count)
