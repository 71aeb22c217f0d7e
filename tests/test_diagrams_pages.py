"""Pages of A4 or a screen: split where it suits the eye, each naming the steps still open and the next page."""

from __future__ import annotations

import re
from functools import partial
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import resvg_py
from hypothesis import given
from hypothesis import strategies as st

from diagrams import PAPERS, drawn
from diagrams.sequence.build import sequence
from diagrams.sequence.model import Item
from diagrams.svg.geometry import FOOT, ROW
from diagrams.svg.layout import Layout, layout
from diagrams.svg.paging import breaks, rows
from diagrams.svg.png import pixels
from diagrams.svg.render import draw_pages, pages
from tests.bench.bench_diagrams import wide_boot
from tests.support.builders import boot, call, http, served, small_boot
from tests.support.expected_drawing import squeezed
from tests.test_diagrams_hostile import everything, poisoned
from tracer.model import Request

papers = pytest.mark.parametrize("paper", PAPERS)


def layout_of(request: Request, paper: str = "a4") -> Layout:
    return layout(sequence(request, "full"), PAPERS[paper])


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@papers
def test_a_page_has_the_papers_proportion_and_nothing_below_its_foot(paper: str) -> None:
    laid_out = layout_of(wide_boot(700), paper)
    assert laid_out.width / laid_out.height == pytest.approx(PAPERS[paper].width / PAPERS[paper].height, rel=0.01)
    assert len(laid_out.pages) > 3
    assert all(page.height <= laid_out.height - FOOT + ROW for page in laid_out.pages)


def test_a4_is_measured_in_millimetres_and_a_screen_in_pixels() -> None:
    assert 'width="297mm" height="210mm" viewBox="0 0 1123 794"' in pages(small_boot(), "full", "a4")[0]
    assert 'width="1280" height="720" viewBox="0 0 1280 720"' in pages(small_boot(), "full", "screen")[0]


@papers
def test_every_page_has_title_number_legend_and_heads(paper: str) -> None:
    request = wide_boot(60)
    svgs = pages(request, "full", paper)
    for number, page in enumerate(svgs, 1):
        shown = texts(page)
        assert f"page {number} of {len(svgs)}" in shown
        assert shown[0] == sequence(request).title
        assert {"waits", "does not wait", "compute", "placement"} <= set(shown)


def test_a_single_page_has_no_number_and_no_continuation() -> None:
    (page,) = pages(boot(call("API", "nova.a:f")), "calls", "a4")
    assert not re.search(r"page \d|continued", page)


def test_a_page_names_its_open_steps_and_the_next_page() -> None:
    page_texts = [texts(page) for page in pages(wide_boot(700), "full", "a4")]
    for number, shown in enumerate(page_texts, 1):
        above = [text for text in shown if text.startswith("continued from page ")]
        below = [text for text in shown if text.startswith("continued on page ")]
        if number == 1:
            assert above == []
        else:
            around = rf"continued from page {number - 1}, 1 compute: build( › 1-\d+ \w+\._build_\d+\(\))?"
            assert re.fullmatch(around, above[0])
        assert below == ([f"continued on page {number + 1}"] if number < len(page_texts) else [])


def test_of_many_open_steps_the_chapter_and_the_innermost_are_named() -> None:
    deep = call("API", "nova.a:A.leaf", *(http("API", "image", "GET", f"/{number}") for number in range(100)))
    for level in range(40):
        deep = call("API", f"nova.a{level}:A.level{level}", deep)
    continuation = next(text for text in texts(pages(boot(deep), "full", "a4")[1]) if text.startswith("continued from"))
    assert continuation.startswith("continued from page 1, 1 API: A.level39() › … › ")
    assert continuation.endswith("A.leaf()")


def test_open_bars_continue_at_the_top_of_the_next_page() -> None:
    laid_out = layout_of(wide_boot(700))
    first = laid_out.lanes.index("compute")
    for page in laid_out.pages[1:]:
        assert any(bar.lane == first and bar.top == page.heads[0] + 2 * ROW for bar in page.bars)


def test_chapters_begin_a_page_rather_than_end_one() -> None:
    chapters = [served("conductor", f"m{c}", *(call("conductor", f"nova.a:f{n}") for n in range(30))) for c in range(5)]
    diagram = sequence(boot(*chapters), "full")
    starts = breaks(diagram.items, [rows(item) for item in diagram.items], 50)
    assert len(starts) == 4
    assert all(diagram.items[start].what == "chapter" for start in starts)


def test_a_long_chapter_is_split_where_few_steps_are_open() -> None:
    blocks = [call("API", f"nova.a:b{n}", *(call("API", f"nova.a:f{m}") for m in range(8))) for n in range(20)]
    diagram = sequence(boot(call("API", "nova.a:f", *blocks)), "full")
    starts = breaks(diagram.items, [rows(item) for item in diagram.items], 50)
    assert all(re.match(r"b\d+", diagram.items[start].text) for start in starts)


@given(
    st.lists(st.sampled_from(["chapter", "call", "leaf", "close", "state", "note"]), max_size=300), st.integers(3, 60)
)
def test_no_page_exceeds_its_capacity_and_none_is_empty(kinds: list[str], capacity: int) -> None:
    items: list[Item] = []
    depth = 0
    for kind in kinds:
        what = {"leaf": "call", "close": "return"}.get(kind, kind)
        if kind != "close" or depth:
            items.append(Item(what, 0, 0, "x", leaf=kind == "leaf"))
            depth += (kind in ("chapter", "call")) - (kind == "close")
    starts = [0, *breaks(items, [rows(item) for item in items], capacity), len(items)]
    assert starts == sorted(starts)
    for start, end in pairwise(starts):
        assert sum(map(rows, items[start:end])) <= capacity
        assert end > start or not items


@papers
def test_the_pages_together_have_every_text_of_the_whole_picture(paper: str) -> None:
    diagram = sequence(wide_boot(500), "full")
    shown = [squeezed(text) for page in draw_pages(diagram, paper) for text in texts(page)]
    for item in diagram.items:
        if item.what in ("call", "self", "cast"):
            assert squeezed(f"{item.text} {item.extra}") in shown


class TestPng:
    def test_it_is_twice_as_large_as_the_svg(self) -> None:
        (picture,) = drawn(small_boot(), "png")
        (svg,) = drawn(small_boot(), "svg")
        match = re.search(r'width="(\d+)" height="(\d+)"', svg.decode())
        assert match
        assert size(picture) == (2 * int(match[1]), 2 * int(match[2]))

    def test_pages_of_a4_too(self) -> None:
        pictures = drawn(wide_boot(100), "png", "full", "a4")
        assert len(pictures) > 1
        assert {size(picture) for picture in pictures} == {(2246, 1588)}

    def test_a_picture_too_large_is_folded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        request = wide_boot(60)
        (whole,) = drawn(request, "png", "full")
        monkeypatch.setattr("diagrams.svg.png.MOST", 1_000_000)
        (folded,) = drawn(request, "png", "full")
        wide, high = size(folded)
        assert wide * high <= 1_000_000 < size(whole)[0] * size(whole)[1]

    def test_pixels_are_read_from_the_picture(self) -> None:
        assert pixels('<svg viewBox="0 0 20 30">') == 600
        with pytest.raises(ValueError, match="viewBox"):
            pixels("<svg/>")

    def test_it_is_the_same_on_a_machine_without_fonts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (here,) = drawn(small_boot(), "png")
        monkeypatch.setattr(resvg_py, "svg_to_bytes", partial(resvg_py.svg_to_bytes, skip_system_fonts=True))
        assert drawn(small_boot(), "png") == [here]
        monkeypatch.setattr("diagrams.svg.png._FAMILY", "Nowhere Sans")
        assert len(drawn(small_boot(), "png")[0]) < len(here) / 2  # no text is drawn then, so this test can fail

    @pytest.mark.parametrize("name", [everything, "</script>", "\u202eלש", "ab" * 5_000])
    def test_any_name_can_be_drawn(self, name: str) -> None:
        assert size(drawn(poisoned(name), "png", "brief", "a4")[0]) == (2246, 1588)


def size(picture: bytes) -> tuple[int, int]:
    """Return a PNG's width and height, from its header."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")
