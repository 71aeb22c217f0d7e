"""What of a boot is shown at which detail: a tree of rows, each standing for one step or for several equal ones.

Folding hides, it never renumbers: a row keeps its step and so its address, and counts what it hides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from diagrams.words import steps
from tracer.model import NUMBERED, Request, Step

#: Puts a step into words, given the home of the shown step directly around it, so that it can say ``self``.
Say = Callable[[Step, steps.Home], str]

DETAILS = ("brief", "calls", "full")

#: Kinds of notes that each detail shows.
_NOTES = {
    "brief": frozenset({"state"}),
    "calls": frozenset({"state", "ask"}),
    "full": frozenset({"state", "ask", "sql", "log"}),
}


@dataclass(slots=True)
class Row:
    """One line of the tree: a step, what was noted in it, and the rows below it."""

    step: Step
    #: The step in words, as the outline or the picture says it.
    text: str
    #: Service of the numbered step around it, "" at a chapter's head.
    caller: str
    #: Every note of the step and of those it hides; ``shown_notes`` chooses.
    notes: list[Step]
    children: list[Row] = field(default_factory=list)
    #: How many numbered steps below it are hidden.
    hidden: int = 0
    #: How many equal neighbours the row stands for, and the address of the last of them.
    count: int = 1
    last: str = ""

    def walk(self) -> Iterator[Row]:
        """The row and everything below it, in the tree's order; as deep as it may be."""
        stack = [self]
        while stack:
            row = stack.pop()
            yield row
            stack.extend(reversed(row.children))


@dataclass(slots=True)
class Place:
    """Where a numbered step stands in the unfolded tree, with its notes."""

    step: Step
    #: Index of the step around it, -1 for a chapter's head.
    parent: int
    depth: int
    notes: list[Step]


def places(boot: Request) -> list[Place]:
    """Every numbered step of ``boot``, parents before their children."""
    found: list[Place] = []
    stack = [(chapter, -1, 0) for chapter in reversed(boot.chapters)]
    while stack:
        step, parent, depth = stack.pop()
        here = len(found)
        notes: list[Step] = []
        found.append(Place(step, parent, depth, notes))
        if not step.children:
            continue
        for child in reversed(_inside(step)):
            if child.kind in NUMBERED:
                stack.append((child, here, depth + 1))
            else:
                notes.append(child)
        notes.reverse()
    return found


def _inside(step: Step) -> list[Step]:
    """What happened in a step; what happened in its notes (a log line in a statement) counts as in the step itself."""
    for child in step.children:
        if child.children and child.kind not in NUMBERED:
            return _laid_open(step)
    return step.children


def _laid_open(step: Step) -> list[Step]:
    inside = []
    stack = step.children[::-1]
    while stack:
        child = stack.pop()
        inside.append(child)
        if child.kind not in NUMBERED:
            stack.extend(reversed(child.children))
    return inside


def enters_driver(step: Step) -> bool:
    """Whether a call enters a virtualisation driver."""
    if step.kind != "call" or not step.text("module").startswith("nova.virt."):
        return False
    return step.text("class").endswith("Driver")


def shown_notes(notes: list[Step], detail: str) -> list[Step]:
    """Those of the ``notes`` that are shown at ``detail``; one with an error always is."""
    kinds = _NOTES[detail]
    return [one for one in notes if one.kind in kinds or one.error is not None] if notes else notes


def leaves_home(place: Place, all_places: list[Place]) -> bool:
    """Whether a step is more than a call inside its service: it goes out, starts a chapter or enters a driver."""
    step = place.step
    if place.parent < 0 or step.kind in ("http", "rpc", "libvirt", "command"):
        return True
    return enters_driver(step) and steps.home(all_places[place.parent].step, None) != steps.home(step, None)


def fold(boot: Request, detail: str) -> list[Row]:
    """The rows of the outline: everything numbered, or at ``brief`` what leaves its service, sets a state or broke."""
    found = places(boot)
    shown = [True] * len(found)
    if detail == "brief":
        shown = [leaves_home(p, found) or _broke(p.step) or bool(shown_notes(p.notes, detail)) for p in found]
    chapters, rows = build(found, shown, steps.title)
    if detail != "full":
        merge_equal(rows, detail)
    return chapters


def fold_for_picture(found: list[Place], detail: str, depth: int | None = None) -> list[Row]:
    """The rows of a picture: of calls inside a service only those that lead out of it, fail, or are asked about.

    A screen holds a hundred messages; the other calls are counted at the step that made them, and drawn at ``full``.
    Nothing deeper than ``depth`` is shown.
    """
    if detail == "full":
        shown = [True] * len(found)
    else:
        shown = [leaves_home(place, found) or _speaks(place, detail) for place in found]
    if detail == "calls":
        _with_what_leads_there(found, shown)
    if depth is not None:
        shown = [keep and place.depth <= depth for place, keep in zip(found, shown, strict=True)]
    chapters, rows = build(found, shown, steps.label)
    merge_equal(rows, detail)
    return chapters


def _speaks(place: Place, detail: str) -> bool:
    """Whether a call must be seen in a picture: its states stand at the side and need no row of their own."""
    return _broke(place.step) or any(one.kind != "state" for one in shown_notes(place.notes, detail))


def _broke(step: Step) -> bool:
    """Whether a step failed or never ended: no detail hides that."""
    return step.error is not None or step.end is None


def _with_what_leads_there(found: list[Place], shown: list[bool]) -> None:
    for place, keep in zip(reversed(found), reversed(shown), strict=True):  # children first
        if keep and place.parent >= 0:
            shown[place.parent] = True


def build(found: list[Place], shown: list[bool], say: Say) -> tuple[list[Row], list[Row]]:
    """Rows for those ``found`` that are ``shown``, under the nearest shown step around them: chapters, and all rows.

    Notes of a hidden step go to the row that hides it.
    """
    chapters: list[Row] = []
    rows: list[Row] = []
    holders: list[Row] = []  # for each place the row that shows or hides it
    homes: list[steps.Home] = []
    for place, keep in zip(found, shown, strict=True):
        step, parent = place.step, place.parent
        around = homes[parent] if parent >= 0 else None
        homes.append(steps.home(step, around) if step.children else None)  # nobody asks for a leaf's
        if parent >= 0 and not keep:
            row = holders[parent]
            row.hidden += 1
            row.notes.extend(place.notes)
            holders.append(row)
            continue
        # "self" must refer to the line that the reader sees around it.
        text = say(step, around if parent >= 0 and shown[parent] else None)
        row = Row(step, text, found[parent].step.service if parent >= 0 else "", place.notes)
        (holders[parent].children if parent >= 0 else chapters).append(row)
        rows.append(row)
        holders.append(row)
    return chapters, rows


def merge_equal(rows: list[Row], detail: str) -> None:
    """Let one row stand for neighbours whose whole subtrees read the same; ``rows`` has parents before children."""
    for row in reversed(rows):
        if len(row.children) > 1:
            row.children = _merged(row.children, detail)


def _merged(rows: list[Row], detail: str) -> list[Row]:
    kept = rows[:1]
    for row in rows[1:]:
        before = kept[-1]
        if before.text == row.text and _alike(before, row, detail):
            before.count += 1
            before.last = row.step.address
            _add_sql(before, row)
        else:
            kept.append(row)
    return kept


def _add_sql(one: Row, other: Row) -> None:
    """Let ``one``, and what is below it, tell the statements of ``other`` too: how many there are may differ."""
    pairs = [(one, other)]
    while pairs:
        one, other = pairs.pop()
        if other.notes:
            one.notes.extend([note for note in other.notes if note.kind == "sql"])
        pairs.extend(zip(one.children, other.children, strict=True))


def _alike(one: Row, other: Row, detail: str) -> bool:
    """Whether two rows read the same, with everything below them; rows below were merged before."""
    pairs = [(one, other)]
    while pairs:
        one, other = pairs.pop()
        if _reads(one, detail) != _reads(other, detail):
            return False
        if [child.count for child in one.children] != [child.count for child in other.children]:
            return False
        pairs.extend(zip(one.children, other.children, strict=True))
    return True


def _reads(row: Row, detail: str) -> object:
    """What two rows must have in common, apart from what is below them, to be shown as one."""
    step = row.step
    notes = [steps.note(note) for note in shown_notes(row.notes, detail) if note.kind != "sql"]
    sender = step.address if step.opens else ""
    return row.text, step.kind, step.service, step.error, step.end is None, row.hidden, notes, sender
