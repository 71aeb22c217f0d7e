"""Drawn is recorded: by its own words (×7, +5 calls) a picture stands for every step and statement there is."""

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
@pytest.mark.parametrize("make", [small_boot, failed_boot, real_boots.nova34])
def test_of_a_boot(make: Callable[[], Request], detail: str) -> None:
    made = make()
    diagram = sequence(made, detail)
    assert steps_shown(diagram, made) == numbered(made)
    if detail != "brief":
        assert statements(diagram) == sum(step.kind == "sql" for step in made.walk())


@settings(max_examples=examples(300))
@given(st.lists(trees(), max_size=3), st.sampled_from(DETAILS), st.sampled_from([None, 0, 1, 2]))
def test_of_any_tree(heads: list[Step], detail: str, depth: int | None) -> None:
    made = any_boot(heads)
    diagram = sequence(made, detail, depth)
    assert steps_shown(diagram, made) == numbered(made)
    if detail != "brief":
        assert statements(diagram) == sum(step.kind == "sql" for step in made.walk())


@pytest.mark.parametrize("most", [5, 12, 20])
def test_of_a_picture_of_the_beginning_the_rest_is_counted(most: int) -> None:
    found = fitted(small_boot(), "full", lambda one: said_of(one) if len(one.items) <= most else None)
    told, missing = map(int, found.split())
    whole = sequence(small_boot(), "brief")
    assert told + missing == sum(item.what not in ("end", "return") for item in whole.items)


def said_of(diagram: Diagram) -> str:
    """How many items are drawn, and how many are said to be missing; "0 0" of a whole picture."""
    rest = re.fullmatch(r"\+(\d+) more, not drawn", note) if (note := _last_note(diagram)) else None
    told = sum(item.what not in ("end", "return") for item in diagram.items)
    return f"{told - 1} {rest[1]}" if rest else "0 0"


def _last_note(diagram: Diagram) -> str:
    notes = [item.text for item in diagram.items if item.what == "note"]
    return notes[-1] if notes else ""


def test_what_is_hidden_in_a_message_that_nobody_waits_for_is_told() -> None:
    sent = cast("API", "conductor", "go", 2)
    sent.children = [call("API", "nova.a:inside")]
    made = boot(call("API", "nova.a:f", sent))
    assert "+1 call" in sequence(made, "brief").items[1].extra


def test_the_sql_of_equal_neighbours_is_that_of_all_at_any_depth() -> None:
    """However many statements each of them has: ``×2`` and what is below it speak of both."""
    once = call("API", "nova.a:g", http("API", "image", "GET", "/x", sql("image", "SELECT", "a")))
    twice = call("API", "nova.a:g", http("API", "image", "GET", "/x", *(sql("image", "SELECT", "a") for _ in range(4))))
    diagram = sequence(boot(call("API", "nova.a:f", once, twice)))
    assert [item.text for item in diagram.items if item.kind == "sql"] == ["5 SQL a"]
