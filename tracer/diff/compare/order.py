"""The fewest moves that explain a changed order, by a longest rising subsequence."""

from __future__ import annotations

from bisect import bisect_right


def longest_rise(order: list[int]) -> set[int]:
    """Return the indexes of a longest subsequence that never falls; the others are the fewest that moved."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int | None] = []
    for index, value in enumerate(order):
        length = bisect_right(tails, value)
        before.append(ends[length - 1] if length else None)
        if length == len(tails):
            tails.append(value)
            ends.append(index)
        else:
            tails[length], ends[length] = value, index
    rising: set[int] = set()
    last: int | None = ends[-1] if ends else None
    while last is not None:
        rising.add(last)
        last = before[last]
    return rising


def out_of_order(order: list[int]) -> list[int]:
    """Return the fewest indexes, ascending, whose removal leaves an order that never falls."""
    rising = longest_rise(order)
    return [index for index in range(len(order)) if index not in rising]
