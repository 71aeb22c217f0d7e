"""Lines of a text that were not understood: their count, and the first of them."""

from __future__ import annotations

from pathlib import Path

from tracer import notices

#: The most characters of a line that a warning quotes.
_QUOTED = 80


class SkippedLines:
    """The lines of one text that are neither records nor continue one."""

    def __init__(self) -> None:
        self.count = 0
        self._number = 0
        self._first = ""

    def add(self, number: int, line: bytes) -> None:
        """Count a line with its number, 0 if unknown; empty lines are not counted."""
        text = line[: 4 * _QUOTED].strip()
        if not text:
            return
        self.count += 1
        if self.count == 1 or 0 < number < self._number:
            self._number, self._first = number, text.decode("utf-8", "replace")[:_QUOTED]

    def warning(self, path: Path) -> str:
        """Return the warning about the log at ``path``, which has such lines."""
        return notices.lines_not_understood(str(path), self.count, self._number, self._first).text
