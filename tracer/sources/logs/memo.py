"""Memos: what bytes and names mean, worked out once for the thousands of lines in which they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
#: Texts of a log that never come again must not fill the memory.
MAX_KEPT = 4096


class Memo(dict[K, V], Generic[K, V]):
    """``memo[text]`` is what ``work(text)`` gives."""

    def __init__(self, work: Callable[[K], V]) -> None:
        super().__init__()
        self._work = work

    def __missing__(self, text: K) -> V:
        if len(self) >= MAX_KEPT:
            self.clear()
        value = self[text] = self._work(text)
        return value
