"""The parts of a drawn page, in pixels, and the measures that all of them share."""

from __future__ import annotations

from dataclasses import dataclass, field

from diagrams.svg.frames import Box

#: A row's height, the text's baseline and the arrow's line inside it.
ROW, BASELINE, LINE = 12, 8, 10
#: Rows of the lanes' heads, and the number of rows after which they are repeated within a page, so that every screen
#: shows them.
HEAD, REPEAT = 2, 60
#: The baselines of title, subtitle and legend; their total height; the foot of a page.
TITLE, SUBTITLE, LEGEND, TOP, FOOT = 20, 35, 47, 50, 20
#: The title and the legend are never cut.
NARROWEST = 1060
MARGIN = 8
#: Font sizes of the title, of a chapter's band, and in the gutter.
TITLE_SIZE, BAND_SIZE, SMALL = 15, 11.5, 9
#: Room for the time in the gutter, and from there to the first lane. Texts in the gutter are not held to their width,
#: which would cost a tenth of the file: there is room for addresses in a font wider by a fifth.
TIMES, GAP, WIDER = 40, 34, 1.2
#: Bars on one lane: their width, and the shift of each further one to the right.
BAR, STEP, DEEPEST = 6, 3, 12
#: In a file with one page, columns are ten screens high and side by side, because librsvg and many viewers reject
#: pictures higher or wider than 32,767.
PAGE, WIDEST = 10_000, 32_767
#: The share of a column that may stay empty for a better break.
SLACK = 0.1
STATE = "instance"
#: Limits for the open steps named at the start of a page: their length, and their number inside the chapter.
AROUND, INNERMOST = 60, 12


@dataclass(slots=True)
class Bar:
    """The bar of a step that runs on a lane."""

    lane: int
    x: int
    top: int
    bottom: int


@dataclass(slots=True)
class Arrow:
    """An arrow from ``tail`` to ``head``; ``look`` is call, leaf, cast, sql, state, return, failed or unfinished."""

    tail: int
    head: int
    y: int
    look: str


@dataclass(slots=True)
class Label:
    """A text with a quieter one after it; ``y`` is its baseline."""

    x: int
    y: int
    text: str
    extra: str
    look: str
    leftward: bool = False


@dataclass(slots=True)
class Page:
    """A page with heads of its own."""

    #: The end of its drawing.
    height: int = 0
    #: The open steps at its start: the chapter, then the innermost inside it; none on the first page.
    around: list[str] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    bands: list[Label] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    #: The gutter: baseline, address, nanoseconds since the start or, in a diagram of several boots, None.
    gutter: list[tuple[int, str, int | None]] = field(default_factory=list)
    frames: list[Box] = field(default_factory=list)
