"""Colours for a terminal: escape sequences, if wanted."""

from __future__ import annotations

from dataclasses import dataclass

_COLOURS = {
    "fail": "31", "warn": "33", "note": "36", "ignore": "2", "fine": "32", "quiet": "2",
    "added": "32", "removed": "31", "moved": "34", "changed": "33",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paint:
    """A painter of text by its meaning; without ``wanted`` it changes nothing."""

    wanted: bool

    def __call__(self, text: str, what: str, *, bold: bool = False) -> str:
        """Return the painted text; it must be clean, because the terminal would obey its own escape sequences."""
        codes = ";".join(filter(None, ("1" if bold else "", _COLOURS.get(what, ""))))
        return f"\x1b[{codes}m{text}\x1b[0m" if self.wanted and codes and text else text
