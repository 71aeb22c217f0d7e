"""Colours for a terminal: escape sequences, only where they are wanted."""

from __future__ import annotations

from dataclasses import dataclass

_COLOURS = {
    "fail": "31", "warn": "33", "note": "36", "ignore": "2", "fine": "32", "quiet": "2",
    "added": "32", "removed": "31", "moved": "34", "changed": "33",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paint:
    """Paints text by what it is; leaves it as it is where nobody wants colour."""

    wanted: bool

    def __call__(self, text: str, what: str, *, bold: bool = False) -> str:
        """``text``, which must be clean: an escape sequence of its own would be obeyed."""
        codes = ";".join(filter(None, ("1" if bold else "", _COLOURS.get(what, ""))))
        return f"\x1b[{codes}m{text}\x1b[0m" if self.wanted and codes and text else text
