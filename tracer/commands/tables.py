"""Tables in output: columns as wide as their widest text."""

from __future__ import annotations


def aligned(rows: list[list[str]]) -> list[str]:
    """Return a line for each row, with equal columns one below the other; all rows have the same length."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ((text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)
    return ["  ".join(row).rstrip() for row in padded]
