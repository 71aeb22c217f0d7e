"""Merged boots as one numbered text: branches, loops and parallel steps as indented blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from diagrams.sequence.fold_merged import Frame, Mark, Row, fold, marks
from diagrams.text import by_kind, clean, plural, shorten, span
from diagrams.words.merged import failures, heading, usual_time
from diagrams.words.steps import NOTE, TITLE
from tracer.model import NUMBERED, Merged, MergedStep

_INDENT = "  "
#: The keyword of each operand but the first.
_AGAIN = {"alt": "else", "par": "and"}


def outline(merged: Merged, detail: str = "calls") -> str:
    """Return the whole text: heading and tree."""
    lines = [f"# {line}" for line in (*heading(merged), _counts(merged)) if line]
    return "\n".join([*lines, *tree(merged, fold(merged, detail), detail)]) + "\n"


def _counts(merged: Merged) -> str:
    """Count the steps, and those that are not in every boot."""
    steps = list(merged.walk())
    kinds = Counter(step.kind for step in steps)
    some = Counter(step.kind for step in steps if len(step.boots) < len(merged.names))
    return shorten(by_kind(kinds) + (f"; not in every boot: {by_kind(some)}" if some else ""), NOTE)


def tree(merged: Merged, rows: list[Row | Frame], detail: str) -> list[str]:
    """Yield the lines: addresses show a step's depth, the indent the number of enclosing fragments."""
    lines: list[str] = []
    indent, services, above = 0, [""], ""
    for mark in marks(rows):
        if mark.row is None:
            indent -= mark.what != "frame"
            if mark.what != "close":
                lines.append(_INDENT * indent + _opening(mark))
                indent += 1
            above = ""
        elif mark.what == "leave":
            services.pop()
        else:
            step = mark.row.step
            text = _line(mark.row, services[-1], above, detail)
            lines += [_INDENT * indent + line for line in (text, *_notes(mark.row, merged))]
            services.append(step.service)
            above = step.address if step.kind in NUMBERED else _around(step)
    # Cleaned last: a boot's text may contain anything.
    return [clean(line) for line in lines]


def _opening(mark: Mark) -> str:
    word = mark.operator if mark.what == "frame" else _AGAIN[mark.operator]
    return f"{word} [{mark.guard}]" if mark.guard else word


def _line(row: Row, service: str, above: str, detail: str) -> str:
    step = row.step
    if step.kind not in NUMBERED and _around(step) == above:
        address = "- "
    else:
        address = f"{step.address}. "
    who = "" if step.service == service else f"[{shorten(step.service, TITLE)}] "
    often = f" {row.often}" if row.often else ""
    opens = f" → {', '.join(step.opens)}" if step.opens else ""
    opened = f" ← {step.opened_by}" if step.opened_by else ""
    time = usual_time(step) if detail == "full" else None
    took = f" ~{span(time)}" if time is not None else ""
    return f"{address}{who}{shorten(step.text or step.kind, NOTE)}{often}{opens}{opened}{took}"


def _around(step: MergedStep) -> str:
    """Return the address of the step that a note belongs to."""
    return step.address.rpartition("/")[0]


def _notes(row: Row, merged: Merged) -> Iterator[str]:
    yield from (f"- {failure}" for failure in failures(row.step, merged))
    if row.hidden:
        yield f"- +{plural(row.hidden, 'call')}"
