"""What stays in place when an order changes: a longest part of it that only rises."""

from __future__ import annotations

from bisect import bisect_right


def longest_rise(order: list[int]) -> set[int]:
    """Places of a longest subsequence that never falls; those that are not in it are the fewest that moved."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int | None] = []
    for place, value in enumerate(order):
        length = bisect_right(tails, value)
        before.append(ends[length - 1] if length else None)
        if length == len(tails):
            tails.append(value)
            ends.append(place)
        else:
            tails[length], ends[length] = value, place
    kept: set[int] = set()
    place_: int | None = ends[-1] if ends else None
    while place_ is not None:
        kept.add(place_)
        place_ = before[place_]
    return kept


def out_of_order(order: list[int]) -> list[int]:
    """The fewest places that have to be taken out so that what is left never falls, in their order."""
    kept = longest_rise(order)
    return [place for place in range(len(order)) if place not in kept]
