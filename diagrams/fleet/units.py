"""The values of a fleet's tables in words, by their units."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from diagrams.text import clean, shorten, span
from tracer.model.fleet import Cell, Column

#: The width of a step's name.
NAME = 90


def cell(value: Cell, unit: str) -> str:
    """Return a value for people; "" for none."""
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, str):
        return shorten(clean(value), NAME)
    return _NUMBERS.get(unit, _number)(value)


def duration(microseconds: float) -> str:
    """Return a time with three digits: 250 µs, 12.5 ms, 1.25 s."""
    return span(round(microseconds * 1000))


def ratio(value: float) -> str:
    """Return a factor: ×1.20."""
    return f"×{value:.2f}" if value < 100 else f"×{value:.0f}"


def is_number(column: Column) -> bool:
    """Return whether a column is aligned to the right."""
    return column.unit not in ("text", "key", "day", "link")


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.4g}"


_NUMBERS: dict[str, Callable[[float], str]] = {
    "us": duration,
    "ratio": ratio,
    "share": lambda value: f"{value:.1%}" if value < 0.1 else f"{value:.0%}",
    "p": lambda value: f"{value:.1g}",
    "count": lambda value: f"{value:,.0f}",
}
