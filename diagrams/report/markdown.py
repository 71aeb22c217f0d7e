"""The report as Markdown that fits a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from diagrams.report.common import (
    SEVERITIES,
    SIGNS,
    addresses,
    around,
    boots,
    change_text,
    grouped,
    origin,
    outcomes,
    release,
    sign,
    verdict,
    where,
)
from diagrams.templating import code
from diagrams.text import clean, shorten
from tracer.model import Baseline, Change, Comparison

#: GitHub rejects comments of more than 65,536 characters; the poster may add a heading.
LIMIT = 60_000
#: Maximum length of a side's name, and of a change's text in a comment.
NAME, TEXT = 120, 240
_FOLDED = ("note", "ignore")


def report(comparison: Comparison) -> str:
    """Return the comparison as Markdown; changes that do not fit, the least severe first, are only counted."""
    groups = {severity: _flat(classes) for severity, classes in grouped(comparison.changes).items()}
    head = "\n".join([*_head(comparison), *_summary(comparison.changes)])
    tables = {severity: [_row(change) for change in changes] for severity, changes in groups.items()}
    room = LIMIT - len(head) - sum(len(_section(severity, [""], 10**9)) + 1 for severity in tables)
    sections = []
    for severity, table in tables.items():
        shown = _fitting(table, room)
        # Less severe changes do not take the room of those that did not fit.
        room = room - sum(len(row) + 1 for row in shown) if len(shown) == len(table) else 0
        sections.append(_section(severity, shown, len(table)))
    return "\n".join([head, *sections]) + "\n"


def _flat(classes: dict[str, list[Change]]) -> list[Change]:
    return [change for changes in classes.values() for change in changes]


def _fitting(table: list[str], room: int) -> list[str]:
    lines: list[str] = []
    for row in table:
        room -= len(row) + 1
        if room < 0:
            break
        lines.append(row)
    return lines


def _head(comparison: Comparison) -> Iterator[str]:
    yield f"### Boots compared: {_text(verdict(comparison))}"
    yield from ("", "| | | release | boots | outcome |", "| --- | --- | --- | --- | --- |")
    for name, side in (("old", comparison.old), ("new", comparison.new)):
        yield f"| {name} | {' | '.join(_side(side))} |"


def _side(side: Baseline) -> list[str]:
    known = (shorten(side.name, NAME), release(side), boots(side), outcomes(side))
    return [code(fact) if fact else "" for fact in known]


def _summary(changes: list[Change]) -> Iterator[str]:
    """Return a table of classes by severities, without empty rows and columns."""
    groups = grouped(changes)
    if not groups:
        return
    met = {class_ for classes in groups.values() for class_ in classes}
    classes = [class_ for class_ in SIGNS if class_ in met] + sorted(met - SIGNS.keys())
    yield from ("", f"| | {' | '.join(_severity(name) for name in groups)} |", f"| --- |{' ---: |' * len(groups)}")
    for class_ in classes:
        numbers = [str(len(groups[severity].get(class_, [])) or "") for severity in groups]
        yield f"| {SIGNS.get(class_, '~')} {_text(class_)} | {' | '.join(numbers)} |"


def _section(severity: str, table: list[str], total: int) -> str:
    """Return the changes of one severity; the worse severities are open, the others folded."""
    title = f"{total} {_severity(severity)}"
    opened = severity not in _FOLDED
    lines = ["", f"#### {title}" if opened else f"<details><summary>{title}</summary>", ""]
    if table:
        lines += ["| | old | new | by | what | where |", "| --- | --- | --- | --- | --- | --- |", *table]
    if missing := total - len(table):
        more = f"and {missing} more" if table else f"{missing} of them"
        lines += ["", f"{more}, in the report"]
    return "\n".join(lines if opened else [*lines, "", "</details>"])


def _row(change: Change) -> str:
    old, new = addresses(change)
    inside = f" in {code(shorten(around(change), TEXT))}" if around(change) else ""
    cells = [
        f"{sign(change)} {_text(change.class_)}",
        *(code(cell) if cell else "" for cell in (old, new, shorten(change.service, NAME))),
        f"{code(shorten(change_text(change), TEXT))}{inside}",
        "<br>".join([code(line) for line in (where(change), *origin(change)) if line]),
    ]
    return f"| {' | '.join(cells)} |"


def _severity(severity: str) -> str:
    return SEVERITIES.get(severity) or _text(severity)


def _text(text: str) -> str:
    """Return our own words unchanged, and any other text as code, in which markup has no effect."""
    return text if set(text) <= _OURS else code(clean(text))


_OURS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 :,")
