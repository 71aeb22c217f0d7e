"""Two trees overlaid as rows: the style of each step, its marked changes, folds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from diagrams.report.common import look
from diagrams.words.nodes import LEAVING
from tracer.model import Change, Comparison, NormalStep, Pair

#: An added or removed subtree of up to this many steps is shown whole; of a larger one, its top and its requests.
WHOLE = 8
#: The looks by precedence, for a step with several changes.
_LOUDEST = ("added", "removed", "moved", "changed")


@dataclass(slots=True)
class Row:
    """A row of the two trees: a step of one side, or a pair."""

    pair: Pair
    #: Index of the enclosing row, -1 at the top.
    parent: int
    #: "same", "added", "removed", "moved" or "changed".
    look: str = "same"
    #: Numbers of its changes in ``Comparison.changes``.
    changes: list[int] = field(default_factory=list)
    shown: bool = False

    @property
    def node(self) -> NormalStep:
        """Return its step: the new one, else the old one."""
        node = self.pair.new or self.pair.old
        assert node is not None
        return node

    @property
    def one_sided(self) -> bool:
        """Return whether only one of the two boots has it."""
        return self.pair.old is None or self.pair.new is None


def rows(comparison: Comparison, severities: Iterable[str]) -> list[Row]:
    """Return all rows, parents before their children; changes of these ``severities`` and their parents are shown."""
    wanted = frozenset(severities)
    numbers = {key(change): number for number, change in reversed(list(enumerate(comparison.changes)))}
    all_rows: list[Row] = []
    stack = [(pair, -1) for pair in reversed(comparison.pairs)]
    while stack:
        pair, parent = stack.pop()
        if pair.old is None and pair.new is None:  # without a step
            stack.extend((child, parent) for child in reversed(pair.children))
            continue
        row = Row(pair, parent)
        stack.extend((child, len(all_rows)) for child in reversed(pair.children))
        row.changes = sorted({numbers[key(change)] for change in pair.changes if key(change) in numbers})
        marked = [
            candidate for candidate in (comparison.changes[n] for n in row.changes) if candidate.severity in wanted
        ]
        row.look, row.shown = _look(marked), bool(marked)
        all_rows.append(row)
    _mark_runs(all_rows)
    _show_added_and_removed(all_rows)
    _show_parents(all_rows)
    return all_rows


def key(change: Change) -> object:
    """Return what distinguishes a change from the others; not its identity, since a policy may have replaced it."""
    return change.class_, change.service, change.old, change.new, change.text


def _look(marked: list[Change]) -> str:
    looks = {look(change) for change in marked}
    return next((candidate for candidate in _LOUDEST if candidate in looks), "same")


def _mark_runs(all_rows: list[Row]) -> None:
    """Give the style of a change to all equal steps added or removed; only one of them has the change."""
    marked = {_run(row) for row in all_rows if row.shown}
    for row in all_rows:
        if row.one_sided and not row.changes and row.look == "same" and _run(row) in marked:
            row.look, row.shown = "added" if row.pair.old is None else "removed", True


def _run(row: Row) -> tuple[int, str, str]:
    return row.parent, row.node.service, row.node.text


def _show_added_and_removed(all_rows: list[Row]) -> None:
    """Show the steps below an added or removed step; of a large subtree only requests to other services."""
    below = [0] * len(all_rows)
    for number in range(len(all_rows) - 1, -1, -1):
        if all_rows[number].parent >= 0:
            below[all_rows[number].parent] += below[number] + 1
    tops: list[int] = []
    for number, row in enumerate(all_rows):
        inside = (
            row.one_sided and row.parent >= 0 and all_rows[row.parent].one_sided and all_rows[row.parent].look != "same"
        )
        if inside and row.look == "same":  # of a subtree added, removed or moved as a whole, only the top has a change
            row.look = all_rows[row.parent].look
        tops.append(tops[row.parent] if inside else number)
        if inside and all_rows[tops[number]].shown:
            row.shown = row.shown or below[tops[number]] <= WHOLE or row.node.kind in LEAVING


def _show_parents(all_rows: list[Row]) -> None:
    for row in reversed(all_rows):  # children first
        if row.shown and row.parent >= 0:
            all_rows[row.parent].shown = True
