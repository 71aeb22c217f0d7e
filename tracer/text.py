"""Text that was read from somewhere, on its way to a terminal."""

from __future__ import annotations

import shlex


def printable(text: str) -> str:
    """``text`` on one line, without what a terminal would obey."""
    return "".join(character if character.isprintable() else "�" for character in text)


def command(*words: object) -> str:
    """A command line to copy, each word quoted for the shell."""
    return shlex.join(map(str, words))


def spread(low: int, high: int) -> str:
    """Counts from ``low`` to ``high``: 2–3, or 2 where they are the same."""
    return str(low) if low == high else f"{low}–{high}"


def plural(count: int, one: str, many: str = "") -> str:
    """``count`` and what it counts: 1 boot, 2 boots."""
    return f"{count} {one if count == 1 else many or one + 's'}"
