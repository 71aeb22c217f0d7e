"""Subtrees: numbers that are equal if, and only if, two of them are equal, and copies."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import fields
from operator import attrgetter

from tracer.model import NormalStep


class Digests:
    """Numbers assigned on demand; equal structures share one, so that comparing subtrees is comparing integers.

    Concurrent steps count as a multiset; times and positions in the source do not count.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[NormalStep, tuple[int, int]] = {}

    def body(self, node: NormalStep) -> int:
        """Return the number of the node's service, text, details and inside, whatever its count."""
        return self._both(node)[0]

    def whole(self, node: NormalStep) -> int:
        """Return the number of the node with its count."""
        return self._both(node)[1]

    def forget(self, node: NormalStep) -> None:
        """Drop the numbers of a node whose count has changed; those around it must not have numbers yet."""
        self._known.pop(node, None)

    def _both(self, node: NormalStep) -> tuple[int, int]:
        if node not in self._known:
            # Children first, without recursion: a tree may be deeper than Python's stack.
            for inner in reversed(self._unknown(node)):
                self._known[inner] = self._number(inner)
        return self._known[node]

    def _unknown(self, node: NormalStep) -> list[NormalStep]:
        unknown, stack = [], [node]
        while stack:
            inner = stack.pop()
            unknown.append(inner)
            stack.extend(child for child in inner.children if child not in self._known)
        return unknown

    def _number(self, node: NormalStep) -> tuple[int, int]:
        inside = [(child.unordered, self._known[child][1]) for child in node.children]
        fixed = tuple(number for unordered, number in inside if not unordered)
        loose = tuple(sorted(number for unordered, number in inside if unordered))
        body = self._numbers.setdefault(
            (node.service, node.text, tuple(node.details.items()), fixed, loose), len(self._numbers)
        )
        return body, self._numbers.setdefault((body, node.min_count, node.max_count), len(self._numbers))


_values = attrgetter(*(field.name for field in fields(NormalStep)))


def copy_nodes(nodes: list[NormalStep]) -> list[NormalStep]:
    """Return copies of the nodes and of everything below them; details are shared, since no function modifies them."""
    copies = [NormalStep(*_values(node)) for node in nodes]
    stack = list(copies)  # no recursion, since trees may be deep
    while stack:
        node = stack.pop()
        node.children = [NormalStep(*_values(child)) for child in node.children]
        stack += node.children
    return copies
