"""Where everything of a sequence diagram goes: coordinates for the SVG, page by page."""

from __future__ import annotations

from dataclasses import dataclass, field

from diagrams.sequence import Diagram, Item

#: A row's height, the text's baseline and the arrow's line inside it.
ROW, BASELINE, LINE = 12, 8, 10
#: Rows that the lanes' heads and a chapter's band take, and after how many rows the heads are repeated: every screen
#: shall have them.
HEAD, BAND, REPEAT = 2, 2, 60
TITLE = 50
#: The title and the legend are never cut.
NARROWEST = 1060
#: Estimated width of a character: no text is measured.
CHAR, MONO = 5.6, 5.5
#: Bars on one lane: their width, and how far each further one is moved to the right.
BAR, STEP, DEEPEST = 6, 3, 12
#: A page's height: ten screens. Pages stand side by side, because librsvg and many viewers refuse a picture that is
#: higher, or wider, than 32,767.
PAGE, WIDEST = 10_000, 32_767
STATE = "instance"


@dataclass(slots=True)
class Bar:
    """An activation: something runs on this lane."""

    lane: int
    x: int
    top: int
    bottom: int


@dataclass(slots=True)
class Arrow:
    """From ``tail`` to ``head``; ``look`` is call, leaf, cast, sql, state, return, failed or unfinished."""

    tail: int
    head: int
    y: int
    look: str


@dataclass(slots=True)
class Label:
    """Text, and what is said more quietly behind it; ``y`` is its baseline."""

    x: int
    y: int
    text: str
    extra: str
    look: str
    leftward: bool = False


@dataclass(slots=True)
class Page:
    """One page: pages stand side by side, each with heads of its own."""

    height: int = 0
    heads: list[int] = field(default_factory=list)
    bands: list[Label] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    #: The gutter: baseline, address, nanoseconds since the start.
    gutter: list[tuple[int, str, int]] = field(default_factory=list)


@dataclass(slots=True)
class Layout:
    """All pages; ``xs`` are the lanes' places, the same on every page."""

    lanes: list[str]
    xs: list[int]
    times: int
    width: int
    pages: list[Page]


def layout(diagram: Diagram) -> Layout:
    """Places everything; pages are filled evenly."""
    lanes = list(diagram.lanes)
    if any(item.what == "state" for item in diagram.items):
        lanes.append(STATE)
    longest = max((len(item.address) for item in diagram.items), default=1)
    times = int(longest * MONO) + 52
    xs = _columns(diagram, lanes, times + 34)
    rows = sum(map(_rows, diagram.items))
    height = TITLE + (rows + HEAD * (1 + rows // REPEAT)) * ROW
    pages = -(-height // PAGE)
    placing = _Placing(xs, rows // pages + 1)
    for item in diagram.items:
        placing.put(item)
    placing.turn(last=True)
    return Layout(lanes, xs, times, max(NARROWEST, placing.right + 16), placing.pages)


def _rows(item: Item) -> int:
    return 0 if item.what == "end" else BAND if item.what == "chapter" else 1


def _columns(diagram: Diagram, lanes: list[str], left: int) -> list[int]:
    """A lane's place: the more its labels need, the more room it has to its right, within limits."""
    widths: list[list[float]] = [[] for _ in lanes]
    for item in diagram.items:
        if item.what in ("self", "note", "call", "cast") and item.source <= item.target:
            widths[item.source].append(len(item.text) * CHAR)
    xs = [left]
    for lane, kept in zip(lanes, widths, strict=True):
        kept.sort()
        usual = kept[len(kept) * 2 // 3] if kept else 0
        xs.append(xs[-1] + int(min(150, max(76, len(lane) * CHAR + 24, usual))))
    return xs[:-1]


class _Placing:
    """Goes down the items, row by row, and keeps the bars that are open."""

    def __init__(self, xs: list[int], rows_a_page: int) -> None:
        self.pages: list[Page] = []
        self.right = max(xs, default=0) + 60
        self._xs = xs
        self._rows_a_page = rows_a_page
        self._open: list[Bar] = []
        self._depth = [0] * len(xs)
        #: Right end of what stands in the row above, if a state may be put beside it.
        self._beside: int | None = None
        self._ended = 0
        self._start()

    def _start(self) -> None:
        self._page = Page()
        self.pages.append(self._page)
        self._rows = 0
        self._y = TITLE
        self._heads()
        self._beside = None
        for bar in self._open:
            bar.top = self._y

    def _heads(self) -> None:
        self._page.heads.append(self._y)
        self._y += HEAD * ROW
        self._until_heads = REPEAT

    def turn(self, *, last: bool = False) -> None:
        """Ends the page; the open bars go on at the top of the next."""
        self._page.height = self._y + 8
        for bar in self._open:
            self._page.bars.append(Bar(bar.lane, bar.x, bar.top, self._y))
        if not last:
            self._start()

    def put(self, item: Item) -> None:
        """Places one item, on the next row if it takes one."""
        if item.what == "end":
            self._close(self._y - 2)
        elif item.what == "state" and self._beside is not None:
            self._state(item, self._y - ROW, self._beside)
        else:
            self._make_room(item)
            _PUT[item.what](self, item)
            self._advance(_rows(item))
            self._beside = self._ended if item.what in ("call", "self", "cast") else None
            return
        self._beside = None

    def _make_room(self, item: Item) -> None:
        # Heads that are due soon rather stand above a chapter's band than a few rows below it.
        due = REPEAT // 3 if item.what == "chapter" else 0
        if self._rows >= self._rows_a_page:
            self.turn()
        elif self._until_heads <= due:
            self._heads()

    def _advance(self, rows: int) -> None:
        self._y += rows * ROW
        self._rows += rows
        self._until_heads -= rows

    def _chapter(self, item: Item) -> None:
        baseline = self._y + (BAND - 1) * ROW + BASELINE
        self._page.bands.append(Label(0, baseline, f"{item.address}  {item.text}", item.extra, "band"))
        self._begin(item.source, self._y + BAND * ROW - 2)

    def _mark(self, item: Item) -> None:
        self._page.gutter.append((self._y + BASELINE, item.address, item.at))

    def _call(self, item: Item) -> None:
        look = "sql" if item.kind == "sql" else "leaf" if item.leaf and item.what == "call" else item.what
        self._mark(item)
        self._arrow(item, item.mood or look if item.leaf else look)
        if not item.leaf:
            self._begin(item.target, self._y + LINE)

    def _return(self, item: Item) -> None:
        self._page.gutter.append((self._y + BASELINE, "", item.at))
        self._arrow(item, item.mood or "return")
        self._close(self._y + LINE)

    def _arrow(self, item: Item, look: str) -> None:
        rightward = item.target > item.source
        tail = self._edge(item.source, rightward)
        head = self._edge(item.target, not rightward)
        self._page.arrows.append(Arrow(tail, head, self._y + LINE, look))
        self._label(item, tail, self._y, look, leftward=not rightward)
        if head > self._ended:
            self._ended = head

    def _self(self, item: Item) -> None:
        self._mark(item)
        x = self._edge(item.source, True)
        self._label(item, x if item.leaf else x + STEP, self._y, item.mood or "self")
        if not item.leaf:
            self._begin(item.source, self._y + 3)

    def _lone_state(self, item: Item) -> None:
        self._mark(item)
        self._state(item, self._y, self._edge(item.source, True))

    def _state(self, item: Item, y: int, tail: int) -> None:
        self._page.arrows.append(Arrow(min(tail, self._xs[-1]), self._xs[-1], y + LINE, "state"))
        self._label(item, self._xs[-1], y, "state")

    def _note(self, item: Item) -> None:
        self._mark(item)
        self._label(item, self._edge(item.source, True), self._y, item.kind if item.kind == "ask" else "note")

    def _label(self, item: Item, x: int, y: int, look: str, *, leftward: bool = False) -> None:
        width = int((len(item.text) + len(item.extra)) * CHAR) + 12
        first = self._xs[0] - 24
        if leftward and x - width < first:  # too long to end at its arrow's tail
            leftward, x = False, first
        self._ended = x if leftward else x + width
        if self._ended > self.right:
            self.right = self._ended
        place = x - 5 if leftward else x + 5
        self._page.labels.append(Label(place, y + BASELINE, item.text, item.extra, look, leftward))

    def _edge(self, lane: int, right: bool) -> int:
        depth = min(self._depth[lane], DEEPEST)
        if not depth:
            return self._xs[lane]
        return self._xs[lane] + BAR // 2 + (depth - 1) * STEP if right else self._xs[lane] - BAR // 2

    def _begin(self, lane: int, top: int) -> None:
        x = self._xs[lane] - BAR // 2 + min(self._depth[lane], DEEPEST - 1) * STEP
        self._open.append(Bar(lane, x, top, top))
        self._depth[lane] += 1

    def _close(self, bottom: int) -> None:
        bar = self._open.pop()
        self._depth[bar.lane] -= 1
        self._page.bars.append(Bar(bar.lane, bar.x, bar.top, max(bottom, bar.top + 2)))


_PUT = {
    "chapter": _Placing._chapter,
    "call": _Placing._call,
    "cast": _Placing._call,
    "return": _Placing._return,
    "self": _Placing._self,
    "state": _Placing._lone_state,
    "note": _Placing._note,
}
