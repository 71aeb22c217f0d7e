"""Where a long picture is parted: at chapters, and inside a long one where little is under way."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate

from diagrams.sequence.model import Item

#: Rows that an item takes. A state may stand beside the row that set it, and then takes none.
ROWS = {"end": 0, "chapter": 2}
#: What no page begins with: it belongs to what is above it.
_LATE = frozenset({"end", "return", "state", "branch", "close"})
#: How much of a page may stay empty for the sake of a better place, and what weighs as much as an empty page: so many
#: steps under way, of which more than some make no difference. A chapter's beginning is worth some of them.
SLACK, EMPTY, DEEP, CHAPTER = 0.5, 4, 8, 4


@dataclass(frozen=True, slots=True)
class Paper:
    """A page's size in pixels, or larger in the same proportion; and as the file says it."""

    width: int
    height: int
    says: tuple[str, str]


PAPERS = {
    "a4": Paper(1123, 794, ("297mm", "210mm")),
    "screen": Paper(1280, 720, ("1280", "720")),
}


def rows(item: Item) -> int:
    """How many rows an item takes at most."""
    return ROWS.get(item.what, 1)


def breaks(items: list[Item], taken: list[int], capacity: int, slack: float = SLACK) -> list[int]:
    """Indexes of the items that a further page begins with; no page holds more than ``capacity`` rows.

    ``taken`` says how many rows each item takes.
    """
    above = [0, *accumulate(taken)]
    depths = _depths(items)
    found: list[int] = []
    start = 0
    while above[-1] - above[start] > capacity:
        start = _break(items, above, depths, start, capacity, slack)
        found.append(start)
    return found


def _depths(items: list[Item]) -> list[int]:
    """How many steps are under way before each item."""
    depths, depth = [], 0
    for item in items:
        depths.append(depth)
        if item.what in ("end", "return", "close"):
            depth -= 1
        elif not item.leaf and item.what in ("call", "self", "chapter", "frame"):
            depth += 1
    return depths


def _break(items: list[Item], above: list[int], depths: list[int], start: int, capacity: int, slack: float) -> int:
    """Where the page that begins with item ``start`` ends, best for the eye."""
    full = above[start] + capacity
    last = max(start + 1, bisect_right(above, full) - 1)
    best, least = last, float("inf")
    for place in range(max(start + 1, bisect_left(above, full - capacity * slack)), last + 1):
        what = items[place].what
        if what not in _LATE and items[place - 1].what != "chapter":
            empty = (full - above[place]) / capacity
            cost = min(depths[place], DEEP) + EMPTY * empty - CHAPTER * (what == "chapter")
            if cost <= least:
                best, least = place, cost
    return best
