"""The lines of an outline: address or dash, service in brackets, words, marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tracer.errors import TracerError
from tracer.notation import marks
from tracer.notation.marks import Marks
from tracer.text import printable

#: The first line of a baseline, before the format's number.
TITLE = "# bootseq baseline "

_ADDRESSED = re.compile(r"(\d+(?:[-/]\d+)*)(?:…(\d+(?:[-/]\d+)*))?\.(?:\s+|$)")
_SERVICE = re.compile(r"\[([^\]]*)\] ?")


@dataclass(slots=True)
class Line:
    """A line with content: a step or, with ``note``, a note of the step above it or of the step that it names."""

    number: int
    address: str
    note: bool
    service: str | None
    #: Without address, service and marks; still escaped.
    words: str
    marks: Marks
    #: The words with their marks, for notes in which an arrow is a word: ``power_state 0 → 1``.
    full: str = ""


class BadLineError(Exception):
    """An invalid line: its number and the problem."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(problem)
        self.number = number

    def under(self, name: str) -> TracerError:
        """Return the error for the user: ``34.baseline:17: …``."""
        return TracerError(f"{name}:{self.number}: {printable(str(self))}")


def is_baseline(text: str) -> bool:
    """Return whether a text has the title of a baseline, of any version."""
    return first(text)[1].startswith(TITLE.rstrip())


def first(text: str) -> tuple[int, str]:
    """Return the number of the first line that is not blank, and the line; (1, "") for a blank text."""
    lines = ((number, line.strip("\ufeff \t\r")) for number, line in enumerate(text.split("\n"), 1))
    return next(((number, line) for number, line in lines if line), (1, ""))


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are neither blank nor comments, with their numbers."""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip("\ufeff \t\r")
        if line and not line.startswith("#"):
            yield number, line


def parse(number: int, line: str) -> Line | None:
    """Parse a line; return None if it is neither a step nor a note. Raise BadLineError for invalid marks."""
    if match := _ADDRESSED.match(line):
        address, rest = match[1], line[match.end() :]
    elif line.startswith("- "):
        address, rest = "", line[2:].lstrip()
    else:
        return None
    named = _SERVICE.match(rest)
    service = named[1] if named else None
    full = rest[named.end() if named else 0 :]
    try:
        words, parsed_marks = marks.split(full)
    except ValueError as problem:
        raise BadLineError(number, str(problem)) from None
    return Line(number, address, not address or is_note(address), service, words, parsed_marks, full)


def around(address: str) -> str:
    """Return the address of the step around a step or note, "" for a chapter."""
    return address[: max(address.rfind("-"), address.rfind("/"), 0)]


def is_note(address: str) -> bool:
    """Return whether an address is that of a note; below a note, numbered steps have a slash in theirs too."""
    return "/" in address[len(around(address)) :]


def above_notes(address: str) -> str:
    """Return the address of the step whose notes follow this line: its own or, for a note, that of its step."""
    return around(address) if is_note(address) else address
