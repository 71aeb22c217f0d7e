"""Two boots in one sequence diagram without a format: lanes, and drawn or folded rows from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass, field

from diagrams.report.common import TEXT, look, short
from diagrams.report.overlay import Row, rows
from diagrams.sequence.model import lane_order
from diagrams.text import often, plural, short_address, shorten
from diagrams.words.nodes import between, goes_out, label, lane
from tracer.model import Change, Comparison

#: Maximum length of a label, and of the text of a change after it.
LABEL, EXTRA = 72, 80
ADDRESS = 20
#: A larger picture shows only the worse changes; if it is still larger, only its beginning.
MOST = 3000
_SEVERITIES = ("fail", "warn", "note")


@dataclass(slots=True)
class Line:
    """One row of the picture: ``what`` is "call", "cast", "self", "note" or "fold"."""

    what: str
    source: str
    target: str
    text: str
    #: The number of following lines inside it, which its bar spans.
    inside: int = 0
    look: str = "same"
    old: str = ""
    new: str = ""
    #: Numbers of its changes in ``Comparison.changes``.
    changes: list[int] = field(default_factory=list)
    #: The full text of its step.
    full: str = ""
    #: Its change, written after the text.
    extra: str = ""


@dataclass(slots=True)
class Overlay:
    """The picture: ``lanes`` from left to right, each with its look; ``idle`` are participants with nothing to draw."""

    lanes: dict[str, str]
    lines: list[Line]
    idle: list[str]
    #: A note on what is missing from the picture, "" if nothing is.
    missing: str = ""


def overlay(comparison: Comparison) -> Overlay:
    """Return the comparison as one diagram."""
    left, missing = len(_SEVERITIES), ""
    while len(lines := _lines(rows(comparison, _SEVERITIES[:left]), comparison.changes)) > MOST and left > 1:
        left -= 1
        missing = f"only changes that {' or '.join(_SEVERITIES[:left])} are marked here"
    if len(lines) > MOST:
        missing = f"the first {MOST} of {len(lines)} rows; the table has all changes"
        lines = lines[:MOST]
    return _with_lanes(comparison, lines, missing)


def _with_lanes(comparison: Comparison, lines: list[Line], missing: str) -> Overlay:
    sides = [{lane(node.service) for node in side.walk()} for side in (comparison.old, comparison.new)]
    drawn = dict.fromkeys(name for line in lines for name in (line.source, line.target))
    met = {True: "added", False: "removed"}
    # Participants that are only called, such as libvirt, are in neither side's services.
    lanes = {
        name: "same" if (name in sides[0]) == (name in sides[1]) else met[name in sides[1]]
        for name in sorted(drawn, key=lane_order)
    }
    idle = sorted((sides[0] | sides[1]) - drawn.keys(), key=lambda name: (lane_order(name), name))
    return Overlay(lanes, lines, idle, missing)


def _lines(all_rows: list[Row], changes: list[Change]) -> list[Line]:
    """Return a line per shown row; hidden rows between two of them share one line."""
    writer = _Writer(all_rows, changes)
    for number, row in enumerate(all_rows):
        if row.shown:
            writer.show(number, row)
        else:
            writer.hide(number, row)
    return writer.finished()


class _Writer:
    """Draws row by row; knows which of the lines are open."""

    def __init__(self, all_rows: list[Row], changes: list[Change]) -> None:
        self._rows = all_rows
        self._changes = changes
        self._lines: list[Line] = []
        #: Shown rows around the current one, with their lines; a far side that is drawn with its request has its line.
        self._open: list[tuple[int, int]] = []
        self._far = _far_sides(all_rows)
        self._hidden: list[Row] = []
        self._around = -1

    def show(self, number: int, row: Row) -> None:
        """Draw a row."""
        self._fold()
        self._close(row.parent)
        if self._open and self._one_with_request(number, row):
            self._open.append((number, self._open[-1][1]))
            return
        self._lines.append(self._line(number, row))
        self._open.append((number, len(self._lines) - 1))

    def hide(self, number: int, row: Row) -> None:
        """Add a row to the current fold."""
        above = row.parent
        while above >= 0 and not self._rows[above].shown:
            above = self._rows[above].parent
        if above == row.parent and above >= 0 and self._one_with_request(number, row):
            return
        if self._hidden and self._hidden[-1].look != row.look:
            self._fold()
        # Rows of several bars are folded together, at the outermost of them; rows above come before those below.
        self._around = min(self._around, above) if self._hidden else above
        self._hidden.append(row)

    def finished(self) -> list[Line]:
        """Return all lines."""
        self._fold()
        self._close(-1)
        return self._lines

    def _close(self, parent: int) -> None:
        """End the bars of all steps that row ``parent`` is not inside of."""
        while self._open and self._open[-1][0] != parent:
            _, line = self._open.pop()
            self._lines[line].inside = len(self._lines) - 1 - line

    def _fold(self) -> None:
        if not self._hidden:
            return
        self._close(self._around)
        first = self._hidden[0]
        here = self._lines[self._open[-1][1]].target if self._open else lane(first.node.service)
        self._lines.append(Line("fold", here, here, _folded(self._hidden), look=first.look))
        self._hidden = []

    def _one_with_request(self, number: int, row: Row) -> bool:
        """Return whether it is the receiving side of a request and adds nothing to the request's arrow."""
        far = self._far.get(row.parent) == number
        return far and not row.changes and row.look in ("same", self._rows[row.parent].look)

    def _line(self, number: int, row: Row) -> Line:
        node = row.node
        far = self._rows[self._far[number]].node if number in self._far else None
        what, source, target = between(node, far, outermost=row.parent < 0)
        count = often(node.min_count, node.max_count)
        old, new = (short_address(side.address, ADDRESS) if side else "" for side in (row.pair.old, row.pair.new))
        text = shorten(label(node.text), LABEL) + count
        line = Line(what, source, target, text, 0, row.look, old, new, row.changes, shorten(node.text, TEXT))
        line.extra = self._extra(row)
        return line

    def _extra(self, row: Row) -> str:
        # The text of an added or removed step is enough.
        changes = [self._changes[number] for number in row.changes]
        return "; ".join(shorten(short(change), EXTRA) for change in changes if look(change) in ("moved", "changed"))


def _far_sides(all_rows: list[Row]) -> dict[int, int]:
    """Return requests with the row of their receiving side: the first child of the same kind that is not a request."""
    far: dict[int, int] = {}
    for number, row in enumerate(all_rows):
        if row.parent >= 0 and row.parent not in far:
            around = all_rows[row.parent].node
            if around.kind == row.node.kind and goes_out(around) and not goes_out(row.node):
                far[row.parent] = number
    return far


def _folded(hidden: list[Row]) -> str:
    steps = plural(len(hidden), "step")
    if hidden[0].look != "same":
        return f"… {len(hidden)} more {hidden[0].look} {steps.split()[1]}"
    ignored = sum(bool(row.changes) for row in hidden)
    if ignored:
        return f"… {steps}, {plural(ignored, 'change')} not marked"
    # Missing on one side as part of a subtree that is not marked.
    return f"… {steps}" if any(row.one_sided for row in hidden) else f"… {len(hidden)} unchanged {steps.split()[1]}"
