"""Work grows with the size alone, whatever the shape: counted in calls, which no other program can slow down."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

import diagrams
from tests.support.shapes import SHAPES
from tracer.correlation.pipeline import correlate
from tracer.diff.baseline.normalise import normal
from tracer.diff.compare.compare import compare
from tracer.model import Request

#: Steps of the small size by what is drawn; Mermaid takes so many messages, beyond which it is folded, which costs.
SMALL = {"mmd": 1_500}
FACTOR = 4
ONE_REQUEST = sorted(SHAPES.keys() - {"many requests"})


def calls(work: Callable[[], object]) -> int:
    """Return the number of calls, and of values taken from generators, that the work makes."""
    count = 0

    def add(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(add)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def assert_linear(work: Callable[[int], Callable[[], object]], size: int = 500) -> None:
    """Fail if a step of the large size takes over 1.3 times the calls that one of the small size takes."""
    small, large = (calls(work(steps)) for steps in (size, size * FACTOR))
    assert large < small * FACTOR * 1.3


def request(shape: str, size: int) -> Request:
    trace = correlate(SHAPES[shape](size).collect())
    (only,) = [*trace.boots, *trace.others]
    return only


@pytest.mark.parametrize("shape", SHAPES)
def test_correlating(shape: str) -> None:
    def work(size: int) -> Callable[[], object]:
        events = SHAPES[shape](size).collect()
        return lambda: correlate(events)

    assert_linear(work)


@pytest.mark.parametrize("shape", ONE_REQUEST)
def test_comparing(shape: str) -> None:
    def work(size: int) -> Callable[[], object]:
        old, new = normal(request(shape, size)), normal(request(shape, size))
        for number, node in enumerate(new.walk()):
            node.text += "x" if number % 10 == 0 else ""
        return lambda: compare(old, new)

    assert_linear(work)


@pytest.mark.parametrize("suffix", diagrams.RENDERERS)
@pytest.mark.parametrize("shape", ONE_REQUEST)
def test_drawing(shape: str, suffix: str) -> None:
    def work(size: int) -> Callable[[], object]:
        drawn = request(shape, size)
        return lambda: diagrams.render(drawn, suffix, "full")

    diagrams.render(request(shape, 100), suffix, "full")  # loads what is loaded once, such as templates
    assert_linear(work, SMALL.get(suffix, 500))
