"""What of a boot is shown at which detail: a tree of rows, each standing for one step or for several equal ones.

Folding hides, it never renumbers: a row keeps its step and so its address, and counts what it hides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from diagrams import words
from tracer.model import Boot, Step

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
    #: Home of the shown step directly around it (see ``words.home``), so that it can say ``self``.
    around: words.Home = None
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
    if detail == "brief":
        shown = [leaves_home(place, found) or bool(shown_notes(place.step, detail)) for place in found]
    else:
        shown = [True] * len(found)
    rows = build(found, shown, detail)
    if detail != "full":
        merge_equal(rows, words.title)
    return rows


def build(found: list[Place], shown: list[bool], detail: str) -> list[Row]:
    """The rows for those ``found`` that are ``shown``, each under the nearest shown step around it."""
    chapters: list[Row] = []
    holders: list[Row] = []  # for each place the row that shows or hides it
    homes: list[words.Home] = []
    for place, keep in zip(found, shown, strict=True):
        step, parent = place.step, place.parent
        around = homes[parent] if parent >= 0 else None
        homes.append(words.home(step, around))
        if parent >= 0 and not keep:
            holders.append(holders[parent])
            holders[parent].hidden += 1
        else:
            row = Row(step, notes=shown_notes(step, detail))
            holders.append(row)
            if parent < 0:
                chapters.append(row)
            else:
                holders[parent].children.append(row)
                row.caller = found[parent].step.service
                # "self" must refer to the line the reader sees around it.
                row.around = around if shown[parent] else None
        holders[-1].sql.extend(one for one in step.children if one.kind == "sql")
    return chapters


def merge_equal(chapters: list[Row], say: Callable[[Step, words.Home], str]) -> None:
    """Let one row stand for neighbours whose whole subtrees read the same."""
    known: dict[object, int] = {}
    looks: dict[int, int] = {}  # id of a row -> number of its looks
    rows = [row for chapter in chapters for row in chapter.walk()]
    for row in reversed(rows):  # children first
        row.children = _merged(row.children, looks)
        key = (
            say(row.step, row.around), row.step.kind, row.step.service, row.step.error, row.step.finished, row.hidden,
            tuple(words.note(one) for one in row.notes if one.kind != "sql"),
            tuple((looks[id(child)], child.count) for child in row.children),
            row.step.address if row.step.opens else "",
        )  # fmt: skip
        looks[id(row)] = known.setdefault(key, len(known))


def _merged(rows: list[Row], looks: dict[int, int]) -> list[Row]:
    kept: list[Row] = []
    for row in rows:
        if kept and looks[id(kept[-1])] == looks[id(row)]:
            kept[-1].count += 1
            kept[-1].last = row.step.address
            kept[-1].sql.extend(row.sql)
        else:
            kept.append(row)
    return kept
