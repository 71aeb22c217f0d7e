"""Several boots as one sequence diagram without a format: what one boot's has, and frames of combined fragments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagrams.sequence.fold_merged import Frame, Row, fold, unframed
from diagrams.sequence.model import ERROR, Diagram, Item, diagram, opened
from diagrams.text import plural, short_address, shorten, span, spread
from diagrams.words import nodes
from diagrams.words.merged import failures, heading, usual_time
from diagrams.words.steps import LABEL
from tracer.model import Merged
from tracer.notation.parse import parse

#: What begins each operand but the first.
_AGAIN = {"alt": "else", "par": "and"}

#: The inside of a row: rows, frames, and statements that follow each other.
_Inner = Row | Frame | list[Row] | Item


def sequence(merged: Merged, detail: str = "calls", depth: int | None = None) -> Diagram:
    """``merged`` as a diagram; nothing deeper than ``depth`` is drawn. Its items have no time: boots differ in that."""
    writer = _Writer(merged)
    writer.run(fold(merged, detail, picture=True, depth=depth))
    return diagram(*heading(merged), writer.lanes, writer.items, merged=True)


@dataclass(slots=True)
class _Open:
    """A row or frame on the writer's stack: what is still to come inside it, and the lane that this happens on."""

    inside: Iterator[_Inner]
    lane: int


class _Writer:
    """Writes items, row by row, and the lanes in the order of their first use."""

    def __init__(self, merged: Merged) -> None:
        self.lanes: dict[str, int] = {}
        self.items: list[Item] = []
        self._merged = merged

    def run(self, chapters: list[Row | Frame]) -> None:
        """Write everything in its order, without recursion."""
        stack = [_Open(_grouped(chapters), -1)]
        while stack:
            top = stack[-1]
            inner = next(top.inside, None)
            if inner is None:
                stack.pop()
            elif isinstance(inner, Item):
                self.items.append(inner)
            elif isinstance(inner, list):
                self._sql(inner, top.lane)
            elif isinstance(inner, Frame):
                lane = self._lane(nodes.lane(_first(inner).step.service)) if top.lane < 0 else top.lane
                stack.append(_Open(self._frame(inner, lane), top.lane))
            else:
                stack.append(self._chapter(inner) if top.lane < 0 else self._row(inner, top.lane))

    def _frame(self, frame: Frame, lane: int) -> Iterator[_Inner]:
        for number, branch in enumerate(frame.branches):
            word = _AGAIN[frame.operator] if number else frame.operator
            yield Item("branch" if number else "frame", lane, lane, word, branch.guard, time=None)
            yield from _grouped(branch.inside)
        yield Item("close", lane, lane, "", time=None)

    def _chapter(self, head: Row) -> _Open:
        """A chapter: its band, and everything inside."""
        step = head.step
        text = f"{shorten(step.service, nodes.LANE)}: {_label(head)}"
        came = [f"← {short_address(step.opened_by)}"] if step.opened_by else []
        lane = self._lane(nodes.lane(step.service))
        inside: Iterator[_Inner] = _grouped(head.inside)
        if step.kind == "http" or nodes.goes_out(step):
            # Its request is an arrow like any other; a sender that was not traced is the client.
            lane = lane if nodes.goes_out(step) else self._lane("client")
            inside = iter([head])
        else:
            came += [*self._extra(head), *_hidden(head.hidden)]
        self.items.append(self._item("chapter", lane, lane, text, head, " ".join(came)))
        return _Open(_then(inside, Item("end", lane, lane, "", time=None)), lane)

    def _row(self, row: Row, around: int) -> _Open:
        """Draw a row's beginning; return what is still to come inside, with its end."""
        inside, hidden, ended = unframed(row.inside), row.hidden, row
        far = _far_side(row, inside)
        if far:
            inside = [*(inner for inner in inside if inner is not far), *unframed(far.inside)]
            hidden, ended = hidden + far.hidden, row if row.step.errors else far
        what, came_from, goes_to = nodes.between(row.step, far.step if far else None, outermost=False)
        if row.step.kind == "http" and not nodes.goes_out(row.step) and self._name(around) == "client":
            what, came_from = "call", "client"
        if what == "note":
            self._note(row, self._lane(came_from))
            return _Open(_grouped(inside), around)
        source, target = self._lane(came_from), self._lane(goes_to)
        leaf = what == "cast" or all(isinstance(inner, Row) and inner.step.kind == "state" for inner in inside)
        extra = [opened(row.step.opens), row.often, *self._extra(ended), *_hidden(hidden)]
        time = usual_time(row.step)
        if leaf and what == "call" and time is not None:
            extra.append(f"~{span(time)}")
        item = self._item(what, source, target, _label(row), row, " ".join(filter(None, extra)), leaf=leaf)
        self.items.append(item)
        if leaf:
            return _Open(_grouped(inside), source if what == "cast" else target)
        end = Item("end", target, target, "", time=None)
        if what == "call":
            end = Item("return", target, source, f"~{span(time)}" if time is not None else "", time=None)
        return _Open(_then(_grouped(inside), end), target)

    def _sql(self, run: list[Row], lane: int) -> None:
        statements = [parsed for row in run if (parsed := parse(row.step.text)).kind == "sql"]
        listed = (table for parsed in statements for table in parsed.traits.get("tables", "").split(", "))
        tables = list(dict.fromkeys(filter(None, listed)))
        named = ", ".join(tables[:3]) + (" …" if len(tables) > 3 else "")
        low, high = sum(row.low for row in run), sum(row.high for row in run)
        verb = statements[0].name.partition(" ")[0] if high == 1 and statements else f"{spread(low, high)} SQL"
        failed = [failure for row in run for failure in self._extra(row)]
        text = shorten(f"{verb} {named}".strip(), LABEL)
        target = self._lane("database")
        self.items.append(self._item("call", lane, target, text, run[0], " ".join(failed), leaf=True))

    def _note(self, row: Row, lane: int) -> None:
        state = row.step.kind == "state"
        text = row.step.text.removeprefix("instances: ") if state else row.step.text
        extra = " ".join(filter(None, (row.often, *self._extra(row))))
        self.items.append(
            self._item("state" if state else "note", lane, lane, shorten(text, (1 + state) * LABEL), row, extra)
        )

    def _extra(self, row: Row) -> list[str]:
        return [shorten(failure, ERROR) for failure in failures(row.step, self._merged)]

    def _item(
        self, what: str, source: int, target: int, text: str, row: Row, extra: str = "", *, leaf: bool = False
    ) -> Item:
        step = row.step
        mood = "failed" if step.errors and step.errors.keys() == step.boots else ""
        return Item(what, source, target, text, extra, short_address(step.address), None, leaf, mood, step.kind)

    def _lane(self, name: str) -> int:
        return self.lanes.setdefault(name, len(self.lanes))

    def _name(self, lane: int) -> str:
        return list(self.lanes)[lane]


def _grouped(inside: list[Row | Frame]) -> Iterator[_Inner]:
    """Rows and frames, statements that follow each other as one."""
    run: list[Row] = []
    for inner in unframed(inside):
        if isinstance(inner, Row) and inner.step.kind == "sql":
            run.append(inner)
            continue
        if run:
            yield run
            run = []
        yield inner
    if run:
        yield run


def _first(frame: Frame) -> Row:
    """The first row that is shown in a frame; there is one in each."""
    inside: Row | Frame = frame
    while isinstance(inside, Frame):
        inside = next(inner for inner in inside.branches[0].inside if isinstance(inner, Row) or inner.branches)
    return inside


def _then(inside: Iterator[_Inner], end: Item) -> Iterator[_Inner]:
    yield from inside
    yield end


def _far_side(row: Row, inside: list[Row | Frame]) -> Row | None:
    """The receiving side of a request, if nothing but states is drawn beside it: then both are one arrow."""
    drawn = [inner for inner in inside if isinstance(inner, Frame) or inner.step.kind != "state"]
    if len(drawn) == 1 and isinstance(far := drawn[0], Row) and far.high == 1 and nodes.goes_out(row.step):
        return far if far.step.kind == row.step.kind and not nodes.goes_out(far.step) else None
    return None


def _label(row: Row) -> str:
    # What distinguishes branches may be at a text's end.
    say, room = (nodes.label, 2 * LABEL) if row.differs else (nodes.short_label, LABEL)
    return shorten(say(row.step.text) or row.step.kind, room)


def _hidden(hidden: int) -> list[str]:
    return [f"+{plural(hidden, 'call')}"] if hidden else []
