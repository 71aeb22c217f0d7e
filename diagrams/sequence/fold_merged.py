"""The part of a merged sequence that is shown at a detail: rows for steps, frames for combined fragments.

Folding hides and counts what it hides, but never a step at which boots part: that is what the picture is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from diagrams.text import often, spread
from diagrams.words import nodes
from diagrams.words.merged import guard
from tracer.model import NUMBERED, Fragment, Merged, MergedStep

#: Kinds of notes that each detail shows; pictures show SQL from ``calls`` on.
_NOTES = {
    "story": frozenset({"state"}),  # as brief: a merged boot has no times of its own to weigh by
    "brief": frozenset({"state"}),
    "calls": frozenset({"state"}),
    "full": frozenset({"state", "sql", "log", "wait"}),
}
#: Kinds of steps that are shown at every detail: those that leave the service, and the commands that it runs.
_OUTWARD = nodes.LEAVING | {"command"}


@dataclass(slots=True)
class Row:
    """A shown step: its repetitions, unless a frame shows them, and the steps shown and hidden inside."""

    step: MergedStep
    low: int = 1
    high: int = 1
    hidden: int = 0
    #: True for a branch that replaces another boot's step; its label is never shortened.
    differs: bool = False
    inside: list[Row | Frame] = field(default_factory=list)

    @property
    def often(self) -> str:
        """Return ``×2–3``, "" for a step that occurs once."""
        return often(self.low, self.high).lstrip()


@dataclass(slots=True)
class Branch:
    """An operand: its guard, "" for none, and its shown parts."""

    guard: str
    inside: list[Row | Frame] = field(default_factory=list)


@dataclass(slots=True)
class Frame:
    """A fragment with shown parts: ``operator`` is opt, alt, loop or par; "" if no frame is needed."""

    operator: str
    branches: list[Branch]
    counts: tuple[int, int] = (1, 1)


@dataclass(slots=True)
class Mark:
    """One event on the way through rows and frames, in their order.

    ``what`` is ``step`` and, after all inside it, ``leave``; ``frame``, ``branch`` for each further one, and ``close``.
    """

    what: str
    row: Row | None = None
    operator: str = ""
    guard: str = ""


@dataclass(slots=True)
class _Place:
    step: MergedStep
    #: Index of the enclosing step, -1 for a chapter's head.
    parent: int
    depth: int
    #: True for the outermost step of a branch that only some boots take, or of parallel steps.
    chosen: bool
    differs: bool


def fold(merged: Merged, detail: str, *, picture: bool = False, depth: int | None = None) -> list[Row | Frame]:
    """The rows and frames of the outline, or of a picture: of calls inside a service only those that lead out of it.

    Nothing deeper than ``depth`` is shown.
    """
    all_places = list(_places(merged))
    shown = [_is_shown(entry, all_places, detail, picture=picture) for entry in all_places]
    if picture and detail == "calls":
        for entry, keep in zip(reversed(all_places), reversed(shown), strict=True):  # children first
            if keep and entry.parent >= 0 and entry.step.kind in NUMBERED:
                shown[entry.parent] = True
    if depth is not None:
        shown = [keep and entry.depth <= depth for entry, keep in zip(all_places, shown, strict=True)]
    return _built(merged, {id(entry.step): entry for entry, keep in zip(all_places, shown, strict=True) if keep})


def deepest(merged: Merged) -> int:
    """Return the depth of the deepest step."""
    return max((entry.depth for entry in _places(merged)), default=0)


def _places(merged: Merged) -> Iterator[_Place]:
    stack: list[tuple[MergedStep | Fragment, int, int, frozenset[str]]]
    stack = [(part, -1, 0, frozenset()) for part in reversed(merged.chapters)]
    number = -1
    while stack:
        part, parent, depth, within = stack.pop()
        if isinstance(part, MergedStep):
            number += 1
            yield _Place(part, parent, depth, not within <= {"loop"}, "alt" in within)
            stack.extend((child, number, depth + 1, frozenset()) for child in reversed(part.children))
        else:
            inside = [inner for operand in part.operands for inner in operand.inside]
            stack.extend((inner, parent, depth, within | {part.operator}) for inner in reversed(inside))


def _is_shown(entry: _Place, all_places: list[_Place], detail: str, *, picture: bool) -> bool:
    step = entry.step
    if step.kind not in NUMBERED:
        drawn = picture and step.kind == "sql" and detail not in ("story", "brief")
        return drawn or step.kind in _NOTES[detail] or bool(step.errors)
    if detail == "full" or (detail == "calls" and not picture):
        return True
    return entry.parent < 0 or step.kind in _OUTWARD or entry.chosen or bool(step.errors) or _enters(entry, all_places)


def _enters(entry: _Place, all_places: list[_Place]) -> bool:
    around = all_places[entry.parent].step
    return nodes.enters_driver(entry.step.text) and not nodes.enters_driver(around.text)


_Inside = list[Row | Frame]


def _built(merged: Merged, shown: dict[int, _Place]) -> _Inside:
    """Build rows for the ``shown`` steps, in their frames; steps inside a hidden step take its position."""
    top = Row(MergedStep("", "", "", frozenset()))
    frames: list[Frame] = []
    stack: list[tuple[MergedStep | Fragment, Row, _Inside, frozenset[int]]]
    everyone = frozenset(range(len(merged.names)))
    stack = [(part, top, top.inside, everyone) for part in reversed(merged.chapters)]
    while stack:
        part, around, into, boots = stack.pop()
        if isinstance(part, Fragment):
            frame = _frame(part, boots, merged)
            frames.append(frame)
            into.append(frame)
            branches = list(zip(part.operands, frame.branches, strict=True))
            stack.extend(
                (inner, around, branch.inside, operand.boots)
                for operand, branch in reversed(branches) for inner in reversed(operand.inside)
            )  # fmt: skip
        elif id(part) in shown:
            row = Row(part, differs=shown[id(part)].differs)
            into.append(row)
            stack.extend((child, row, row.inside, part.boots) for child in reversed(part.children))
        else:
            around.hidden += part.kind in NUMBERED
            stack.extend((child, around, into, part.boots) for child in reversed(part.children))
    for frame in reversed(frames):  # inner ones first
        _tidy(frame)
    return top.inside


def _frame(fragment: Fragment, boots: frozenset[int], merged: Merged) -> Frame:
    """Build a frame; an operand of all ``boots`` that reach the fragment needs no guard."""
    if fragment.operator == "loop":
        low, high = min(fragment.counts.values()), max(fragment.counts.values())
        return Frame("loop", [Branch(f"{spread(low, high)} times")], (low, high))
    whole = fragment.operator == "par"
    guards = ["" if whole and operand.boots == boots else guard(operand.boots, merged) for operand in fragment.operands]
    return Frame(fragment.operator, [Branch(text) for text in guards])


def _tidy(frame: Frame) -> None:
    """Drop branches with nothing to show, and the frame itself if the rest needs none."""
    frame.branches = [branch for branch in frame.branches if _any_row(branch.inside)]
    if len(frame.branches) < 2 and frame.operator in ("par", "alt"):
        # The remaining branch may belong to some boots only.
        frame.operator = "opt" if frame.branches and frame.branches[0].guard else ""
    if frame.operator == "loop" and frame.branches:
        inside = frame.branches[0].inside
        if len(inside) == 1 and isinstance(row := inside[0], Row) and not _any_row(row.inside):
            frame.operator, (row.low, row.high) = "", frame.counts
    if not frame.branches:
        frame.operator = ""


def _any_row(inside: _Inside) -> bool:
    """Return whether anything is shown; inner frames were tidied before."""
    return any(isinstance(inner, Row) or inner.branches for inner in inside)


def unframed(inside: _Inside) -> _Inside:
    """Return the parts without frames that need not be drawn."""
    rows: _Inside = []
    stack = list(reversed(inside))
    while stack:
        top = stack.pop()
        if isinstance(top, Frame) and not top.operator:
            stack.extend(reversed([inner for branch in top.branches for inner in branch.inside]))
        else:
            rows.append(top)
    return rows


def marks(rows: list[Row | Frame]) -> Iterator[Mark]:
    """Yield everything in its order, without recursion."""
    stack: list[Row | Frame | Mark] = list(reversed(rows))
    while stack:
        inner = stack.pop()
        if isinstance(inner, Mark):
            yield inner
        elif isinstance(inner, Row):
            yield Mark("step", inner)
            stack.append(Mark("leave", inner))
            stack.extend(reversed(inner.inside))
        else:
            stack.extend(reversed(list(_framed(inner))))


def _framed(frame: Frame) -> Iterator[Row | Frame | Mark]:
    for number, branch in enumerate(frame.branches):
        if frame.operator:
            yield Mark("branch" if number else "frame", operator=frame.operator, guard=branch.guard)
        yield from branch.inside
    if frame.operator and frame.branches:
        yield Mark("close")
