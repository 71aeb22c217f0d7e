"""The placing of a diagram's items, from top to bottom: rows, arrows, bars, labels."""

from __future__ import annotations

from diagrams.sequence.model import Item
from diagrams.svg.frames import Frames
from diagrams.svg.geometry import (  # fmt: skip
    AROUND,
    BAND_SIZE,
    BAR,
    BASELINE,
    DEEPEST,
    HEAD,
    INNERMOST,
    LINE,
    MARGIN,
    REPEAT,
    ROW,
    STEP,
    TOP,
    Arrow,
    Bar,
    Label,
    Page,
)
from diagrams.svg.measure import cut, width
from diagrams.svg.paging import rows
from diagrams.text import shorten

#: The distance from a label to the end of its arrow; the room that a row must leave for a state beside it.
_NEAR, _FREE = 5, 10
#: The distance that labels without room beside their arrow may reach to the left of the first lane.
_BEFORE = 24
#: The distance from a bar that continues to the end of its page.
_BAND = rows(Item("chapter", 0, 0, ""))
#: Heads that are due within this many rows are drawn at once.
_DUE = {"chapter": REPEAT // 3, "frame": REPEAT // 12}


def label_width(text: str, extra: str) -> float:
    """Return the width of a label with the text after it."""
    return width(f"{text} {extra}" if extra else text)


def _guarded(guard: str) -> str:
    return f"[{guard}]" if guard else ""


def _named(item: Item) -> str:
    return f"{item.address} {shorten(item.text, AROUND)}".strip()


class Placing:
    """The pages so far, and the open bars with the items that opened them."""

    def __init__(self, xs: list[int], wide: int, *, repeat: bool) -> None:
        self.pages: list[Page] = []
        self._xs = xs
        #: The left and right limits of labels.
        self._first, self._last = xs[0] - _BEFORE, wide - MARGIN
        self._repeat = REPEAT if repeat else 1 << 30
        self._open: list[Bar] = []
        self._around: list[Item] = []
        self._depth = [0] * len(xs)
        #: For each lane the ends of arrows from the left and from the right: at its line, or at its bars.
        self._edges = [(x, x) for x in xs]
        #: Right end of the row above, if a state may be put beside it.
        self._beside: int | None = None
        self._ended = 0
        self._frames = Frames(wide - 2)
        self._start()

    def _start(self) -> None:
        self._page = Page(around=[*map(_named, self._around[:1]), *map(_named, self._around[1:][-INNERMOST:])])
        self.pages.append(self._page)
        self._y = TOP
        self._heads()
        self._beside = None
        for bar in self._open:
            bar.top = self._y

    def _heads(self) -> None:
        self._page.heads.append(self._y)
        self._y += HEAD * ROW
        self._until_heads = self._repeat

    def turn(self, *, last: bool = False) -> None:
        """End the page; open bars continue at the top of the next."""
        self._page.height = self._y + MARGIN
        for bar in self._open:
            self._page.bars.append(Bar(bar.lane, bar.x, bar.top, self._y))
        page, bottom = self._page, self._y
        if not last:
            self._start()
        page.frames += self._frames.turn(bottom, self._y)

    def put(self, item: Item, wide: float, taken: int) -> None:
        """Place an item, whose label is ``wide`` pixels long, on the next rows if it takes some."""
        if item.what == "end":
            self._close(self._y - 2)
        elif item.what == "state" and self._beside is not None and self._beside <= self._state_begins(wide) - _FREE:
            self._state(item, self._y - ROW, self._beside)
        else:
            # Heads that are due soon look better above a chapter's band, or a frame, than a few rows below it.
            if self._until_heads <= _DUE.get(item.what, 0):
                self._heads()
            _PUT[item.what](self, item, wide)
            self._y += taken * ROW
            self._until_heads -= taken
            self._beside = self._ended if item.what in ("call", "self", "cast") else None
            return
        self._beside = None

    def _chapter(self, item: Item, _wide: float) -> None:
        baseline = self._y + (_BAND - 1) * ROW + BASELINE
        room = self._last - MARGIN
        text = cut(f"{item.address}  {item.text}", room, BAND_SIZE, bold=True)
        extra = cut(item.extra, room - width(f"{text} ", BAND_SIZE, bold=True), BAND_SIZE, bold=True)
        self._page.bands.append(Label(0, baseline, text, extra, item.mood))
        self._begin(item, self._y + _BAND * ROW - 2)

    def _frame(self, item: Item, _wide: float) -> None:
        self._frames.begin(item.text, _guarded(item.extra), self._y)
        self._frames.reach(self._xs[item.source], self._xs[item.source])

    def _branch(self, item: Item, _wide: float) -> None:
        self._frames.branch(f"{item.text} {_guarded(item.extra)}".rstrip(), self._y)

    def _close_frame(self, _item: Item, _wide: float) -> None:
        self._page.frames.append(self._frames.close(self._y + 4))

    def _mark(self, item: Item) -> None:
        self._page.gutter.append((self._y + BASELINE, item.address, item.time))

    def _call(self, item: Item, wide: float) -> None:
        look = "sql" if item.kind == "sql" else "leaf" if item.leaf and item.what == "call" else item.what
        self._mark(item)
        self._arrow(item, wide, item.mood or look if item.leaf else look)
        if not item.leaf:
            self._begin(item, self._y + LINE)

    def _return(self, item: Item, wide: float) -> None:
        self._page.gutter.append((self._y + BASELINE, "", item.time))
        self._arrow(item, wide, item.mood or "return")
        self._close(self._y + LINE)

    def _arrow(self, item: Item, wide: float, look: str) -> None:
        rightward = item.target > item.source
        tail = self._edges[item.source][rightward]
        head = self._edges[item.target][not rightward]
        self._page.arrows.append(Arrow(tail, head, self._y + LINE, look))
        self._frames.reach(tail, head)
        self._label(item, tail, wide, look, leftward=not rightward)
        if head > self._ended:
            self._ended = head

    def _self(self, item: Item, wide: float) -> None:
        self._mark(item)
        x = self._edges[item.source][True]
        self._label(item, x if item.leaf else x + STEP, wide, item.mood or "self")
        if not item.leaf:
            self._begin(item, self._y + 3)

    def _lone_state(self, item: Item, _wide: float) -> None:
        self._mark(item)
        self._state(item, self._y, self._edges[item.source][True])

    def _state_begins(self, wide: float) -> float:
        return self._xs[-1] - _NEAR - 3 - wide

    def _state(self, item: Item, y: int, tail: int) -> None:
        """Draw a dot on the last lane, with the text before it: few arrows reach that far."""
        lane = self._xs[-1]
        self._page.arrows.append(Arrow(min(tail, lane), lane, y + LINE, "state"))
        text = cut(item.text, lane - _NEAR - 3 - self._first)
        self._page.labels.append(Label(lane - _NEAR - 3, y + BASELINE, text, "", "state", leftward=True))

    def _note(self, item: Item, wide: float) -> None:
        self._mark(item)
        look = item.kind if item.kind == "ask" else "note"
        self._label(item, self._edges[item.source][True], wide, look)

    def _label(self, item: Item, x: int, wide: float, look: str, *, leftward: bool = False) -> None:
        """Put the label beside the arrow's tail; one that does not fit is moved, and cut at the page's width."""
        text, extra, start = item.text, item.extra, x - _NEAR if leftward else x + _NEAR
        if leftward and start - wide < self._first:
            leftward, start = False, self._first
        if not leftward and start + wide > self._last:
            if wide > self._last - self._first:
                text, extra = self._shortened(text, extra)
                wide = label_width(text, extra)
            start = max(self._first, int(self._last - wide))
        self._ended = start if leftward else int(start + wide)
        self._frames.reach(start - wide if leftward else start, self._ended)
        self._page.labels.append(Label(start, self._y + BASELINE, text, extra, look, leftward))

    def _shortened(self, text: str, extra: str) -> tuple[str, str]:
        room = self._last - self._first
        text = cut(text, room)
        return text, cut(extra, room - width(f"{text} "))

    def _begin(self, item: Item, top: int) -> None:
        lane = item.target
        x = self._xs[lane] - BAR // 2 + min(self._depth[lane], DEEPEST - 1) * STEP
        self._open.append(Bar(lane, x, top, top))
        self._around.append(item)
        self._deeper(lane, 1)

    def _close(self, bottom: int) -> None:
        bar = self._open.pop()
        self._around.pop()
        self._deeper(bar.lane, -1)
        self._page.bars.append(Bar(bar.lane, bar.x, bar.top, max(bottom, bar.top + 2)))

    def _deeper(self, lane: int, by: int) -> None:
        self._depth[lane] += by
        x, right = self._xs[lane], BAR // 2 + (min(self._depth[lane], DEEPEST) - 1) * STEP
        self._edges[lane] = (x - BAR // 2, x + right) if self._depth[lane] else (x, x)


_PUT = {
    "chapter": Placing._chapter,
    "call": Placing._call,
    "cast": Placing._call,
    "return": Placing._return,
    "self": Placing._self,
    "state": Placing._lone_state,
    "note": Placing._note,
    "frame": Placing._frame,
    "branch": Placing._branch,
    "close": Placing._close_frame,
}
