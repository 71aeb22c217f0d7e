"""What of a boot is shown at which detail: a tree of rows, each standing for one step or for several equal ones.

Folding hides, it never renumbers: a row keeps its step and so its address, and counts what it hides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from diagrams import words
from tracer.model import Boot, Step

#: Puts a step into words, given the home of the shown step directly around it, so that it can say ``self``.
Say = Callable[[Step, words.Home], str]

DETAILS = ("brief", "calls", "full")

#: Kinds of notes that each detail shows.
_NOTES = {
    "brief": frozenset({"state"}),
    "calls": frozenset({"state", "ask"}),
    "full": frozenset({"state", "ask", "sql", "log"}),
}


@dataclass(slots=True)
class Row:
    """One line of the tree: a step, the notes shown with it, and the rows below it."""

    step: Step
    #: The step in words, as the outline or the picture says it.
    text: str
    #: Service of the numbered step around it, "" at a chapter's head.
    caller: str = ""
    notes: list[Step] = field(default_factory=list)
    #: SQL steps that happened in this step or in those it hides, for pictures, which count them.
    sql: list[Step] = field(default_factory=list)
    children: list[Row] = field(default_factory=list)
    #: How many numbered steps below it are hidden.
    hidden: int = 0
    #: How many equal neighbours the row stands for, and the address of the last of them.
    count: int = 1
    last: str = ""
    #: Number of its looks: two rows of one boot that read the same, with all that is below them, have the same.
    looks: int = 0

    def walk(self) -> Iterator[Row]:
        """The row and everything below it, in the tree's order; as deep as it may be."""
        stack = [self]
        while stack:
            row = stack.pop()
            yield row
            stack.extend(reversed(row.children))


@dataclass(slots=True)
class Place:
    """Where a numbered step stands in the unfolded tree."""

    step: Step
    #: Index of the step around it, -1 for a chapter's head.
    parent: int
    depth: int


def places(boot: Boot) -> list[Place]:
    """Every numbered step of ``boot``, parents before their children."""
    found: list[Place] = []
    stack = [(chapter, -1, 0) for chapter in reversed(boot.chapters)]
    while stack:
        step, parent, depth = stack.pop()
        found.append(Place(step, parent, depth))
        here = len(found) - 1
        stack.extend((child, here, depth + 1) for child in reversed(step.children) if child.numbered)
    return found


def is_driver(step: Step) -> bool:
    """Whether a call enters a virtualisation driver."""
    module, cls = step.text("module"), step.text("class")
    return step.kind == "call" and module.startswith("nova.virt.") and cls.endswith("Driver")


def shown_notes(step: Step, detail: str) -> list[Step]:
    """The notes of ``step`` that are shown at ``detail``; one with an error always is."""
    kinds = _NOTES[detail]
    return [one for one in step.children if not one.numbered and (one.kind in kinds or one.error is not None)]


def leaves_home(place: Place, all_places: list[Place]) -> bool:
    """Whether a step is more than a call inside its service: it goes out, starts a chapter or enters a driver."""
    step = place.step
    if place.parent < 0 or step.kind in ("http", "rpc", "libvirt", "command"):
        return True
    return is_driver(step) and words.home(all_places[place.parent].step, None) != words.home(step, None)


def fold(boot: Boot, detail: str) -> list[Row]:
    """The rows of the outline: everything numbered, or at ``brief`` what leaves its service or sets a state."""
    found = places(boot)
    shown = _skeleton(found, detail) if detail == "brief" else [True] * len(found)
    rows = build(found, shown, detail, words.title)
    if detail != "full":
        merge_equal(rows)
    return rows


def fold_for_picture(boot: Boot, detail: str, depth: int | None = None) -> list[Row]:
    """The rows of a picture: as in the outline, but of calls only those that lead to something that leaves the service.

    A screen holds a hundred messages; the calls that stay inside are counted at the step that made them, and drawn at
    ``full``. Nothing deeper than ``depth`` is shown.
    """
    found = places(boot)
    shown = [True] * len(found) if detail == "full" else _skeleton(found, detail)
    if detail == "calls":
        _with_what_leads_there(found, shown)
    if depth is not None:
        shown = [keep and place.depth <= depth for place, keep in zip(found, shown, strict=True)]
    rows = build(found, shown, detail, words.label)
    merge_equal(rows)
    return rows


def _skeleton(found: list[Place], detail: str) -> list[bool]:
    return [
        leaves_home(place, found) or place.step.error is not None or bool(shown_notes(place.step, detail))
        for place in found
    ]


def _with_what_leads_there(found: list[Place], shown: list[bool]) -> None:
    for place, keep in zip(reversed(found), reversed(shown), strict=True):  # children first
        if keep and place.parent >= 0:
            shown[place.parent] = True


def build(found: list[Place], shown: list[bool], detail: str, say: Say) -> list[Row]:
    """The rows for those ``found`` that are ``shown``, each under the nearest shown step around it."""
    chapters: list[Row] = []
    holders: list[Row] = []  # for each place the row that shows or hides it
    homes: list[words.Home] = []
    for place, keep in zip(found, shown, strict=True):
        step, parent = place.step, place.parent
        around = homes[parent] if parent >= 0 else None
        homes.append(words.home(step, around))
        if parent < 0:
            row = Row(step, say(step, None))
            chapters.append(row)
        elif keep:
            # "self" must refer to the line that the reader sees around it.
            row = Row(step, say(step, around if shown[parent] else None), found[parent].step.service)
            holders[parent].children.append(row)
        else:
            row = holders[parent]
            row.hidden += 1
        holders.append(row)
        row.notes.extend(shown_notes(step, detail))
        row.sql.extend(one for one in step.children if one.kind == "sql")
    return chapters


def merge_equal(chapters: list[Row]) -> None:
    """Let one row stand for neighbours whose whole subtrees read the same."""
    known: dict[object, int] = {}
    rows = [row for chapter in chapters for row in chapter.walk()]
    for row in reversed(rows):  # children first
        if len(row.children) > 1:
            row.children = _merged(row.children)
        row.looks = known.setdefault(_reads(row), len(known))


def _reads(row: Row) -> object:
    """What two rows must have in common to be shown as one."""
    step = row.step
    own = (row.text, step.kind, step.service, step.error, step.end is None, row.hidden)
    if not (row.notes or row.children or step.opens):
        return own
    notes = [words.note(one) for one in row.notes if one.kind != "sql"]
    children = [(child.looks, child.count) for child in row.children]
    return (*own, tuple(notes), tuple(children), step.address if step.opens else "")


def _merged(rows: list[Row]) -> list[Row]:
    kept = [rows[0]]
    for row in rows[1:]:
        if kept[-1].looks == row.looks:
            kept[-1].count += 1
            kept[-1].last = row.step.address
            kept[-1].sql.extend(row.sql)
        else:
            kept.append(row)
    return kept
