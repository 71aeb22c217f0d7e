"""Two trees laid over each other, as rows: how each place looks, which changes are marked at it, what is folded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from diagrams.report.common import look
from diagrams.words.nodes import LEAVING
from tracer.model import Change, Comparison, NormalStep, Pair

#: A subtree that came or went is shown whole up to so many steps; of a larger one, its top and what leaves a service.
WHOLE = 8
#: Of two changes at one place, which one it looks like: what stands first.
_LOUDEST = ("added", "removed", "moved", "changed")


@dataclass(slots=True)
class Row:
    """One place of the two trees."""

    pair: Pair
    #: Index of the row around it, -1 at the top.
    parent: int
    #: "same", "added", "removed", "moved" or "changed".
    look: str = "same"
    #: Numbers of its changes in ``Comparison.changes``.
    changes: list[int] = field(default_factory=list)
    shown: bool = False

    @property
    def node(self) -> NormalStep:
        """The step there: the new one, or the old one where there is no new one."""
        node = self.pair.new or self.pair.old
        assert node is not None
        return node

    @property
    def one_sided(self) -> bool:
        """Whether only one of the two boots has it."""
        return self.pair.old is None or self.pair.new is None


def rows(comparison: Comparison, severities: Iterable[str]) -> list[Row]:
    """Every place, parents before their children; shown are changes of these ``severities`` and what leads to them."""
    wanted = frozenset(severities)
    numbers = {key(change): number for number, change in reversed(list(enumerate(comparison.changes)))}
    found: list[Row] = []
    stack = [(pair, -1) for pair in reversed(comparison.pairs)]
    while stack:
        pair, parent = stack.pop()
        if pair.old is None and pair.new is None:  # no place of its own
            stack.extend((child, parent) for child in reversed(pair.children))
            continue
        row = Row(pair, parent)
        stack.extend((child, len(found)) for child in reversed(pair.children))
        row.changes = sorted({numbers[key(change)] for change in pair.changes if key(change) in numbers})
        marked = [one for one in (comparison.changes[n] for n in row.changes) if one.severity in wanted]
        row.look, row.shown = _look(marked), bool(marked)
        found.append(row)
    _with_the_rest_of_runs(found)
    _with_what_came_or_went(found)
    _with_what_leads_there(found)
    return found


def key(change: Change) -> object:
    """What tells a change from the others. Not its identity: a policy may have made new ones."""
    return change.class_, change.service, change.old, change.new, change.text


def _look(marked: list[Change]) -> str:
    looks = {look(change) for change in marked}
    return next((each for each in _LOUDEST if each in looks), "same")


def _with_the_rest_of_runs(found: list[Row]) -> None:
    """Of several equal steps that came or went, one has the change; the others look like it."""
    marked = {_run(row) for row in found if row.shown}
    for row in found:
        if row.one_sided and not row.changes and row.look == "same" and _run(row) in marked:
            row.look, row.shown = "added" if row.pair.old is None else "removed", True


def _run(row: Row) -> tuple[int, str, str]:
    return row.parent, row.node.service, row.node.text


def _with_what_came_or_went(found: list[Row]) -> None:
    """Shows what lies below a place that came or went and is shown; of much, what leaves its service."""
    below = [0] * len(found)
    for number in range(len(found) - 1, -1, -1):
        if found[number].parent >= 0:
            below[found[number].parent] += below[number] + 1
    tops: list[int] = []
    for number, row in enumerate(found):
        inside = row.one_sided and row.parent >= 0 and found[row.parent].one_sided and found[row.parent].look != "same"
        if inside and row.look == "same":  # of what came, went or moved as a whole, only the top has a change
            row.look = found[row.parent].look
        tops.append(tops[row.parent] if inside else number)
        if inside and found[tops[number]].shown:
            row.shown = row.shown or below[tops[number]] <= WHOLE or row.node.kind in LEAVING


def _with_what_leads_there(found: list[Row]) -> None:
    for row in reversed(found):  # children first
        if row.shown and row.parent >= 0:
            found[row.parent].shown = True
