"""Edits of a recorded boot that keep its times in order: insert, shift, swap, stretch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from tracer.model import Request, Step

#: Nanoseconds that an invented step takes.
SHORT = 1000

#: A step's position: the list that holds it, and its index.
Position = tuple[list[Step], int]


def positions(boot: Request, fits: Callable[[Step], bool]) -> list[Position]:
    """Return the positions of the steps that fit, without the chapters' heads."""
    return [(step.children, index) for step in boot.walk() for index, child in enumerate(step.children) if fits(child)]


def insert(boot: Request, into: list[Step], index: int, step: Step) -> None:
    """Insert a copy of ``step`` with its subtree at a position; later steps are shifted by its duration."""
    copied = copy.deepcopy(step)
    start = _begins(into, index, step)
    duration = max(max(inner.end or inner.start for inner in copied.walk()) - copied.start, 0) + 2 * SHORT
    for other in boot.walk():
        if other.start >= start:
            other.start += duration
        if other.end is not None and other.end >= start:
            other.end += duration
    shift(copied, start + SHORT - copied.start)
    for inner in copied.walk():
        inner.id += "+"
    into.insert(index, copied)


def _begins(into: list[Step], index: int, step: Step) -> int:
    if index < len(into):
        return into[index].start
    last = into[-1] if into else step
    return (last.end or last.start) + 1


def shift(step: Step, by: int) -> None:
    """Shift a step and its subtree by ``by`` nanoseconds."""
    for inner in step.walk():
        inner.start += by
        inner.end = None if inner.end is None else inner.end + by


def swap(into: list[Step], index: int) -> None:
    """Swap two neighbours, with their times."""
    first, second = into[index], into[index + 1]
    shift(second, first.start - second.start)
    shift(first, (second.end or second.start) + SHORT - first.start)
    into[index : index + 2] = [second, first]


def stretch(boot: Request, step: Step, by: int) -> None:
    """Let a step take ``by`` nanoseconds longer."""
    end = step.end or step.start
    inside = {id(inner) for inner in step.walk()}
    for other in boot.walk():
        if other.start >= end and id(other) not in inside:
            other.start += by
        if other.end is not None and other.end >= end and (id(other) not in inside or other is step):
            other.end += by


def are_ordered(into: list[Step], index: int) -> bool:
    """Return whether the step and the next have an order: neither overlaps with a sibling."""
    return all(not overlaps(into, step) for step in into[index : index + 2])


def overlaps(into: list[Step], step: Step) -> bool:
    """Return whether a sibling runs at the same time."""
    return any(
        other is not step and other.start < (step.end or step.start) and step.start < (other.end or other.start)
        for other in into
    )


def own(step: Step) -> Iterator[Step]:
    """Yield the step and the steps of its subtree that its own service runs."""
    return (inner for inner in step.walk() if inner.service == step.service)
