"""Hand-written outlines: numbered notes on what happens, as people write them or cut them from what ``show`` prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tracer.notation import lines, marks
from tracer.notation.lines import BadLineError, Line

_CONDITION = re.compile(r"(?:if(?: \w+)?|unless):|else\b")
_HIDES = re.compile(r"\+\d+ calls?")
#: Where the tree ends in what ``show`` prints.
_END = "left out, as no part of it:"
_FENCE = "```"


@dataclass(slots=True)
class OutlineStep:
    """A step as somebody wrote it, with what stands under it; ``line`` is where."""

    address: str
    text: str
    conditions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    children: list[OutlineStep] = field(default_factory=list)
    line: int = 0
    service: str = ""
    #: How often it is written to happen; None where nothing is said: then it is once.
    low: int | None = None
    high: int | None = None
    #: A chapter's head: it stands below the step that sends it, where that can be told.
    chapter: bool = False
    #: It says of itself that it hides calls and hand-offs: ``- +12 calls``.
    hides: bool = False

    def walk(self) -> Iterator[OutlineStep]:
        """The step and everything below it, in the order of the tree."""
        stack = [self]
        while stack:
            step = stack.pop()
            yield step
            stack.extend(reversed(step.children))


@dataclass(slots=True)
class Outline:
    """A whole outline: its steps, each chapter below the one that sends it, those that none sends on top."""

    name: str
    steps: list[OutlineStep]

    def walk(self) -> Iterator[OutlineStep]:
        """Every step."""
        for step in self.steps:
            yield from step.walk()


def read(text: str, name: str) -> Outline:
    """The outline; a TracerError names ``name`` and the line that is neither a step nor a note."""
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
    """The lines of the tree: all of a text file, in Markdown those of its blocks of text."""
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
    """Who does it; ``show --detail full`` says the host and the process behind it."""
    return marks.unescaped((line.service or "").partition(" ")[0])


class _Reader:
    """What was read so far."""

    def __init__(self) -> None:
        self.written: list[tuple[OutlineStep, Line]] = []
        self._by_address: dict[str, OutlineStep] = {}
        self._tops: list[tuple[OutlineStep, Line]] = []
        self._above: OutlineStep | None = None

    def add(self, line: Line) -> None:
        """The next line: a step under the nearest written one that its address names, or a note."""
        if line.note:
            self._note(line)
            return
        step = OutlineStep(
            line.address, marks.unescaped(line.words), line=line.number, low=line.marks.low, high=line.marks.high,
            chapter="-" not in line.address, service=_service(line),
        )  # fmt: skip
        if not step.text:
            raise BadLineError(line.number, "nothing is said after the address")
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
        """The step of this address or, where that is not written, the nearest around it."""
        while address and address not in self._by_address:
            address = lines.around(address)
        return self._by_address[address] if address else None

    def steps(self) -> list[OutlineStep]:
        """The steps that nobody sends, every chapter put below the step that does."""
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
        """Where nothing is linked, the last message that nobody waits for ends a chapter and opens the next."""
        openers = {}
        heads = [step for step, _ in self._tops]
        for head, following in pairwise(heads):
            sending = [step for step in head.walk() if step.text.startswith(("rpc.cast()", "rpc.fanout()"))]
            if sending:
                openers[following.address] = sending[-1]
        return openers
