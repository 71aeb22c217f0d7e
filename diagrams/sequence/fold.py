"""The part of a boot that is shown at a detail: a tree of rows, each for a step or for several equal ones.

Folding hides, it never renumbers: a row keeps its step and so its address, and counts what it hides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from diagrams.sequence import story
from diagrams.sequence.errors import errors
from diagrams.sequence.places import Place, leaves_home, places
from diagrams.words import steps
from tracer.model import Request, Step

#: Puts a step into words; takes the home of the shown step directly around it too, for ``self``.
Say = Callable[[Step, steps.Home], str]

#: Kinds of notes that each detail shows.
NOTES = {
    "story": frozenset({"state", "ask"}),
    "brief": frozenset({"state"}),
    "calls": frozenset({"state", "ask"}),
    "full": frozenset({"state", "ask", "sql", "log", "wait"}),
}


@dataclass(slots=True)
class Row:
    """One line of the tree: a step, its notes, and the rows below it."""

    step: Step
    #: The step's text in the outline or the picture.
    text: str
    #: Service of the enclosing numbered step, "" at a chapter's head.
    caller: str
    #: Every note of the step and of those it hides; ``shown_notes`` chooses.
    notes: list[Step]
    children: list[Row] = field(default_factory=list)
    #: The number of hidden numbered steps below it.
    hidden: int = 0
    #: The number of equal neighbours that the row represents, and the address of the last of them.
    count: int = 1
    last: str = ""

    def walk(self) -> Iterator[Row]:
        """Yield the row and everything below it, in the tree's order, without recursion."""
        stack = [self]
        while stack:
            row = stack.pop()
            yield row
            stack.extend(reversed(row.children))


def shown_notes(notes: list[Step], detail: str) -> list[Step]:
    """Return the ``notes`` that are shown at ``detail``; one with an error always is."""
    kinds = NOTES[detail]
    return [note for note in notes if note.kind in kinds or note.error is not None] if notes else notes


def fold(boot: Request, detail: str) -> list[Row]:
    """Return the rows of the outline: every numbered step, or at ``brief`` requests, state changes and failures."""
    all_places = places(boot)
    shown = [True] * len(all_places)
    if detail == "story":
        shown = story.choose(boot, all_places, errors(boot, all_places))
    elif detail == "brief":
        shown = [leaves_home(p, all_places) or _broke(p.step) or bool(shown_notes(p.notes, detail)) for p in all_places]
    chapters, rows = build(all_places, shown, steps.title)
    if detail != "full":
        merge_equal(rows, detail)
    return chapters


def fold_for_picture(boot: Request, all_places: list[Place], detail: str, depth: int | None = None) -> list[Row]:
    """The rows of a picture: of calls inside a service only those that lead out of it, fail, or are asked about.

    A screen holds a hundred messages; the other calls are counted at the step that made them, and drawn at ``full``.
    Nothing deeper than ``depth`` is shown.
    """
    if detail == "full":
        shown = [True] * len(all_places)
    elif detail == "story":
        shown = story.choose(boot, all_places, errors(boot, all_places))
    else:
        shown = [leaves_home(entry, all_places) or _speaks(entry, detail) for entry in all_places]
    if detail == "calls":
        _show_parents(all_places, shown)
    if depth is not None:
        shown = [keep and entry.depth <= depth for entry, keep in zip(all_places, shown, strict=True)]
    chapters, rows = build(all_places, shown, steps.label)
    merge_equal(rows, detail)
    return chapters


def _speaks(entry: Place, detail: str) -> bool:
    """Return whether a call needs a row in a picture: states are drawn at the side and need none."""
    return _broke(entry.step) or any(note.kind != "state" for note in shown_notes(entry.notes, detail))


def _broke(step: Step) -> bool:
    """Return whether a step failed or never ended: no detail hides that."""
    return step.error is not None or step.end is None


def _show_parents(all_places: list[Place], shown: list[bool]) -> None:
    for entry, keep in zip(reversed(all_places), reversed(shown), strict=True):  # children first
        if keep and entry.parent >= 0:
            shown[entry.parent] = True


def build(all_places: list[Place], shown: list[bool], say: Say) -> tuple[list[Row], list[Row]]:
    """Build rows for the places that are ``shown``, below the nearest shown step: return chapters, and all rows.

    Notes of a hidden step go to the row that hides it.
    """
    chapters: list[Row] = []
    rows: list[Row] = []
    holders: list[Row] = []  # for each place the row that shows or hides it
    homes: list[steps.Home] = []
    for entry, keep in zip(all_places, shown, strict=True):
        step, parent = entry.step, entry.parent
        around = homes[parent] if parent >= 0 else None
        homes.append(steps.home(step, around) if step.children else None)  # not needed for a leaf
        if parent >= 0 and not keep:
            row = holders[parent]
            row.hidden += 1
            row.notes.extend(entry.notes)
            holders.append(row)
            continue
        # "self" must refer to the line that the reader sees above it.
        text = say(step, around if parent >= 0 and shown[parent] else None)
        row = Row(step, text, all_places[parent].step.service if parent >= 0 else "", entry.notes)
        (holders[parent].children if parent >= 0 else chapters).append(row)
        rows.append(row)
        holders.append(row)
    return chapters, rows


def merge_equal(rows: list[Row], detail: str) -> None:
    """Merge neighbours whose whole subtrees read the same into one row; ``rows`` has parents before children."""
    for row in reversed(rows):
        if len(row.children) > 1:
            row.children = _merged(row.children, detail)


def _merged(rows: list[Row], detail: str) -> list[Row]:
    merged = rows[:1]
    for row in rows[1:]:
        before = merged[-1]
        if before.text == row.text and _alike(before, row, detail):
            before.count += 1
            before.last = row.step.address
            _add_sql(before, row)
        else:
            merged.append(row)
    return merged


def _add_sql(row: Row, other: Row) -> None:
    """Add the statements of ``other`` to ``row``, and those below: their numbers may differ."""
    pairs = [(row, other)]
    while pairs:
        row, other = pairs.pop()
        if other.notes:
            row.notes.extend([note for note in other.notes if note.kind == "sql"])
        pairs.extend(zip(row.children, other.children, strict=True))


def _alike(row: Row, other: Row, detail: str) -> bool:
    """Return whether two rows read the same, with everything below them; rows below were merged before."""
    pairs = [(row, other)]
    while pairs:
        row, other = pairs.pop()
        if _reads(row, detail) != _reads(other, detail):
            return False
        if [child.count for child in row.children] != [child.count for child in other.children]:
            return False
        pairs.extend(zip(row.children, other.children, strict=True))
    return True


def _reads(row: Row, detail: str) -> object:
    """Return the values that two rows must share, apart from the rows below them, to be merged."""
    step = row.step
    notes = [steps.note_in(note, step.service) for note in shown_notes(row.notes, detail) if note.kind != "sql"]
    sender = step.address if step.opens else ""
    return row.text, step.kind, step.service, step.error, step.end is None, row.hidden, notes, sender
