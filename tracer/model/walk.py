"""The walk of a tree, in its order, at any depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar


class _Branching(Protocol):
    @property
    def children(self) -> Sequence[Any]: ...


_Branch = TypeVar("_Branch", bound=_Branching)


def walk(top: _Branch) -> Iterator[_Branch]:
    """Yield ``top`` and everything below it, parents before their children."""
    stack = [top]
    while stack:
        branch = stack.pop()
        yield branch
        if branch.children:
            stack.extend(reversed(branch.children))
