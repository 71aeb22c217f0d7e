"""The positions of the lanes: room for their labels on the right, within limits."""

from __future__ import annotations

from itertools import accumulate, pairwise

from diagrams.sequence.model import Diagram
from diagrams.svg.geometry import STATE
from diagrams.svg.measure import width

#: From one lane to the next.
CLOSEST, FARTHEST = 76, 150
#: The addition on a wide page.
SPREAD = 80
#: Between the heads of two lanes, and to the right of the last lane's.
APART, RIGHT = 10, 14
#: The most that is added at the right for labels of the last lanes: they stand beside their arrows, not across them.
BEYOND = 300
#: The margin of a head's box around the name.
FRAME = 5


def head_half(name: str) -> int:
    """Return half of the width of a lane's head."""
    return int(width(name, bold=True) / 2) + FRAME


def columns(diagram: Diagram, widths: list[float], left: int, room: int, *, narrow: bool) -> tuple[list[int], int]:
    """Return the positions of the lanes, from ``left`` on, and the page's right end.

    They fill ``room`` pixels, and more where they need it; where it shall be ``narrow``, only if their heads could not
    be told apart otherwise. ``widths`` are those of the items' labels.
    """
    halves = [head_half(name) for name in diagram.lanes] or [0]
    least = [half + other + APART for half, other in pairwise(halves)]
    gaps = _wanted(diagram, widths, least)
    right = halves[-1] + RIGHT if diagram.lanes[-1:] == [STATE] else FARTHEST
    spare = room - left - right - sum(gaps)
    if gaps and spare > 0:
        gaps = [gap + min(spare // len(gaps), SPREAD) for gap in gaps]
        gaps[-1] += room - left - right - sum(gaps)  # the states' texts are left of their lane
    elif narrow and spare < 0:
        gaps = _closer(gaps, least, -spare)
    places = list(accumulate(gaps, initial=left))
    return places, places[-1] + right + (0 if narrow else _beyond(diagram, widths, places, right))


def _wanted(diagram: Diagram, widths: list[float], least: list[int]) -> list[int]:
    labels: list[list[float]] = [[] for _ in least]
    for item, needed in zip(diagram.items, widths, strict=True):
        if item.source < len(labels) and item.source <= item.target and item.what in ("self", "note", "call", "cast"):
            labels[item.source].append(needed)
    gaps = []
    for widths_here, closest in zip(labels, least, strict=True):
        widths_here.sort()
        usual = widths_here[len(widths_here) * 2 // 3] if widths_here else 0
        gaps.append(int(min(FARTHEST, max(CLOSEST, closest, usual + APART))))
    return gaps


def _closer(gaps: list[int], least: list[int], much: int) -> list[int]:
    """Return the gaps reduced by this much in total, or to their minimum."""
    dispensable = [gap - closest for gap, closest in zip(gaps, least, strict=True)]
    share = min(1.0, much / max(1, sum(dispensable)))
    return [int(gap - share * more) for gap, more in zip(gaps, dispensable, strict=True)]


def _beyond(diagram: Diagram, widths: list[float], places: list[int], right: int) -> int:
    """Return the pixels by which labels of calls and notes on their own lanes exceed the page, within limits."""
    ends = [
        places[item.source] + needed + CLOSEST // 2
        for item, needed in zip(diagram.items, widths, strict=True)
        if item.what in ("self", "note") and item.source < len(places)
    ]
    return int(min(BEYOND, max(0, max(ends, default=0) - places[-1] - right)))
