"""The splitting of runs of equal steps where the other tree has them split, so that each part can match."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from tracer.diff.compare.pair import home
from tracer.model import Node

_Key = tuple[str, str]


def split_runs(old: list[Node], new: list[Node]) -> None:
    """Split runs in both lists, in place; their total counts stay the same.

    ``×11`` against a ``×3`` and a ``×7`` of the same step with one of another name in between becomes ``×3 ×1 ×7``.
    """
    _split(old, new)
    _split(new, old)


def _split(runs: list[Node], others: list[Node]) -> None:
    if all(node.high == 1 for node in runs):
        return
    here, there = _alike(runs), _alike(others)
    for nodes in here.values():
        if len(nodes) == 1 and nodes[0].high > 1:
            counts = [node.high for node in _pieces(nodes[0], here, there, others)]
            if len(counts) > 1 and sum(counts) <= nodes[0].high:
                index = next(index for index, node in enumerate(runs) if node is nodes[0])
                runs[index : index + 1] = _parts(nodes[0], counts)


def _alike(nodes: list[Node]) -> defaultdict[_Key, list[Node]]:
    by_key: defaultdict[_Key, list[Node]] = defaultdict(list)
    for node in nodes:
        by_key[node.service, node.text].append(node)
    return by_key


def _pieces(
    run: Node, here: defaultdict[_Key, list[Node]], there: defaultdict[_Key, list[Node]], others: list[Node]
) -> Iterator[Node]:
    """Yield the other side's nodes that the run may match: the same step and, if some are missing, changed ones."""
    key = run.service, run.text
    missing = run.low - sum(node.high for node in there.get(key, ()))
    for node in others if missing > 0 else there.get(key, ()):
        if (node.service, node.text) == key:
            yield node
        elif node.high <= missing and (node.service, node.text) not in here and _could_be(run, node):
            missing -= node.high
            yield node


def _could_be(run: Node, node: Node) -> bool:
    return run.kind == node.kind and run.service == node.service and _sort(run) == _sort(node)


def _sort(node: Node) -> str:
    return node.text.split(" ", 2)[1] if node.kind == "sql" else home(node.text)


def _parts(run: Node, counts: list[int]) -> Iterator[Node]:
    """Yield the run in parts of these counts; the rest is added to the largest."""
    counts[counts.index(max(counts))] += run.high - sum(counts)
    low = run.low
    for count in counts:
        yield replace(run, low=min(low, count), high=count, children=list(run.children))
        low -= min(low, count)
