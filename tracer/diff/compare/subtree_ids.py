"""Numbers for subtrees: two subtrees have the same number if, and only if, they are the same."""

from __future__ import annotations

from collections.abc import Hashable

from tracer.model import Node


class Digests:
    """Numbers given on demand; equal structures share one, so that comparing two subtrees is comparing two integers.

    Steps that run beside each other count as a multiset; times and places in the source do not count.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[int, tuple[int, int]] = {}
        self._alive: list[Node] = []

    def body(self, node: Node) -> int:
        """The same for nodes that do the same, however often they do it."""
        return self._both(node)[0]

    def whole(self, node: Node) -> int:
        """The same for nodes that do the same, equally often."""
        return self._both(node)[1]

    def _both(self, node: Node) -> tuple[int, int]:
        if id(node) not in self._known:
            # Children first, without recursion: a tree may be deeper than Python's stack.
            for each in reversed(list(self._unknown(node))):
                self._known[id(each)] = self._number(each)
                self._alive.append(each)  # an id is only good for as long as its node lives
        return self._known[id(node)]

    def _unknown(self, node: Node) -> list[Node]:
        found, stack = [], [node]
        while stack:
            each = stack.pop()
            found.append(each)
            stack.extend(child for child in each.children if id(child) not in self._known)
        return found

    def _number(self, node: Node) -> tuple[int, int]:
        inside = [(child.free, self._known[id(child)][1]) for child in node.children]
        fixed = tuple(number for free, number in inside if not free)
        free = tuple(sorted(number for free, number in inside if free))
        body = self._numbers.setdefault(
            (node.service, node.text, tuple(node.details.items()), fixed, free), len(self._numbers)
        )
        return body, self._numbers.setdefault((body, node.low, node.high), len(self._numbers))
