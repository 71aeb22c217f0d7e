"""The report for a terminal: the verdict, the changes by severity and class, and on wide terminals both trees."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from diagrams.report import columns as report_columns_
from diagrams.report.columns import Paint
from diagrams.report.common import (
    SEVERITIES,
    TEXT,
    about,
    addresses,
    around,
    change_text,
    grouped,
    look,
    origin,
    rule,
    sign,
    tally,
    verdict,
    where,
)
from diagrams.text import clean, shorten
from tracer.model import Change, Comparison

#: From this width on, old and new are side by side.
WIDE = 120
#: The minimum width.
NARROWEST = 40
#: If addresses leave less room than this, a change's text is placed below them.
BESIDE = 56
#: The maximum number of addresses listed for a change.
PLACES = 6
_INDENT = 4
_NOTHING = "·"
#: Severities whose changes are listed one by one even without details.
_TOLD = ("fail", "warn")


def report(comparison: Comparison, width: int = 80, *, colour: bool = False, details: bool = False) -> str:
    """Return the comparison in lines of ``width``; ``details`` lists noted and ignored changes one by one too."""
    paint = Paint(colour)
    width = max(width, NARROWEST)
    lines = [paint(verdict(comparison), "fine" if comparison.verdict == "same" else "fail", bold=True)]
    lines += [f"old  {about(comparison.old)}", f"new  {about(comparison.new)}"]
    groups = grouped(comparison.changes)
    listed = [severity for severity in groups if details or severity in _TOLD]
    for severity in listed:
        lines += _severity(severity, groups[severity], width, paint, details=details)
    if width >= WIDE:
        lines += report_columns_.columns(comparison, width, paint, frozenset(listed))
    for severity in groups:
        if severity not in listed:
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
        for alike in _alike(ones, details=details):
            yield from _change(alike, columns, width, paint, details=details)


def _alike(changes: list[Change], *, details: bool) -> Iterable[list[Change]]:
    """Group changes that have the same text at several addresses; with details, each stays by itself."""
    groups: dict[object, list[Change]] = {}
    for number, change in enumerate(changes):
        key = number if details else (change.service, change_text(change), around(change), where(change))
        groups.setdefault(key, []).append(change)
    return groups.values()


def _change(ones: list[Change], columns: list[int], width: int, paint: Paint, *, details: bool) -> Iterator[str]:
    change, heads = ones[0], [_head(occurrence, columns) for occurrence in ones[:PLACES]]
    beside = len(ones) == 1 and width - len(heads[0]) - 2 >= BESIDE
    margin = len(heads[0]) + 2 if beside else _INDENT + 2
    text = _wrapped(f"{_by(change)}{change_text(change)}", width - margin)
    if beside:
        heads, text = [f"{heads[0]}  {text[0]}"], text[1:]
    elif len(ones) > PLACES:
        heads.append(f"{'':{_INDENT}}and {len(ones) - PLACES} more places")
    for line in (*(head.rstrip() for head in heads), *(" " * margin + line for line in text)):
        yield paint(line, look(change))
    for line in _further(change, details=details):
        for part in _wrapped(line, width - margin):
            yield paint(" " * margin + part, "quiet")


def _head(change: Change, columns: list[int]) -> str:
    places = [f"{address or _NOTHING:{room}}" for address, room in zip(addresses(change), columns, strict=True)]
    return f"  {sign(change)} {'  '.join(places)}"


def _further(change: Change, *, details: bool) -> Iterator[str]:
    position = ", ".join(filter(None, (f"in {around(change)}" if around(change) else "", where(change))))
    if position:
        yield position
    yield from origin(change)
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
    """Return ``5 noted: 3 slower, 2 logged``."""
    total = sum(map(len, classes.values()))
    classes_text = ", ".join(f"{len(ones)} {clean(class_)}" for class_, ones in classes.items())
    return _wrapped(f"{total} {SEVERITIES.get(severity, clean(severity))}: {classes_text}", width)
