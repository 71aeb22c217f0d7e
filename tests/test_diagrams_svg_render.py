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


def layout_of(request: Request, detail: str = "full") -> Layout:
    return layout(sequence(request, detail))


def test_a_leaf_and_its_answer_are_one_row() -> None:
    one_row = layout_of(boot(call("API", "nova.a:f", http("API", "image", "GET", "/a"))))
    two_rows = layout_of(
        boot(call("API", "nova.a:f", http("API", "image", "GET", "/a"), http("API", "image", "GET", "/b")))
    )
    assert two_rows.pages[0].height - one_row.pages[0].height == ROW
    assert [arrow.look for arrow in two_rows.pages[0].arrows] == ["leaf", "leaf"]


def test_a_state_is_beside_the_row_that_set_it() -> None:
    inside = [sql("conductor", "UPDATE", "instances"), state("conductor", task_state=(None, "spawning"))]
    page = layout_of(boot(call("conductor", "nova.a:f", *inside))).pages[0]
    statement, state_label = page.labels
    assert (statement.text, state_label.text) == ("UPDATE instances", "task_state None → spawning")
    assert statement.y == state_label.y
    assert [address for _, address, _ in page.gutter] == ["1/1"]


def test_two_states_at_once_have_two_rows() -> None:
    inside = [sql("API", "UPDATE", "x"), state("API", vm_state=(None, "a")), state("API", vm_state=("a", "b"))]
    page = layout_of(boot(call("API", "nova.a:f", *inside))).pages[0]
    assert len({label.y for label in page.labels}) == 2


def test_heads_are_repeated_before_they_scroll_out_of_sight() -> None:
    for page in layout_of(wide_boot(2_000)).pages:
        assert all(0 < lower - upper <= (REPEAT + HEAD + 2) * ROW for upper, lower in pairwise(page.heads))
        assert page.height - page.heads[-1] <= (REPEAT + HEAD + 2) * ROW


def test_rows_never_overlap() -> None:
    for page in layout_of(wide_boot(2_000)).pages:
        rows = [y for y, _, _ in page.gutter]
        assert all(lower - upper >= ROW for upper, lower in pairwise(rows))


def test_long_pictures_are_pages_side_by_side_within_the_height_limit() -> None:
    laid_out = layout_of(wide_boot(5_000))
    assert len(laid_out.pages) > 1
    heights = [page.height for page in laid_out.pages]
    assert max(heights) <= PAGE + 3 * ROW
    assert min(heights[:-1]) > max(heights) * 0.8
    root = ElementTree.fromstring(svg(wide_boot(5_000), "full"))
    assert int(root.attrib["width"]) == laid_out.width * len(laid_out.pages) <= WIDEST
    assert int(root.attrib["height"]) == max(heights)


def test_a_bar_continues_across_pages() -> None:
    laid_out = layout_of(wide_boot(5_000))
    first_lane = laid_out.lanes.index("compute")
    for page in laid_out.pages:
        long = max((bar for bar in page.bars if bar.lane == first_lane), key=lambda bar: bar.bottom - bar.top)
        assert long.bottom - long.top > page.height * 0.9


def test_a_picture_too_wide_is_folded_and_notes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagrams.svg.render.WIDEST", 2_500)
    request = wide_boot(2_000)
    assert draw(sequence(request, "full")) is None
    text = svg(request, "full")
    assert ", to fit)" in text
    assert int(ElementTree.fromstring(text).attrib["width"]) <= 2_500


def test_everything_is_inside_the_picture() -> None:
    laid_out = layout_of(small_boot())
    for page in laid_out.pages:
        for label in page.labels:
            assert 0 < label.x < laid_out.width
            assert 0 < label.y < page.height
        assert all(0 <= bar.top < bar.bottom <= page.height for bar in page.bars)
        assert all(
            0 <= min(arrow.tail, arrow.head) <= max(arrow.tail, arrow.head) < laid_out.width for arrow in page.arrows
        )


@settings(max_examples=examples(25))
@given(st.integers(1, 300), st.integers(1, 60))
def test_deep_calls_and_many_lanes_are_inside_the_picture(depth: int, lanes: int) -> None:
    chain = call("compute", "nova.a:A.leaf")
    for level in range(depth):
        chain = call(f"service{level % lanes}", f"nova.a:A.f{level}", chain)
    laid_out = layout_of(boot(chain))
    for page in laid_out.pages:
        assert all(bar.x >= 0 and bar.top < bar.bottom <= page.height for bar in page.bars)
        assert all(0 < label.x < laid_out.width for label in page.labels)


def test_arrows_go_from_lane_to_lane() -> None:
    laid_out = layout_of(
        boot(call("compute", "nova.a:f", rpc("compute", "conductor", "x"), http("compute", "image", "GET", "/")))
    )
    conductor, compute, image = laid_out.xs
    left, right = laid_out.pages[0].arrows
    assert abs(left.tail - compute) <= 3
    assert left.head == conductor
    assert abs(right.tail - compute) <= 3
    assert right.head == image


def test_background_is_opaque_and_no_style_sheet_is_needed() -> None:
    text = svg(small_boot())
    assert re.search(r'<rect width="(\d+)" height="(\d+)" fill="#fff"/>', text)
    assert "var(" not in text
    assert "<style" not in text
    assert "class=" not in text


def test_numbers_and_times_are_in_the_gutter() -> None:
    text = svg(small_boot())
    addresses = {step.address for step in small_boot().walk()}
    shown = re.findall(r">([\d/-]+)</text>", text)
    assert set(shown) <= addresses
    assert len(shown) > 30
    assert ">0.000</text>" in text


def test_one_colour_per_service_on_head_and_bar() -> None:
    assert len({colour(name, 0) for name in PARTICIPANTS}) == len(PARTICIPANTS)
    assert colour("compute cmp1", 0) == colour("compute", 5)
    assert colour("manila", 0) != colour("ironic", 1)
    assert svg(small_boot()).count(f'fill="{colour("compute", 0)}"') >= 2


def test_an_empty_boot_is_a_picture_too() -> None:
    assert ElementTree.fromstring(svg(boot())).tag.endswith("svg")


def test_a_chapter_with_nothing_inside_is_a_band() -> None:
    assert "1  scheduler: update_instance_info" in svg(boot(served("scheduler", "update_instance_info")))


@pytest.mark.parametrize("mood", ["unfinished", "failed"])
def test_failed_and_unfinished_steps_stand_out(mood: str) -> None:
    create = step("libvirt", "compute", class_="virDomain", function="create")
    if mood == "failed":
        create.error = "libvirtError: no"
    else:
        create.end = None
    request = boot(call("compute", "nova.a:f", create))
    if mood == "unfinished":
        create.end = None
    assert layout_of(request).pages[0].arrows[0].look == mood


class TestBudgets:
    """The budgets of DESIGN; the milliseconds are in tests/bench."""

    @pytest.mark.parametrize("messages", [500, 5_000])
    def test_bytes_and_pixels_per_message(self, messages: int) -> None:
        request = wide_boot(messages)
        drawn = sum(item.what in ("call", "self", "cast") for item in sequence(request, "full").items)
        assert drawn >= messages
        assert len(svg(request, "full").encode()) / drawn <= 160
        assert sum(page.height for page in layout_of(request).pages) / drawn <= 14
