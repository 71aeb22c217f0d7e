"""The page breaks of a long picture: at chapters, and inside a long chapter where few steps are open."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate

from diagrams.sequence.model import Item

#: Rows that an item takes. A state may be beside the row that set it, and then takes none.
ROWS = {"end": 0, "chapter": 2}
#: Items that no page begins with, because they belong to the item above.
_LATE = frozenset({"end", "return", "state", "branch", "close"})
#: The share of a page that may stay empty for a better break; the number of open steps that weighs as much as an empty
#: page, with a maximum; and the number that a chapter's beginning makes up for.
SLACK, EMPTY, DEEP, CHAPTER = 0.5, 4, 8, 4


@dataclass(frozen=True, slots=True)
class Paper:
    """A page's size in pixels, or larger in the same proportion, and the size in the file."""

    width: int
    height: int
    says: tuple[str, str]


PAPERS = {
    "a4": Paper(1123, 794, ("297mm", "210mm")),
    "screen": Paper(1280, 720, ("1280", "720")),
}


def rows(item: Item) -> int:
    """Return the maximum number of rows of an item."""
    return ROWS.get(item.what, 1)


def breaks(items: list[Item], taken: list[int], capacity: int, slack: float = SLACK) -> list[int]:
    """Return the indexes of the items that further pages begin with; no page has more than ``capacity`` rows.

    ``taken`` are the rows of each item.
    """
    above = [0, *accumulate(taken)]
    depths = _depths(items)
    starts: list[int] = []
    start = 0
    while above[-1] - above[start] > capacity:
        start = _break(items, above, depths, start, capacity, slack)
        starts.append(start)
    return starts


def _depths(items: list[Item]) -> list[int]:
    """Return the number of open steps before each item."""
    depths, depth = [], 0
    for item in items:
        depths.append(depth)
        if item.what in ("end", "return", "close"):
            depth -= 1
        elif not item.leaf and item.what in ("call", "self", "chapter", "frame"):
            depth += 1
    return depths


def _break(items: list[Item], above: list[int], depths: list[int], start: int, capacity: int, slack: float) -> int:
    """Return the best item to break before, for the page that begins with item ``start``."""
    full = above[start] + capacity
    last = max(start + 1, bisect_right(above, full) - 1)
    best, least = last, float("inf")
    for index in range(max(start + 1, bisect_left(above, full - capacity * slack)), last + 1):
        what = items[index].what
        if what not in _LATE and items[index - 1].what != "chapter":
            empty = (full - above[index]) / capacity
            cost = min(depths[index], DEEP) + EMPTY * empty - CHAPTER * (what == "chapter")
            if cost <= least:
                best, least = index, cost
    return best
