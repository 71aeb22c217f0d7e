"""A boot as the columns of its page: numbers for every step, which the page reads at once.

Every step of the boot is there, at every detail: the page hides and counts, it leaves nothing out.
"""

from __future__ import annotations

from typing import Any

from diagrams.page.critical_path import critical_path
from diagrams.palette import colour
from diagrams.sequence import errors, story, weight
from diagrams.sequence.model import LANE, lane_order
from diagrams.sequence.places import Place, chapter_end, enters_driver, leaves_home, places
from diagrams.text import clean, plain, plural, shorten
from diagrams.words import steps as words_steps
from tracer.model import NUMBERED, Request, Step
from tracer.notation.parse import UNAWAITED

#: The levels from which on a step is shown: services and requests, calls, SQL, everything.
REQUESTS, CALLS, SQL, ALL = 1, 2, 3, 4
#: Bits of a step's ``flags``.
FAILED, UNFINISHED, NOT_AWAITED, FAR, HEAD, HANDLED, STORY = 1, 2, 4, 8, 16, 32, 64
#: The number of rows of the first level, the story: they fit one screen.
_SCREEN = 36
STATE = "instance"


def columns(boot: Request) -> dict[str, Any]:
    """Return the page's data by column; ``model.js`` reads it."""
    return _Columns(boot).data()


class _Table(dict[Any, int]):
    """Values in the order of their first use, each written once."""

    def __missing__(self, key: Any) -> int:
        self[key] = number = len(self)
        return number


class _Columns:
    """Fills the columns, step by step in the tree's order."""

    def __init__(self, boot: Request) -> None:
        self._boot = boot
        self._start = boot.started
        self._places = places(boot)
        self._numbers = {id(entry.step): number for number, entry in enumerate(self._places)}
        self._story, self._handled = _chosen(boot, self._places)
        self._homes: list[words_steps.Home] = []
        for entry in self._places:
            around = self._homes[entry.parent] if entry.parent >= 0 else None
            self._homes.append(words_steps.home(entry.step, around))
        hosts = {step.host for step in boot.walk() if step.service == "compute"}
        self._by_host = len(hosts - {""}) > 1
        self._lanes, self._strings, self._origins, self._kinds = _Table(), _Table(), _Table(), _Table()
        self._rows: list[tuple[int, ...]] = []
        self._addresses: list[int | str] = []
        self._links: dict[int, tuple[list[str], str]] = {}

    def data(self) -> dict[str, Any]:
        """The columns, by name."""
        for chapter in self._boot.chapters:
            self._chapter(chapter)
        names = ("size", "kind", "source", "target", "label", "title", "start", "took", "level", "flags", "origin")
        filled = dict(zip(names, map(list, zip(*self._rows, strict=True)), strict=True)) if self._rows else {}
        lanes = sorted(self._lanes, key=_lane_order)
        moved = {self._lanes[name]: number for number, name in enumerate(lanes)}
        for name in ("source", "target"):
            filled[name] = [moved[lane] for lane in filled.get(name, [])]
        return {
            **{name: filled.get(name, []) for name in names},
            "address": self._addresses, "lanes": lanes, "colours": [colour(lane, n) for n, lane in enumerate(lanes)],
            "kinds": list(self._kinds), "strings": list(self._strings), "origins": list(self._origins),
            "links": self._links, "work": self._work(), "critical": self._critical(), "duration": self._boot.duration,
        }  # fmt: skip

    def _chapter(self, head: Step) -> None:
        stack: list[tuple[Step, Step | None, int]] = [(head, None, 0)]
        sizes = _sizes(head)
        while stack:
            step, parent, ordinal = stack.pop()
            self._step(step, parent, ordinal, sizes[id(step)])
            ordinals = _ordinals(step)
            stack.extend((child, step, ordinals[n]) for n, child in reversed(list(enumerate(step.children))))

    def _step(self, step: Step, parent: Step | None, ordinal: int, size: int) -> None:
        number = len(self._rows)
        source, target = self._ends(step, parent)
        label, title = self._wording(step, parent)
        self._rows.append((
            size, self._kinds[clean(step.kind)], source, target, self._strings[label], self._strings[title],
            step.start - self._start, -1 if step.end is None else step.end - step.start,
            self._level(step, parent), self._flags(step, parent), self._origins[_origin(step)],
        ))  # fmt: skip
        self._addresses.append(_short_address(step, parent, ordinal))
        if step.opens or step.opened_by:
            self._links[number] = (step.opens, step.opened_by)

    def _wording(self, step: Step, parent: Step | None) -> tuple[str, str]:
        """Return its text in the picture and in the outline."""
        if not step.numbered:
            return _noted(step, parent.service if parent else step.service)
        entry = self._places[self._numbers[id(step)]]
        around = self._homes[entry.parent] if entry.parent >= 0 else None
        return words_steps.label(step, around), words_steps.title(step, around)

    def _ends(self, step: Step, parent: Step | None) -> tuple[int, int]:
        """Return the lanes between which it is drawn; the same lane twice for a step within its service."""
        own = self._lane(step)
        if step.kind == "sql":
            return own, self._lanes["database"]
        if step.kind == "state":
            return own, self._lanes[STATE]
        if step.kind == "libvirt":
            return own, self._lanes["libvirt"]
        if step.kind in ("http", "rpc") and step.text("side") == "client":
            far = far_side(step)
            return own, self._lane(far) if far else self._lanes[shorten(words_steps.peer(step) or "unknown", LANE)]
        if step.kind == "http" and step.text("side") == "server" and parent is None:
            return self._lanes["client"], own
        return own, own

    def _lane(self, step: Step) -> int:
        host = f" {step.host}" if self._by_host and step.service == "compute" and step.host else ""
        return self._lanes[shorten(f"{step.service}{host}", LANE)]

    def _level(self, step: Step, parent: Step | None) -> int:
        if step.error is not None or step.kind == "state" or (step.end is None and step.numbered):
            return REQUESTS
        if not step.numbered:
            return {"sql": SQL, "ask": CALLS}.get(step.kind, ALL)
        entry: Place = self._places[self._numbers[id(step)]]
        return REQUESTS if parent is None or leaves_home(entry, self._places) or enters_driver(step) else CALLS

    def _flags(self, step: Step, parent: Step | None) -> int:
        far = parent is not None and far_side(parent) is step
        marks = (
            (FAILED, step.error is not None),
            (UNFINISHED, step.end is None),
            (NOT_AWAITED, step.text("side") == "client" and step.text("mode") in UNAWAITED),
            (FAR, far),
            (HEAD, parent is None),
            (HANDLED, id(step) in self._handled),
            (STORY, id(step) in self._story),
        )
        return sum(bit for bit, holds in marks if holds)

    def _work(self) -> dict[int, int]:
        """Return for each step that opened chapters the nanoseconds until the last step of these ended, if they did."""
        ends = {chapter.address: chapter_end(chapter) for chapter in self._boot.chapters}
        work = {}
        for number, step in enumerate(self._boot.walk()):
            last = [end for address in step.opens if (end := ends.get(address)) is not None]
            if last and len(last) == len(step.opens):
                work[number] = max(*last, step.end or 0) - step.start
        return work

    def _critical(self) -> dict[int, int]:
        """Return the nanoseconds of each step's own time on the critical path."""
        numbers = {id(step): number for number, step in enumerate(self._boot.walk())}
        held: dict[int, int] = {}
        for stretch in critical_path(self._boot):
            number = numbers[id(stretch.step)]
            held[number] = held.get(number, 0) + stretch.end - stretch.start
        return held


def _chosen(boot: Request, all_places: list[Place]) -> tuple[set[int], set[int]]:
    """Return the identities of the steps of the story, and of those whose error was handled."""
    notes = [note for entry in all_places for note in entry.notes if weight.is_shown(note)]
    failures = errors.errors(boot, all_places)
    shown = story.choose(boot, all_places, failures, max(_SCREEN - len(notes), _SCREEN // 2))
    chosen = {id(note) for note in notes}
    for entry, keep in zip(all_places, shown, strict=True):
        if keep:
            chosen.add(id(entry.step))
            # The receiving side shares the row of its sender.
            around = all_places[entry.parent].step if entry.parent >= 0 else None
            if around is not None and far_side(around) is entry.step:
                chosen.add(id(around))
    handled = {id(all_places[index].step) for index in failures.handled}
    handled |= {
        id(note) for entry in all_places for note in entry.notes if note.error is not None and id(entry.step) in handled
    }
    return chosen, handled


def _noted(step: Step, service: str) -> tuple[str, str]:
    """Return a note's text in the picture and in the outline; its time and its error are shown beside it."""
    if step.kind == "sql":
        tables = step.attributes.get("tables")
        named = ", ".join(map(plain, tables)) if isinstance(tables, list) else ""
        text = f"{step.text('verb')} {named}".strip() or " ".join(step.text("statement").split()) or step.name or "SQL"
        rows = step.attributes.get("rows")
        count = f" ({plural(rows, 'row')})" if isinstance(rows, int) and rows >= 0 else ""
        return shorten(text, words_steps.LABEL), shorten(text, words_steps.TITLE) + count
    if step.kind == "state":
        return shorten(words_steps.changes(step), words_steps.NOTE), words_steps.note(step)
    if step.kind in ("log", "ask"):
        return shorten(step.text("message") or step.name, 2 * words_steps.LABEL), words_steps.note_in(step, service)
    return words_steps.note(step), words_steps.note(step)


def far_side(step: Step) -> Step | None:
    """The receiving side inside a request: one arrow shows both."""
    if step.kind not in ("http", "rpc") or step.text("side") != "client":
        return None
    servers = [child for child in step.children if child.kind == step.kind and child.text("side") == "server"]
    return servers[0] if len(servers) == 1 else None


def _sizes(head: Step) -> dict[int, int]:
    """Return the number of steps below each step."""
    sizes: dict[int, int] = {}
    for step in reversed(list(head.walk())):
        sizes[id(step)] = sum(1 + sizes[id(child)] for child in step.children)
    return sizes


def _ordinals(step: Step) -> list[int]:
    """Return the children's ordinals: steps count from 1 up, notes from -1 down."""
    steps = notes = 0
    ordinals = []
    for child in step.children:
        if child.kind in NUMBERED:
            steps += 1
            ordinals.append(steps)
        else:
            notes -= 1
            ordinals.append(notes)
    return ordinals


def _short_address(step: Step, parent: Step | None, ordinal: int) -> int | str:
    """Return the ordinal if the address is the parent's with that ordinal, else the whole address."""
    if parent is None:
        return step.address
    expected = f"{parent.address}-{ordinal}" if ordinal > 0 else f"{parent.address}/{-ordinal}"
    return ordinal if step.address == expected else step.address


def _origin(step: Step) -> tuple[object, ...]:
    return (
        step.service, step.host, step.pid, str(step.thread), step.request_id or "", step.global_request_id or "",
        ", ".join(step.witnesses), words_steps.tied(step),
    )  # fmt: skip


def _lane_order(lane: str) -> tuple[bool, int]:
    return lane == STATE, lane_order(lane)
