"""What of a merged sequence is shown at which detail: rows for steps, frames for combined fragments.

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
    "brief": frozenset({"state"}),
    "calls": frozenset({"state"}),
    "full": frozenset({"state", "sql", "log"}),
}
#: Kinds of steps that are shown at every detail: those that leave the service, and the commands that it runs.
_OUTWARD = nodes.LEAVING | {"command"}


@dataclass(slots=True)
class Row:
    """A step that is shown; how often it is done in a row, if no frame says so; what is shown and hidden inside."""

    step: MergedStep
    low: int = 1
    high: int = 1
    hidden: int = 0
    #: Whether it is what one boot does in place of what another does: then it says all it knows.
    differs: bool = False
    inside: list[Row | Frame] = field(default_factory=list)

    @property
    def often(self) -> str:
        """``×2–3``, "" for what is done once."""
        return often(self.low, self.high).lstrip()


@dataclass(slots=True)
class Branch:
    """An operand: what its guard says, "" if nothing, and what is shown of it."""

    guard: str
    inside: list[Row | Frame] = field(default_factory=list)


@dataclass(slots=True)
class Frame:
    """A fragment of which something is shown: ``operator`` opt, alt, loop or par; "" where no frame is needed."""

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
    #: Index of the step around it, -1 for a chapter's head.
    parent: int
    depth: int
    #: Whether it is the outermost of what only some boots do, or of what goes side by side.
    chosen: bool
    differs: bool


def fold(merged: Merged, detail: str, *, picture: bool = False, depth: int | None = None) -> list[Row | Frame]:
    """The rows and frames of the outline, or of a picture: of calls inside a service only those that lead out of it.

    Nothing deeper than ``depth`` is shown.
    """
    found = list(_places(merged))
    shown = [_is_shown(place, found, detail, picture=picture) for place in found]
    if picture and detail == "calls":
        for place, keep in zip(reversed(found), reversed(shown), strict=True):  # children first
            if keep and place.parent >= 0 and place.step.kind in NUMBERED:
                shown[place.parent] = True
    if depth is not None:
        shown = [keep and place.depth <= depth for place, keep in zip(found, shown, strict=True)]
    return _built(merged, {id(place.step): place for place, keep in zip(found, shown, strict=True) if keep})


def deepest(merged: Merged) -> int:
    """How deep the deepest step stands."""
    return max((place.depth for place in _places(merged)), default=0)


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


def _is_shown(place: _Place, found: list[_Place], detail: str, *, picture: bool) -> bool:
    step = place.step
    if step.kind not in NUMBERED:
        drawn = picture and step.kind == "sql" and detail != "brief"
        return drawn or step.kind in _NOTES[detail] or bool(step.errors)
    if detail == "full" or (detail == "calls" and not picture):
        return True
    return place.parent < 0 or step.kind in _OUTWARD or place.chosen or bool(step.errors) or _enters(place, found)


def _enters(place: _Place, found: list[_Place]) -> bool:
    around = found[place.parent].step
    return nodes.enters_driver(place.step.text) and not nodes.enters_driver(around.text)


_Inside = list[Row | Frame]


def _built(merged: Merged, kept: dict[int, _Place]) -> _Inside:
    """Rows for the steps that are kept, in their frames; what is inside a hidden step stands where it would stand."""
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
        elif id(part) in kept:
            row = Row(part, differs=kept[id(part)].differs)
            into.append(row)
            stack.extend((child, row, row.inside, part.boots) for child in reversed(part.children))
        else:
            around.hidden += part.kind in NUMBERED
            stack.extend((child, around, into, part.boots) for child in reversed(part.children))
    for frame in reversed(frames):  # inner ones first
        _tidy(frame)
    return top.inside


def _frame(fragment: Fragment, boots: frozenset[int], merged: Merged) -> Frame:
    """``boots`` are those that come to the fragment: who all do something needs no guard."""
    if fragment.operator == "loop":
        low, high = min(fragment.counts.values()), max(fragment.counts.values())
        return Frame("loop", [Branch(f"{spread(low, high)} times")], (low, high))
    whole = fragment.operator == "par"
    guards = ["" if whole and one.boots == boots else guard(one.boots, merged) for one in fragment.operands]
    return Frame(fragment.operator, [Branch(each) for each in guards])


def _tidy(frame: Frame) -> None:
    """Leaves out branches with nothing to show, and the frame itself where what is left needs none."""
    frame.branches = [branch for branch in frame.branches if _any_row(branch.inside)]
    if len(frame.branches) < 2 and frame.operator in ("par", "alt"):
        # The one branch that is left may be of some boots only.
        frame.operator = "opt" if frame.branches and frame.branches[0].guard else ""
    if frame.operator == "loop" and frame.branches:
        inside = frame.branches[0].inside
        if len(inside) == 1 and isinstance(row := inside[0], Row) and not _any_row(row.inside):
            frame.operator, (row.low, row.high) = "", frame.counts
    if not frame.branches:
        frame.operator = ""


def _any_row(inside: _Inside) -> bool:
    """Whether anything is shown; frames further inside are tidy already."""
    return any(isinstance(one, Row) or one.branches for one in inside)


def unframed(inside: _Inside) -> _Inside:
    """The same without frames that need not be drawn."""
    kept: _Inside = []
    stack = list(reversed(inside))
    while stack:
        one = stack.pop()
        if isinstance(one, Frame) and not one.operator:
            stack.extend(reversed([inner for branch in one.branches for inner in branch.inside]))
        else:
            kept.append(one)
    return kept


def marks(rows: list[Row | Frame]) -> Iterator[Mark]:
    """Everything in its order, as deep as it may be."""
    stack: list[Row | Frame | Mark] = list(reversed(rows))
    while stack:
        one = stack.pop()
        if isinstance(one, Mark):
            yield one
        elif isinstance(one, Row):
            yield Mark("step", one)
            stack.append(Mark("leave", one))
            stack.extend(reversed(one.inside))
        else:
            stack.extend(reversed(list(_framed(one))))


def _framed(frame: Frame) -> Iterator[Row | Frame | Mark]:
    for number, branch in enumerate(frame.branches):
        if frame.operator:
            yield Mark("branch" if number else "frame", operator=frame.operator, guard=branch.guard)
        yield from branch.inside
    if frame.operator and frame.branches:
        yield Mark("close")
