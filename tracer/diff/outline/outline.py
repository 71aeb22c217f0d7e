"""Hand-written outlines: numbered notes on a boot, written by people or cut from the output of ``show``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tracer.model import lanes
from tracer.notation import lines, marks
from tracer.notation.lines import BadLineError, Line

_CONDITION = re.compile(r"(?:if(?: \w+)?|unless):|else\b")
_HIDES = re.compile(r"\+\d+ calls?")
#: The line after the tree in the output of ``show``.
_END = "left out, as no part of it:"
_FENCE = "```"


@dataclass(slots=True, eq=False)
class OutlineStep:
    """A written step with its notes and children; ``line`` is its number in the file."""

    address: str
    text: str
    conditions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    children: list[OutlineStep] = field(default_factory=list)
    line: int = 0
    service: str = ""
    #: The written range of counts; None, which means once, where the line has none.
    min_count: int | None = None
    max_count: int | None = None
    #: A chapter's head; a child of the step that sends it, where that is known.
    chapter: bool = False
    #: A note says that calls and hand-offs are hidden: ``- +12 calls``.
    hides: bool = False

    def walk(self) -> Iterator[OutlineStep]:
        """Yield the step and everything below it, in the order of the tree."""
        stack = [self]
        while stack:
            step = stack.pop()
            yield step
            stack.extend(reversed(step.children))


@dataclass(slots=True)
class Outline:
    """A whole outline: its steps, chapters below their senders, those without one at the top."""

    name: str
    steps: list[OutlineStep]

    def walk(self) -> Iterator[OutlineStep]:
        """Yield every step."""
        for step in self.steps:
            yield from step.walk()


def read(text: str, name: str) -> Outline:
    """Read an outline; a TracerError names ``name`` and the line that is invalid."""
    reader = _Reader()
    try:
        for number, line in _tree_lines(text):
            parsed = lines.parse(number, line)
            if parsed is None:
                raise BadLineError(
                    number, f"neither a step (1-1-2. …) nor a note (- …) nor a remark (# …): {line[:60]}"
                )
            reader.add(parsed)
        if not reader.written:
            raise BadLineError(1, "no outline: no line starts with an address (1-1-2. …)")
    except BadLineError as bad:
        raise bad.under(name) from None
    return Outline(name, reader.steps())


def _tree_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines of the tree: all of a text file, in Markdown those of its ``text`` blocks."""
    fenced = "\n```text" in f"\n{text}"
    inside = not fenced
    for number, line in lines.numbered(text):
        if fenced and line.startswith(_FENCE):
            inside = not inside and line == "```text"
        elif line == _END:
            return
        elif inside:
            yield number, line


def _service(line: Line) -> str:
    """Return the service of a line, folded, without the host and process of ``show --detail full``."""
    return lanes.family(marks.unescaped((line.service or "").partition(" ")[0]))


class _Reader:
    """The lines read so far."""

    def __init__(self) -> None:
        self.written: list[tuple[OutlineStep, Line]] = []
        self._by_address: dict[str, OutlineStep] = {}
        self._tops: list[tuple[OutlineStep, Line]] = []
        self._above: OutlineStep | None = None

    def add(self, line: Line) -> None:
        """Add a line: a step below the nearest written step that its address names, or a note."""
        if line.note:
            self._note(line)
            return
        step = OutlineStep(
            line.address, marks.unescaped(line.words), line=line.number,
            min_count=line.marks.min_count, max_count=line.marks.max_count,
            chapter="-" not in line.address, service=_service(line),
        )  # fmt: skip
        if not step.text:
            raise BadLineError(line.number, "the line is empty after its address")
        parent = self._nearest(lines.around(line.address))
        if parent is None:
            self._tops.append((step, line))
        else:
            parent.children.append(step)
        self.written.append((step, line))
        self._by_address[line.address] = self._above = step

    def _note(self, line: Line) -> None:
        step = self._nearest(lines.around(line.address)) if line.address else self._above
        if step is None:
            raise BadLineError(line.number, "a note before the first step")
        self._above = step
        text = marks.unescaped(line.full)
        if _CONDITION.match(text):
            step.conditions.append(text)
        else:
            step.notes.append(text)
            step.hides = step.hides or _HIDES.fullmatch(text) is not None

    def _nearest(self, address: str) -> OutlineStep | None:
        """Return the step of this address or, where that is not written, the nearest around it."""
        while address and address not in self._by_address:
            address = lines.around(address)
        return self._by_address[address] if address else None

    def steps(self) -> list[OutlineStep]:
        """Return the steps without a sender, after appending every chapter to its sender's children."""
        openers = self._openers()
        tops = []
        for step, line in self._tops:
            sender = self._nearest(line.marks.opened_by) or openers.get(step.address.partition("-")[0])
            if sender is None or any(sender is below for below in step.walk()):
                tops.append(step)
            else:
                sender.children.append(step)
        return tops

    def _openers(self) -> dict[str, OutlineStep]:
        openers = {chapter: step for step, line in self.written for chapter in line.marks.opens}
        if openers or any(line.marks.opened_by for _, line in self.written):
            return openers
        return self._guessed()

    def _guessed(self) -> dict[str, OutlineStep]:
        """Return openers for outlines without → and ←: the last cast of a chapter opens the next chapter."""
        openers = {}
        heads = [step for step, _ in self._tops]
        for head, following in pairwise(heads):
            sending = [step for step in head.walk() if step.text.startswith(("rpc.cast()", "rpc.fanout()"))]
            if sending:
                openers[following.address] = sending[-1]
        return openers
