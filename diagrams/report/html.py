"""The report as one page: both boots in one sequence diagram with its changes marked, and a table of all changes.

The page fetches nothing and runs nothing. Its own policy allows its style sheet alone; where a server's policy forbids
even that, picture and table are still there.
"""

from __future__ import annotations

from dataclasses import dataclass

from diagrams.report import overlay_svg
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
    release,
    rule,
    sign,
    verdict,
    where,
)
from diagrams.report.overlay_sequence import Overlay, overlay
from diagrams.templating import digest, templates
from diagrams.text import clean, shorten
from tracer.model import Change, Comparison

#: Severities whose table is closed at first.
_CLOSED = ("ignore",)


@dataclass(frozen=True, slots=True)
class _Row:
    """A change as a row of the table."""

    number: int
    sign: str
    class_: str
    look: str
    old: str
    new: str
    service: str
    text: str
    around: str
    was: str
    now: str
    where: str
    origin: list[str]
    rule: str
    marked: bool


def report(comparison: Comparison) -> str:
    """Return the comparison as a page."""
    picture = overlay(comparison)
    style = templates().get_template("report.css").render()
    return templates().get_template("report.html").render(
        style=style, digest=digest(style), title=_title(comparison), verdict=verdict(comparison),
        same=comparison.verdict == "same", old=about(comparison.old), new=about(comparison.new),
        sections=_sections(comparison, picture), picture=picture,
        marked=any(line.changes for line in picture.lines),
        heads=overlay_svg.heads(picture), body=overlay_svg.body(picture, comparison.changes),
    )  # fmt: skip


def _title(comparison: Comparison) -> str:
    sides = [
        release(side).partition(",")[0] or shorten(side.name, 40) or "?" for side in (comparison.old, comparison.new)
    ]
    return f"Boots compared: {' → '.join(sides)}"


def _sections(comparison: Comparison, picture: Overlay) -> list[tuple[str, bool, list[_Row]]]:
    """Return for each severity its title, whether it is open, and its changes."""
    numbers = {id(change): number for number, change in enumerate(comparison.changes)}
    marked = {number for line in picture.lines for number in line.changes[: overlay_svg.SIGNS_SHOWN]}
    sections = []
    for severity, classes in grouped(comparison.changes).items():
        rows = [_row(numbers[id(member)], member, marked) for ones in classes.values() for member in ones]
        title = f"{len(rows)} {SEVERITIES.get(severity, clean(severity))}"
        sections.append((title, severity not in _CLOSED, rows))
    return sections


def _row(number: int, change: Change, marked: set[int]) -> _Row:
    old, new = addresses(change)
    both = change.old_text and change.new_text and change.old_text != change.new_text
    was, now = (shorten(text, TEXT) if both else "" for text in (change.old_text, change.new_text))
    return _Row(
        number, sign(change), clean(change.class_), look(change), old, new, shorten(change.service, 40),
        change_text(change), around(change), was, now, where(change), origin(change), rule(change),
        number in marked,
    )  # fmt: skip
