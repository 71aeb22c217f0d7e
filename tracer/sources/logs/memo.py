"""Memos: the meaning of bytes and names, computed once for the thousands of lines that contain them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
#: Texts that never recur must not fill the memory.
MAX_ENTRIES = 4096


class Memo(dict[K, V], Generic[K, V]):
    """A cache: ``memo[text]`` is ``work(text)``."""

    def __init__(self, work: Callable[[K], V]) -> None:
        super().__init__()
        self._work = work

    def __missing__(self, text: K) -> V:
        if len(self) >= MAX_ENTRIES:
            self.clear()
        value = self[text] = self._work(text)
        return value
