"""The layout of a sequence diagram: coordinates for the SVG, page by page."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diagrams.sequence.model import Diagram, Item
from diagrams.svg.columns import columns
from diagrams.svg.geometry import (  # fmt: skip
    FOOT,
    GAP,
    HEAD,
    MARGIN,
    NARROWEST,
    PAGE,
    REPEAT,
    ROW,
    SLACK,
    SMALL,
    STATE,
    TIMES,
    TOP,
    WIDER,
    Page,
)
from diagrams.svg.measure import width
from diagrams.svg.paging import Paper, breaks, rows
from diagrams.svg.placing import Placing, label_width

#: The number of addresses, those with the most characters, that are measured; the margin covers the others.
_CANDIDATES = 50


@dataclass(slots=True)
class Layout:
    """All pages; ``xs`` are the lanes' positions. Positions and size are the same on every page."""

    lanes: list[str]
    xs: list[int]
    times: int
    width: int
    height: int
    pages: list[Page]


def layout(diagram: Diagram, paper: Paper | None = None) -> Layout:
    """Place everything, on pages of ``paper``'s proportion or, without, in columns that are filled evenly."""
    if any(item.what == "state" for item in diagram.items):
        diagram = replace(diagram, lanes=[*diagram.lanes, STATE])
    widths = [0.0 if item.what == "end" else label_width(item.text, item.extra) for item in diagram.items]
    longest = sorted(dict.fromkeys(item.address for item in diagram.items), key=len)[-_CANDIDATES:]
    times = MARGIN + int(WIDER * max((width(address, SMALL) for address in longest), default=0)) + TIMES
    least = paper.width if paper else NARROWEST
    xs, end = columns(diagram, widths, times + GAP, least, narrow=paper is not None)
    wide = max(least, end)
    high = wide * paper.height // paper.width if paper else 0
    placing = Placing(xs, wide, repeat=not paper)
    taken = [rows(item) for item in diagram.items]
    pages = iter([*_breaks(diagram.items, taken, high), -1])
    turn = next(pages)
    for number, item in enumerate(diagram.items):
        if number == turn:
            placing.turn()
            turn = next(pages)
        placing.put(item, widths[number], taken[number])
    placing.turn(last=True)
    high = high or max(page.height for page in placing.pages)
    return Layout(diagram.lanes, xs[: len(diagram.lanes)], times, wide, high, placing.pages)


def _breaks(items: list[Item], taken: list[int], high: int) -> list[int]:
    if high:
        return breaks(items, taken, (high - TOP - FOOT) // ROW - HEAD)
    total = sum(taken)
    many = -(-(TOP + (total + HEAD * (1 + total // REPEAT)) * ROW) // int(PAGE * (1 - SLACK)))
    return breaks(items, taken, int(total / many / (1 - SLACK / 2)) + 1, SLACK) if many > 1 else []
