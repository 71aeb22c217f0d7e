"""Numbers of subtrees: two subtrees have the same number if, and only if, they are equal."""

from __future__ import annotations

from collections.abc import Hashable

from tracer.model import Node


class Digests:
    """Numbers assigned on demand; equal structures share one, so that comparing subtrees is comparing integers.

    Concurrent steps count as a multiset; times and positions in the source do not count. Nodes are keyed by ``id``,
    since they are compared by value elsewhere and thus have no hash; they are kept alive meanwhile.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[int, tuple[int, int]] = {}
        self._alive: list[Node] = []

    def body(self, node: Node) -> int:
        """Return the number of the node's service, text, details and inside, whatever its count."""
        return self._both(node)[0]

    def whole(self, node: Node) -> int:
        """Return the number of the node with its count."""
        return self._both(node)[1]

    def _both(self, node: Node) -> tuple[int, int]:
        if id(node) not in self._known:
            # Children first, without recursion: a tree may be deeper than Python's stack.
            for inner in reversed(self._unknown(node)):
                self._known[id(inner)] = self._number(inner)
                self._alive.append(inner)  # an id is valid only while its node lives
        return self._known[id(node)]

    def _unknown(self, node: Node) -> list[Node]:
        unknown, stack = [], [node]
        while stack:
            inner = stack.pop()
            unknown.append(inner)
            stack.extend(child for child in inner.children if id(child) not in self._known)
        return unknown

    def _number(self, node: Node) -> tuple[int, int]:
        inside = [(child.free, self._known[id(child)][1]) for child in node.children]
        fixed = tuple(number for free, number in inside if not free)
        free = tuple(sorted(number for free, number in inside if free))
        body = self._numbers.setdefault(
            (node.service, node.text, tuple(node.details.items()), fixed, free), len(self._numbers)
        )
        return body, self._numbers.setdefault((body, node.low, node.high), len(self._numbers))
