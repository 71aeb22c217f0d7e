"""The SVG is compact, legible and self-contained: rows, heads, pages, colours, and budgets that need no clock."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagrams.palette import colour
from diagrams.sequence.build import sequence
from diagrams.svg.geometry import HEAD, PAGE, REPEAT, ROW, WIDEST
from diagrams.svg.layout import Layout, layout
from diagrams.svg.render import draw, svg
from tests.bench.bench_diagrams import wide_boot
from tests.support.builders import boot, call, http, rpc, served, small_boot, sql, state, step
from tests.support.examples import examples
from tracer.model import PARTICIPANTS, Request


def placed(made: Request, detail: str = "full") -> Layout:
    return layout(sequence(made, detail))


def test_a_leaf_and_its_answer_are_one_row() -> None:
    one = placed(boot(call("API", "nova.a:f", http("API", "image", "GET", "/a"))))
    two = placed(boot(call("API", "nova.a:f", http("API", "image", "GET", "/a"), http("API", "image", "GET", "/b"))))
    assert two.pages[0].height - one.pages[0].height == ROW
    assert [arrow.look for arrow in two.pages[0].arrows] == ["leaf", "leaf"]


def test_a_state_stands_beside_the_row_that_set_it() -> None:
    inside = [sql("conductor", "UPDATE", "instances"), state("conductor", task_state=(None, "spawning"))]
    page = placed(boot(call("conductor", "nova.a:f", *inside))).pages[0]
    statement, told = page.labels
    assert (statement.text, told.text) == ("UPDATE instances", "task_state None → spawning")
    assert statement.y == told.y
    assert [address for _, address, _ in page.gutter] == ["1/1"]


def test_two_states_at_once_have_two_rows() -> None:
    inside = [sql("API", "UPDATE", "x"), state("API", vm_state=(None, "a")), state("API", vm_state=("a", "b"))]
    page = placed(boot(call("API", "nova.a:f", *inside))).pages[0]
    assert len({label.y for label in page.labels}) == 2


def test_heads_come_back_before_they_are_out_of_sight() -> None:
    for page in placed(wide_boot(2_000)).pages:
        assert all(0 < lower - upper <= (REPEAT + HEAD + 2) * ROW for upper, lower in pairwise(page.heads))
        assert page.height - page.heads[-1] <= (REPEAT + HEAD + 2) * ROW


def test_rows_never_overlap() -> None:
    for page in placed(wide_boot(2_000)).pages:
        rows = [y for y, _, _ in page.gutter]
        assert all(lower - upper >= ROW for upper, lower in pairwise(rows))


def test_long_pictures_are_pages_side_by_side_none_of_them_too_high() -> None:
    made = placed(wide_boot(5_000))
    assert len(made.pages) > 1
    heights = [page.height for page in made.pages]
    assert max(heights) <= PAGE + 3 * ROW
    assert min(heights[:-1]) > max(heights) * 0.8
    root = ElementTree.fromstring(svg(wide_boot(5_000), "full"))
    assert int(root.attrib["width"]) == made.width * len(made.pages) <= WIDEST
    assert int(root.attrib["height"]) == max(heights)


def test_a_bar_goes_on_over_the_pages() -> None:
    made = placed(wide_boot(5_000))
    first_lane = made.lanes.index("compute")
    for page in made.pages:
        long = max((bar for bar in page.bars if bar.lane == first_lane), key=lambda bar: bar.bottom - bar.top)
        assert long.bottom - long.top > page.height * 0.9


def test_what_does_not_fit_is_folded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagrams.svg.render.WIDEST", 2_500)
    made = wide_boot(2_000)
    assert draw(sequence(made, "full")) is None
    text = svg(made, "full")
    assert ", to fit)" in text
    assert int(ElementTree.fromstring(text).attrib["width"]) <= 2_500


def test_everything_lies_inside_the_picture() -> None:
    made = placed(small_boot())
    for page in made.pages:
        for label in page.labels:
            assert 0 < label.x < made.width
            assert 0 < label.y < page.height
        assert all(0 <= bar.top < bar.bottom <= page.height for bar in page.bars)
        assert all(
            0 <= min(arrow.tail, arrow.head) <= max(arrow.tail, arrow.head) < made.width for arrow in page.arrows
        )


@settings(max_examples=examples(25))
@given(st.integers(1, 300), st.integers(1, 60))
def test_deep_calls_and_many_lanes_lie_inside_too(depth: int, lanes: int) -> None:
    one = call("compute", "nova.a:A.leaf")
    for level in range(depth):
        one = call(f"service{level % lanes}", f"nova.a:A.f{level}", one)
    made = placed(boot(one))
    for page in made.pages:
        assert all(bar.x >= 0 and bar.top < bar.bottom <= page.height for bar in page.bars)
        assert all(0 < label.x < made.width for label in page.labels)


def test_arrows_go_from_lane_to_lane() -> None:
    made = placed(
        boot(call("compute", "nova.a:f", rpc("compute", "conductor", "x"), http("compute", "image", "GET", "/")))
    )
    conductor, compute, image = made.xs
    left, right = made.pages[0].arrows
    assert abs(left.tail - compute) <= 3
    assert left.head == conductor
    assert abs(right.tail - compute) <= 3
    assert right.head == image


def test_background_is_opaque_and_nothing_is_left_to_style_sheets() -> None:
    text = svg(small_boot())
    assert re.search(r'<rect width="(\d+)" height="(\d+)" fill="#fff"/>', text)
    assert "var(" not in text
    assert "<style" not in text
    assert "class=" not in text


def test_numbers_and_times_stand_in_the_gutter() -> None:
    text = svg(small_boot())
    addresses = {one.address for one in small_boot().walk()}
    shown = re.findall(r">([\d/-]+)</text>", text)
    assert set(shown) <= addresses
    assert len(shown) > 30
    assert ">0.000</text>" in text


def test_one_colour_a_service_on_head_and_bar() -> None:
    assert len({colour(name, 0) for name in PARTICIPANTS}) == len(PARTICIPANTS)
    assert colour("compute cmp1", 0) == colour("compute", 5)
    assert colour("manila", 0) != colour("ironic", 1)
    assert svg(small_boot()).count(f'fill="{colour("compute", 0)}"') >= 2


def test_an_empty_boot_is_a_picture_too() -> None:
    assert ElementTree.fromstring(svg(boot())).tag.endswith("svg")


def test_a_chapter_with_nothing_inside_is_a_band() -> None:
    assert "1  scheduler: update_instance_info" in svg(boot(served("scheduler", "update_instance_info")))


@pytest.mark.parametrize("mood", ["unfinished", "failed"])
def test_what_went_wrong_stands_out(mood: str) -> None:
    one = step("libvirt", "compute", class_="virDomain", function="create")
    if mood == "failed":
        one.error = "libvirtError: no"
    else:
        one.end = None
    made = boot(call("compute", "nova.a:f", one))
    if mood == "unfinished":
        one.end = None
    assert placed(made).pages[0].arrows[0].look == mood


class TestBudgets:
    """Of DESIGN; the milliseconds are in tests/bench."""

    @pytest.mark.parametrize("messages", [500, 5_000])
    def test_bytes_and_pixels_a_message(self, messages: int) -> None:
        made = wide_boot(messages)
        drawn = sum(item.what in ("call", "self", "cast") for item in sequence(made, "full").items)
        assert drawn >= messages
        assert len(svg(made, "full").encode()) / drawn <= 160
        assert sum(page.height for page in placed(made).pages) / drawn <= 14
