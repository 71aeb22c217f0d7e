"""The lines of an outline, as they are written: addresses, notes, the service in brackets, the words, the marks."""

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
    """One line that says something: a step, or with ``note`` a note of the step above it or of the one it names."""

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
    """A line that makes no sense: its number and what is wrong with it."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(what)
        self.number = number

    def under(self, name: str) -> TracerError:
        """The same for the user: ``34.baseline:17: …``."""
        return TracerError(f"{name}:{self.number}: {printable(str(self))}")


def is_baseline(text: str) -> bool:
    """Whether a text says of itself that it is a baseline, of whatever version."""
    return first(text)[1].startswith(TITLE.rstrip())


def first(text: str) -> tuple[int, str]:
    """The first line with something on it, and its number."""
    lines = ((number, line.strip("\ufeff \t\r")) for number, line in enumerate(text.split("\n"), 1))
    return next(((number, line) for number, line in lines if line), (1, ""))


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are neither empty nor comments, with their numbers."""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip("\ufeff \t\r")
        if line and not line.startswith("#"):
            yield number, line


def parse(number: int, line: str) -> Line | None:
    """What one line says; None where it is neither a step nor a note."""
    if found := _ADDRESSED.match(line):
        address, rest = found[1], line[found.end() :]
    elif line.startswith("- "):
        address, rest = "", line[2:].lstrip()
    else:
        return None
    named = _SERVICE.match(rest)
    service = named[1] if named else None
    full = rest[named.end() if named else 0 :]
    try:
        words, said = marks.split(full)
    except ValueError as problem:
        raise BadLineError(number, str(problem)) from None
    return Line(number, address, not address or is_note(address), service, words, said, full)


def around(address: str) -> str:
    """The address of the step that a step or note stands in, "" for a chapter."""
    return address[: max(address.rfind("-"), address.rfind("/"), 0)]


def is_note(address: str) -> bool:
    """Whether an address is that of a note; below one, even numbered steps have a slash in theirs."""
    return "/" in address[len(around(address)) :]


def above_notes(address: str) -> str:
    """The address of the step whose notes follow a line with this address: its own, or that of the note's step."""
    return around(address) if is_note(address) else address
