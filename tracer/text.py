"""Text that was read from somewhere, on its way to a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` on one line, without what a terminal would obey."""
    return "".join(character if character.isprintable() else "�" for character in text)


def plural(count: int, one: str, many: str = "") -> str:
    """``count`` and what it counts: 1 boot, 2 boots."""
    return f"{count} {one if count == 1 else many or one + 's'}"
