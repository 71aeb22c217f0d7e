"""The part of a boot's outline that a reader asks for: the tree below one step, or a list of the steps that match."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from diagrams.outline.outline import line, notes
from diagrams.sequence.fold import NOTES, Row, fold
from diagrams.text import clean, plural, shorten, span
from diagrams.words import steps
from tracer.model import NUMBERED, Request, Step


def tree(boot: Request, detail: str, top: str = "", depth: int | None = None, *, timed: bool = False) -> str:
    """Return the lines at ``detail`` of the step with the address ``top``, or of all chapters, and of what is below.

    ``depth`` is the number of levels below; what is deeper is counted. ``timed`` adds durations at any detail.
    """
    lines: list[str] = []
    for row, level in _rows(boot, detail, top):
        if depth is None or level <= depth:
            lines.append(line(row, detail, timed=timed))
            lines += [f"- {text}" for text in notes(row, detail)]
            if level == depth and (hidden := sum(row.step.kind in NUMBERED for row in _below(row))):
                lines.append(f"- +{plural(hidden, 'call')} below")
    return _text(lines)


def _rows(boot: Request, detail: str, top: str) -> Iterator[tuple[Row, int]]:
    """Yield the rows at and below an address with their levels below it."""
    stack = [(chapter, 0) for chapter in reversed(fold(boot, detail))]
    while stack:
        row, level = stack.pop()
        inside = not top or is_below(row.step.address, top)
        if inside:
            yield row, level
        if inside or is_below(top, row.step.address):
            stack.extend((child, level + inside) for child in reversed(row.children))


def _below(row: Row) -> Iterator[Row]:
    return (inner for child in row.children for inner in child.walk())


def is_below(address: str, top: str) -> bool:
    """Return whether an address is ``top``, or that of a step or note below it."""
    return address == top or address.startswith((f"{top}-", f"{top}/"))


def steps_at(boot: Request, detail: str, top: str = "", depth: int | None = None) -> Iterator[Step]:
    """Yield the numbered steps, and the notes that ``detail`` shows, at and below an address, in the tree's order."""
    for step in boot.walk():
        if (step.kind in NUMBERED or step.kind in NOTES[detail] or step.error is not None) and (
            not top or is_below(step.address, top)
        ):
            level = step.address.count("-") - top.count("-") + ("/" in step.address) * (not top)
            if depth is None or level <= depth:
                yield step


def listed(matching: list[Step], chosen: Callable[[Step], bool]) -> str:
    """Return a line for each of the steps that is ``chosen``: address, service, text, time, error."""
    return _text(_line(step) for step in matching if chosen(step))


def _line(step: Step) -> str:
    text = steps.title(step) if step.kind in NUMBERED else steps.note(step)
    took = f" ({span(step.duration)})" if step.duration and step.kind in NUMBERED else ""
    ended = took if step.finished else " … unfinished"
    error = f" ! {steps.error(step)}" if step.error is not None and step.kind in NUMBERED else ""
    return f"{step.address}. [{shorten(step.service, steps.TITLE)}] {text}{ended}{error}"


def _text(lines: Iterator[str] | list[str]) -> str:
    return "".join(f"{clean(text)}\n" for text in lines)
