"""Edits on a recorded boot that keep its times in order: put in, take out, swap, stretch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from tracer.model import Request, Step

#: Nanoseconds that a step takes which never was.
SHORT = 1000

#: A step and its place: the list it stands in, and where in it.
Place = tuple[list[Step], int]


def places(boot: Request, fits: Callable[[Step], bool]) -> list[Place]:
    """Where the steps stand that fit, chapters' heads left out."""
    return [(step.children, index) for step in boot.walk() for index, child in enumerate(step.children) if fits(child)]


def put(boot: Request, into: list[Step], index: int, step: Step) -> None:
    """Let a copy of ``step`` with all below it happen at that place; all that comes later comes later by its time."""
    made = copy.deepcopy(step)
    at = _begins(into, index, step)
    lasts = max(max(each.end or each.start for each in made.walk()) - made.start, 0) + 2 * SHORT
    for each in boot.walk():
        if each.start >= at:
            each.start += lasts
        if each.end is not None and each.end >= at:
            each.end += lasts
    shift(made, at + SHORT - made.start)
    for each in made.walk():
        each.id += "+"
    into.insert(index, made)


def _begins(into: list[Step], index: int, step: Step) -> int:
    if index < len(into):
        return into[index].start
    last = into[-1] if into else step
    return (last.end or last.start) + 1


def shift(step: Step, by: int) -> None:
    """Let it happen so much later, with all below it."""
    for each in step.walk():
        each.start += by
        each.end = None if each.end is None else each.end + by


def swap(into: list[Step], index: int) -> None:
    """Let two neighbours happen the other way round."""
    first, second = into[index], into[index + 1]
    shift(second, first.start - second.start)
    shift(first, (second.end or second.start) + SHORT - first.start)
    into[index : index + 2] = [second, first]


def stretch(boot: Request, step: Step, by: int) -> None:
    """Let a step take so much longer."""
    end = step.end or step.start
    inside = {id(each) for each in step.walk()}
    for each in boot.walk():
        if each.start >= end and id(each) not in inside:
            each.start += by
        if each.end is not None and each.end >= end and (id(each) not in inside or each is step):
            each.end += by


def apart(into: list[Step], index: int) -> bool:
    """Whether the step and the next are steps with an order: neither runs beside a sibling."""
    return all(not beside(into, each) for each in into[index : index + 2])


def beside(into: list[Step], step: Step) -> bool:
    """Whether a sibling runs at the same time."""
    return any(
        other is not step and other.start < (step.end or step.start) and step.start < (other.end or other.start)
        for other in into
    )


def own(step: Step) -> Iterator[Step]:
    """The step and all below it that its own service does."""
    return (each for each in step.walk() if each.service == step.service)
