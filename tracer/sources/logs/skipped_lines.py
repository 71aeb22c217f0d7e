"""Lines of a text that were not understood: their count, and the first of them."""

from __future__ import annotations

from tracer.text import plural, printable

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
            self._number, self._first = number, printable(text.decode("utf-8", "replace"))[:_QUOTED]

    def warning(self) -> str:
        """Return the warning that quotes the first line, "" without any."""
        if not self.count:
            return ""
        where = f" at line {self._number:,}" if self._number else ""
        return f"{plural(self.count, 'line')} not understood, the first{where}: '{self._first}'"
