"""A line of the benchmarks' table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A measured ``value`` in ``unit``; ``ratio`` compares it with ``beside``, measured in the same run."""

    what: str
    value: float
    unit: str
    ratio: float | None = None
    beside: str = ""

    def __str__(self) -> str:
        compared = "" if self.ratio is None else f"   {self.ratio:8.3f} × {self.beside}"
        return f"{self.what:<58} {self.value:>12.3f} {self.unit:<6}{compared}"
