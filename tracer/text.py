"""Text for terminals: untrusted text made printable, shell quoting, counts."""

from __future__ import annotations

import shlex


def printable(text: str) -> str:
    """Return ``text`` on one line, with control characters replaced."""
    return "".join(character if character.isprintable() else "�" for character in text)


def command(*words: object) -> str:
    """Return a command line to copy, with each word quoted for the shell."""
    return shlex.join(map(str, words))


def spread(low: int, high: int) -> str:
    """Return a range of counts: 2–3, or 2 if both are equal."""
    return str(low) if low == high else f"{low}–{high}"


def plural(count: int, singular: str, plural_: str = "") -> str:
    """Return ``count`` with its noun: 1 boot, 2 boots."""
    return f"{count} {singular if count == 1 else plural_ or singular + 's'}"
