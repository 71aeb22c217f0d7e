"""No step is lost: by its own labels (×7, +5 calls) a picture accounts for every step and statement."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagrams import DETAILS
from diagrams.sequence.build import sequence
from diagrams.sequence.fit import fitted
from diagrams.sequence.model import Diagram
from tests.support import real_boots
from tests.support.builders import boot, call, cast, failed_boot, http, small_boot, sql
from tests.support.examples import examples
from tests.support.expected_drawing import numbered, statements, steps_shown
from tests.test_diagrams_sequence_build import any_boot, trees
from tracer.model import Request, Step


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("request_of", [small_boot, failed_boot, real_boots.nova34])
def test_a_boot(request_of: Callable[[], Request], detail: str) -> None:
    request = request_of()
    diagram = sequence(request, detail)
    assert steps_shown(diagram, request) == numbered(request)
    if detail not in ("story", "brief"):
        assert statements(diagram) == sum(step.kind == "sql" for step in request.walk())


@settings(max_examples=examples(300))
@given(st.lists(trees(), max_size=3), st.sampled_from(DETAILS), st.sampled_from([None, 0, 1, 2]))
def test_any_tree(heads: list[Step], detail: str, depth: int | None) -> None:
    request = any_boot(heads)
    diagram = sequence(request, detail, depth)
    assert steps_shown(diagram, request) == numbered(request)
    if detail not in ("story", "brief"):
        assert statements(diagram) == sum(step.kind == "sql" for step in request.walk())


@pytest.mark.parametrize("most", [5, 12, 20])
def test_the_rest_of_a_cut_picture_is_counted(most: int) -> None:
    counts = fitted(small_boot(), "full", lambda diagram: counted(diagram) if len(diagram.items) <= most else None)
    drawn, missing = map(int, counts.split())
    whole = sequence(small_boot(), "brief")
    assert drawn + missing == sum(item.what not in ("end", "return") for item in whole.items)


def counted(diagram: Diagram) -> str:
    """Return the number of drawn and of missing items by the last note; "0 0" for a whole picture."""
    rest = re.fullmatch(r"\+(\d+) more, not drawn", note) if (note := _last_note(diagram)) else None
    drawn = sum(item.what not in ("end", "return") for item in diagram.items)
    return f"{drawn - 1} {rest[1]}" if rest else "0 0"


def _last_note(diagram: Diagram) -> str:
    notes = [item.text for item in diagram.items if item.what == "note"]
    return notes[-1] if notes else ""


def test_steps_hidden_inside_a_cast_are_counted() -> None:
    sent = cast("API", "conductor", "go", 2)
    sent.children = [call("API", "nova.a:inside")]
    request = boot(call("API", "nova.a:f", sent))
    assert "+1 call" in sequence(request, "brief").items[1].extra


def test_sql_of_equal_neighbours_is_summed_at_any_depth() -> None:
    """A line with ``×2`` and the lines below it count the statements of both neighbours."""
    once = call("API", "nova.a:g", http("API", "image", "GET", "/x", sql("image", "SELECT", "a")))
    twice = call("API", "nova.a:g", http("API", "image", "GET", "/x", *(sql("image", "SELECT", "a") for _ in range(4))))
    diagram = sequence(boot(call("API", "nova.a:f", once, twice)))
    assert [item.text for item in diagram.items if item.kind == "sql"] == ["5 SQL a"]
