"""Blocks of siblings that repeat as a whole: of A B C A B C one node is made, with a count and A B C inside.

Only equal repetitions count, everything below included, so that each boot can be read back. A block that repeats in
some boot is a node in the others, too, where it happens once below the same steps: otherwise the boots would not match.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeGuard

from tracer.diff.baseline.addresses import is_chapter
from tracer.diff.compare.subtrees import Digests
from tracer.diff.merge.fragments import Part
from tracer.model import Fragment, MergedStep, NormalStep
from tracer.notation.parse import split_error, without_versions

KIND = "block"
#: The most steps of a block: longer ones would be searched for in vain, at a cost that grows with the square.
_LONGEST = 24

#: What makes siblings the same block in every boot: service and text of each.
_Key = tuple[tuple[str, str], ...]


def fold(boots: Sequence[list[NormalStep]]) -> None:
    """Fold the repeated blocks of each boot's tree, in place; chapters without a sender have no order, and stay."""
    blocks = _Blocks()
    for roots in boots:
        digests = Digests()
        for path, parent in blocks.parents(roots):
            parent.children = blocks.repeated(path, parent, digests)
    for roots in boots:
        for path, parent in blocks.parents(roots):
            parent.children = blocks.single(path, parent.children)


class _Blocks:
    """The blocks of all boots by their place: the path of steps around them."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        #: The keys of a path's blocks, inner ones first, since they are parts of the outer ones.
        self._by_path: dict[int, dict[_Key, None]] = defaultdict(dict)

    def parents(self, roots: list[NormalStep]) -> list[tuple[int, NormalStep]]:
        """Return the steps that have steps inside, inner ones first, with their path, without blocks."""
        inner_last: list[tuple[int, NormalStep]] = []
        stack = [(0, root) for root in roots]
        while stack:
            around, node = stack.pop()
            path = around if node.kind == KIND else self._number((around, _name(node)))
            if node.children and node.kind != KIND:
                inner_last.append((path, node))
            stack.extend((path, child) for child in node.children)
        return inner_last[::-1]

    def repeated(self, path: int, parent: NormalStep, digests: Digests) -> list[NormalStep]:
        """Return the steps inside ``parent``, with each repeated block as one node, which may be a part of another."""
        nodes = list(parent.children)
        marks = [_mark(node, parent, digests) for node in nodes]
        length = 2
        while length <= min(_LONGEST, len(nodes) // 2):
            length = 2 if self._folded(path, nodes, marks, length, digests) else length + 1
        return nodes

    def _folded(self, path: int, nodes: list[NormalStep], marks: list[Hashable], length: int, digests: Digests) -> bool:
        """Fold the blocks of a length, in place; return whether there are any."""
        before, index = len(nodes), 0
        while index + 2 * length <= len(nodes):
            times = _times(marks, index, length)
            if times > 1:
                block = self._block(path, nodes[index : index + length])
                _count(block, nodes[index + length : index + times * length])
                nodes[index : index + times * length] = [block]
                marks[index : index + times * length] = [digests.whole(block)]
            index += 1
        return len(nodes) < before

    def single(self, path: int, nodes: list[NormalStep]) -> list[NormalStep]:
        """Return the nodes with each block of this path that happens once, here, as one node."""
        for key in self._by_path.get(path, ()):
            names = [_name(node) for node in nodes]
            for index in range(len(nodes) - len(key), -1, -1):
                if tuple(names[index : index + len(key)]) == key:
                    inside = slice(index, index + len(key))
                    nodes[inside] = [self._block(path, nodes[inside])]
                    names[inside] = [("", "")]
        return nodes

    def _block(self, path: int, inside: list[NormalStep]) -> NormalStep:
        key = tuple(map(_name, inside))
        self._by_path[path].setdefault(key)
        return NormalStep(KIND, inside[0].service, f"{KIND} {self._number(key)}", children=inside)

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers) + 1)


def _name(node: NormalStep) -> tuple[str, str]:
    return node.service, without_versions(split_error(node.text)[0])


def _mark(node: NormalStep, parent: NormalStep, digests: Digests) -> Hashable:
    """Return the same mark for the same subtrees; another for each step without an order, and for chapters."""
    alone = node.unordered or is_chapter(node, parent)
    return ("alone", id(node)) if alone else digests.whole(node)


def _times(marks: list[Hashable], index: int, length: int) -> int:
    """Return how often in a row the marks at ``index`` happen."""
    if marks[index] != marks[index + length]:
        return 1
    times, block = 1, marks[index : index + length]
    while marks[index + times * length : index + (times + 1) * length] == block:
        times += 1
    return times


def _count(block: NormalStep, more: list[NormalStep]) -> None:
    """Count further repetitions of a block, with their durations."""
    block.min_count = block.max_count = 1 + len(more) // len(block.children)
    for offset, node in enumerate(more):
        for known, repeated in zip(block.children[offset % len(block.children)].walk(), node.walk(), strict=True):
            known.durations += repeated.durations


def unfold(chapters: list[Part]) -> None:
    """Replace each block by its steps, in place: in a loop, or as they are where it happens once in every boot."""
    stack = [chapters]
    while stack:
        parts = stack.pop()
        while any(is_block(part) for part in parts):
            parts[:] = [inner for part in parts for inner in (part.children if is_block(part) else [part])]
        for part in parts:
            stack += [operand.inside for operand in part.operands] if isinstance(part, Fragment) else [part.children]


def is_block(part: Part) -> TypeGuard[MergedStep]:
    """Return whether the part stands for a block."""
    return isinstance(part, MergedStep) and part.kind == KIND
