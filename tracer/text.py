"""Text for terminals: untrusted text made printable, shell quoting, counts."""

from __future__ import annotations

import shlex


def printable(text: str) -> str:
    """Return ``text`` on one line, with control characters replaced."""
    if text.isprintable():  # nearly all are
        return text
    return "".join(character if character.isprintable() else "�" for character in text)


def first_and_last(text: str) -> str:
    """Return a message on one line: its first line, and, of a traceback, the last, which names the exception."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return printable(" … ".join(dict.fromkeys((lines[0], lines[-1])))) if lines else ""


def without_middle(text: str, head: int, tail: int) -> str:
    """Return ``text``, or, if it is longer, its first ``head`` and its last ``tail`` characters, the cut marked."""
    return text if len(text) <= head + tail else f"{text[:head]}\n…\n{text[-tail:]}"


def command(*words: object) -> str:
    """Return a command line to copy, with each word quoted for the shell."""
    return shlex.join(map(str, words))


def spread(low: int, high: int) -> str:
    """Return a range of counts: 2–3, or 2 if both are equal."""
    return str(low) if low == high else f"{low}–{high}"


def plural(count: int, singular: str, plural_: str = "") -> str:
    """Return ``count`` with its noun: 1 boot, 2 boots."""
    return f"{count} {singular if count == 1 else plural_ or singular + 's'}"
