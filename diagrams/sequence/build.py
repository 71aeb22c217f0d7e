"""A boot as a sequence diagram without a format: its rows become items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from diagrams.sequence.fold import Row, fold_for_picture, shown_notes
from diagrams.sequence.model import ERROR, LANE, Diagram, Item, diagram, opened
from diagrams.sequence.places import Place, enters_driver, places
from diagrams.text import clock, plural, short_address, shorten, span, times
from diagrams.words import steps
from tracer.model import Request, Step, Value
from tracer.notation.marks import WORTH_TIMING
from tracer.notation.parse import UNAWAITED


def sequence(boot: Request, detail: str = "calls", depth: int | None = None) -> Diagram:
    """Return ``boot`` as a diagram without steps deeper than ``depth``."""
    all_places = places(boot)
    writer = _Writer(all_places, boot.started, detail)
    for chapter in fold_for_picture(boot, all_places, detail, depth):
        writer.chapter(chapter)
    return diagram(*steps.heading(boot), writer.lanes, writer.items)


#: The inside of a row: rows, notes, and runs of SQL.
_Inner = Row | Step | list[Step]


@dataclass(slots=True)
class _Open:
    """A row on the writer's stack: the remaining parts inside it, and how it is closed."""

    inside: Iterator[_Inner]
    lane: int
    closing: Item | None
    service: str


class _Writer:
    """Writes items, row by row, and the lanes in the order of their first use."""

    def __init__(self, all_places: list[Place], began: int, detail: str) -> None:
        self.lanes: dict[str, int] = {}
        self._known: dict[str, int] = {}  # the lanes by the names that steps give them
        self.items: list[Item] = []
        self._began = began
        self._detail = detail
        # Each hypervisor has a lane; the workers of other services share one.
        hosts = {entry.step.host for entry in all_places if entry.step.service == "compute"}
        self._by_host = len(hosts - {""}) > 1

    def chapter(self, head: Row) -> None:
        """A chapter: its band, and everything inside."""
        step = head.step
        lane = self._lane(step.service, step)
        came = [f"← {short_address(step.opened_by)}"] if step.opened_by else []
        text = f"{shorten(step.service, LANE)}: {head.text}"
        inside = self._inside(head)
        if step.kind == "http" or step.text("side") == "client":
            # Its request is an arrow like any other; a sender that was not traced is the client.
            lane = self._lane("client") if step.text("side") == "server" else lane
            inside = [head]
        if inside != [head]:
            came += filter(None, (_failure(step), _quietly(step, head.hidden)))
        self.items.append(self._item("chapter", lane, lane, text, step, " ".join(came)))
        self._run(_Open(iter(inside), lane, self._item("end", lane, lane, "", step, time=step.end), step.service))

    def _run(self, first: _Open) -> None:
        stack = [first]
        while stack:
            top = stack[-1]
            for inner in top.inside:  # from where it was left
                if isinstance(inner, Row):
                    if opened := self._row(inner, top.lane):
                        stack.append(opened)
                        break
                elif isinstance(inner, list):
                    self._sql(inner, top.lane)
                else:
                    self._note(inner, top.lane, top.service)
            else:
                stack.pop()
                if top.closing:
                    self.items.append(top.closing)

    def _row(self, row: Row, around: int) -> _Open | None:
        """Draw a row's beginning; return what is still to come inside."""
        step, inside, hidden, answered = row.step, self._inside(row), row.hidden, row.step
        service = step.service
        source, target = around, self._lane(step.service, step)
        if step.kind == "libvirt":
            target = self._lane("libvirt", step)
        elif step.kind in ("http", "rpc") and step.text("side") == "client":
            source = target
            if step.text("mode") in UNAWAITED:
                return self._cast(row, source, inside)
            far = _far_side(step, inside)
            if far:
                states = [inner for inner in inside if inner is not far]
                target, hidden = self._lane(far.step.service, far.step), hidden + far.hidden
                inside = [*states, *self._inside(far)]
                answered = step if step.error is not None or far.step.error is None else far.step
                service = far.step.service
            elif not row.children:
                target = self._lane(steps.peer(step) or "unknown")
        # Where nothing was recorded of the far side, notes of that time are the caller's.
        untold = source != target and not row.children and step.text("side") == "client"
        leaf = not inside or untold or all(isinstance(inner, Step) and inner.kind == "state" for inner in inside)
        what = "call" if source != target else "self"
        item = self._item(what, source, target, row.text, step, leaf=leaf)
        item.extra = self._extra(row, item, answered, hidden)
        self.items.append(item)
        closing = None if leaf else self._closing(item, answered)
        return _Open(iter(inside), source if untold else target, closing, service) if inside else None

    def _cast(self, row: Row, source: int, inside: Sequence[_Inner]) -> _Open:
        step = row.step
        target = self._lane(steps.peer(step) or "unknown")
        extra = " ".join(
            filter(None, (opened(step.opens), times(row.count).strip(), _failure(step), _quietly(step, row.hidden)))
        )
        item = self._item("cast", source, target, row.text, step, extra, leaf=True)
        self.items.append(item)
        return _Open(iter(inside), source, None, step.service)

    def _extra(self, row: Row, item: Item, answered: Step, hidden: int) -> str:
        step = row.step
        parts = [f"×{row.count}"] if row.count > 1 else []
        if item.what == "self":
            parts += _answer(answered, timed=self._is_timed(step))
        elif item.leaf:
            parts += _answer(answered)
        if hidden or step.end is None:
            parts.append(_quietly(step, hidden))
        return " ".join(parts)

    def _is_timed(self, step: Step) -> bool:
        noteworthy = self._detail == "full" and step.end is not None and step.end - step.start >= WORTH_TIMING
        return noteworthy or step.kind == "command" or enters_driver(step)

    def _closing(self, item: Item, step: Step) -> Item:
        if item.what == "self" or not step.finished:
            return self._item("end", item.target, item.target, "", step, time=step.end)
        return self._item("return", item.target, item.source, " ".join(_answer(step)), step, time=step.end)

    def _inside(self, row: Row) -> Sequence[_Inner]:
        """Yield what is drawn inside a row, in order of time; SQL between two rows is drawn as one."""
        if not row.notes:  # most of them
            children: list[Row] = sorted(row.children, key=_start)
            return children
        drawn: list[Row | Step] = [inner for inner in shown_notes(row.notes, self._detail) if inner.kind != "sql"]
        sql = [] if self._detail in ("story", "brief") else [inner for inner in row.notes if inner.kind == "sql"]
        drawn += row.children
        if row.count > 1 and sql:  # the SQL of several equal steps, together
            return [sql, *sorted(drawn, key=_start)]
        inside: list[_Inner] = []
        run: list[Step] = []
        for inner in sorted([*drawn, *sql], key=_start):
            if isinstance(inner, Row):
                inside.append(inner)
                run = []
            elif inner.kind != "sql":
                inside.append(inner)
            else:
                if not run:
                    inside.append(run)
                run.append(inner)
        return inside

    def _sql(self, run: list[Step], lane: int) -> None:
        tables = Counter(str(table) for statement in run for table in _tables(statement))
        named = ", ".join(list(tables)[:3]) + (" …" if len(tables) > 3 else "")
        verb = run[0].text("verb") or "SQL" if len(run) == 1 else f"{len(run)} SQL"
        failed = next((statement for statement in run if statement.error is not None), None)
        item = self._item("call", lane, self._lane("database"), shorten(f"{verb} {named}".strip(), steps.LABEL), run[0])
        item.leaf = True
        if failed:
            item.mood, item.extra = "failed", _failure(failed)
        self.items.append(item)

    def _note(self, step: Step, lane: int, service: str) -> None:
        if step.kind == "state":
            table = step.text("table")
            text = steps.changes(step) if table in ("", "instances") else steps.note(step)
            self.items.append(self._item("state", lane, lane, shorten(text, 2 * steps.LABEL), step))
        else:
            text = step.text("message") or step.name
            if steps.is_foreign(step, service):
                lane, text = self._lane(step.service, step), f"{clock(step.start)} {text}"
            self.items.append(self._item("note", lane, lane, shorten(text, ERROR), step))

    def _item(
        self, what: str, source: int, target: int, text: str, step: Step, extra: str = "",
        *, leaf: bool = False, time: int | None = None,
    ) -> Item:  # fmt: skip
        since = (step.start if time is None else time) - self._began
        mood = "failed" if step.error is not None else "unfinished" if step.end is None else ""
        return Item(what, source, target, text, extra, short_address(step.address), since, leaf, mood, step.kind)

    def _lane(self, service: str, step: Step | None = None) -> int:
        known = None if self._by_host else self._known.get(service)
        if known is not None:
            return known
        host = step.host if self._by_host and step and step.service == "compute" else ""
        name = f"{service} {host}" if host else service
        if name not in self._known:
            self._known[name] = self.lanes.setdefault(shorten(name, LANE), len(self.lanes))
        return self._known[name]


def _far_side(step: Step, inside: Sequence[_Inner]) -> Row | None:
    """Return the receiving side of a request, if nothing else but states is drawn in it: then both are one arrow."""
    rest = [inner for inner in inside if not (isinstance(inner, Step) and inner.kind == "state")]
    if len(rest) == 1 and isinstance(far := rest[0], Row) and far.step.kind == step.kind:
        return far if far.step.text("side") == "server" else None
    return None


def _start(inner: Row | Step) -> int:
    return inner.step.start if isinstance(inner, Row) else inner.start


def _tables(step: Step) -> list[Value]:
    tables = step.attributes.get("tables")
    return tables if isinstance(tables, list) else []


def _quietly(step: Step, hidden: int) -> str:
    """Return what is not drawn inside a step, and that it is still under way if it is."""
    calls = f"+{plural(hidden, 'call')}" if hidden else ""
    return f"{calls} … unfinished".strip() if step.end is None else calls


def _answer(step: Step, *, timed: bool = True) -> list[str]:
    """Return the parts of an answer: status, error, duration."""
    parts = [shorten(step.text("status"), LANE)] if "status" in step.attributes else []
    if step.error is not None:
        parts.append(_failure(step))
    if timed and step.end is not None:
        parts.append(span(step.end - step.start))
    return parts


def _failure(step: Step) -> str:
    return f"! {shorten(steps.raised(step), ERROR)}" if step.error is not None else ""
