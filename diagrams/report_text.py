"""The report for a terminal: the verdict, then the changes by severity and class, and when there is room both trees."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from diagrams import report_columns
from diagrams.changes import (
    SEVERITIES,
    TEXT,
    about,
    addresses,
    around,
    grouped,
    look,
    rule,
    said,
    sign,
    tally,
    verdict,
    where,
)
from diagrams.paint import Paint
from diagrams.text import clean, shorten
from tracer.model import Change, Comparison

#: From this width on, old and new stand side by side.
WIDE = 120
#: Nothing can be laid out in less.
NARROWEST = 40
#: Where addresses leave less room than this beside them, a change's text stands below.
BESIDE = 56
_INDENT = 4
_NOTHING = "·"
#: What is told one by one unless details are asked for.
_TOLD = ("fail", "warn")


def report(comparison: Comparison, width: int = 80, *, colour: bool = False, details: bool = False) -> str:
    """The comparison in lines of ``width``; ``details`` tells what is noted and ignored one by one too."""
    paint = Paint(colour)
    width = max(width, NARROWEST)
    lines = [paint(verdict(comparison), "fine" if comparison.verdict == "same" else "fail", bold=True)]
    lines += [f"old  {about(comparison.old)}", f"new  {about(comparison.new)}"]
    groups = grouped(comparison.changes)
    told = [severity for severity in groups if details or severity in _TOLD]
    for severity in told:
        lines += _severity(severity, groups[severity], width, paint, details=details)
    if width >= WIDE:
        lines += report_columns.columns(comparison, width, paint, frozenset(told))
    for severity in groups:
        if severity not in told:
            lines += ["", *_counted(severity, groups[severity], width)]
    return "\n".join(lines) + "\n"


def _severity(
    severity: str, classes: dict[str, list[Change]], width: int, paint: Paint, *, details: bool
) -> Iterator[str]:
    changes = [change for ones in classes.values() for change in ones]
    columns = [max(map(len, column)) for column in zip(("old", "new"), *map(addresses, changes), strict=True)]
    yield ""
    yield paint(f"{tally(changes)}", severity, bold=True)
    yield paint(f"{'':{_INDENT}}{'old':{columns[0]}}  new", "quiet")
    for class_, ones in classes.items():
        yield f"  {clean(class_)}"
        for change in ones:
            yield from _change(change, columns, width, paint, details=details)


def _change(change: Change, columns: list[int], width: int, paint: Paint, *, details: bool) -> Iterator[str]:
    places = [f"{one or _NOTHING:{room}}" for one, room in zip(addresses(change), columns, strict=True)]
    indent = _INDENT + sum(columns) + 4
    beside = width - indent >= BESIDE
    margin = indent if beside else _INDENT + 2
    text = _wrapped(f"{_by(change)}{said(change)}", width - margin)
    head = f"  {sign(change)} {'  '.join(places)}"
    yield paint(f"{head}  {text[0]}" if beside else head.rstrip(), look(change))
    for line in text[1:] if beside else text:
        yield paint(" " * margin + line, look(change))
    for line in _further(change, details=details):
        for part in _wrapped(line, width - margin):
            yield paint(" " * margin + part, "quiet")


def _further(change: Change, *, details: bool) -> Iterator[str]:
    at = ", ".join(filter(None, (f"in {around(change)}" if around(change) else "", where(change))))
    if at:
        yield at
    if details:
        steps = {"was": change.old_text, "is": change.new_text}
        if change.old_text != change.new_text:
            yield from (f"{key}: {shorten(text, TEXT)}" for key, text in steps.items() if text and text != change.text)
        if change.rule:
            yield f"rule: {rule(change)}"


def _by(change: Change) -> str:
    return f"[{clean(change.service)}] " if change.service else ""


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 20), break_on_hyphens=False) or [""]


def _counted(severity: str, classes: dict[str, list[Change]], width: int) -> list[str]:
    """``5 noted: 3 slower, 2 logged``."""
    total = sum(map(len, classes.values()))
    each = ", ".join(f"{len(ones)} {clean(class_)}" for class_, ones in classes.items())
    return _wrapped(f"{total} {SEVERITIES.get(severity, clean(severity))}: {each}", width)
