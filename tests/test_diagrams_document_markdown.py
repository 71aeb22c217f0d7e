"""The Markdown document in the renderers that show it: GitHub's own, and MyST's parser, which Sphinx uses."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from docutils.core import publish_string
from hypothesis import example, given, settings
from myst_parser.parsers.docutils_ import Parser

from diagrams import DETAILS, render
from diagrams.document.tables import own_time, participants, slowest, statements, states
from tests.support.builders import boot, call, failed_boot, rpc, small_boot, sql, state
from tests.support.examples import examples
from tests.test_diagrams_hostile import everything, hostile, poisoned
from tracer.model import Request


def github(text: str) -> str:
    """Return the HTML that GitHub renders, before its filter for unsafe elements."""
    return str(cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE))


def myst(text: str) -> str:
    """Return the HTML that Sphinx renders with MyST; a warning is an error."""
    options: dict[str, Any] = {
        "embed_stylesheet": False, "stylesheet_path": "", "halt_level": 2, "report_level": 2,
        "myst_enable_extensions": ["dollarmath", "substitution", "attrs_inline"], "output_encoding": "unicode",
        "myst_highlight_code_blocks": False, "file_insertion_enabled": False,
    }  # fmt: skip
    return str(publish_string(text, parser=Parser(), writer="html5", settings_overrides=options))


Read = Callable[[str], str]
readers = pytest.mark.parametrize("read", [github, myst])


class Page(HTMLParser):
    """A page as a browser parses it: its elements in order, its blocks of code, its tables' rows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.blocks: list[str] = []
        self.rows: list[list[str]] = []
        self.folded: list[bool] = []  # for each block, whether it is inside <details>
        self._open: list[str] = []
        self.feed(text[text.find("<body") :] if "<body" in text else text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "span":  # docutils wraps each word of code in one
            self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self._open.append(tag)
        if tag == "pre":
            self.blocks.append("")
            self.folded.append("details" in self._open)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while tag in self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "pre" in self._open:
            self.blocks[-1] += data
        if self._open and {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data


@cache
def harmless(read: Read) -> Page:
    """Return the page of a boot in which nothing is hostile."""
    return Page(read(document(poisoned("x"), "full")))


def document(request: Request, detail: str = "calls") -> str:
    """Return the text that `draw` writes."""
    return render(request, "md", detail).encode(errors="backslashreplace").decode()


@readers
class TestReaders:
    def test_chapters_are_folded_blocks_and_tables_are_tables(self, read: Read) -> None:
        page = Page(read(document(small_boot())))
        chapters = len(small_boot().chapters)
        assert page.tags.count("details") == page.tags.count("summary") == chapters
        assert page.folded == [False] + [True] * chapters
        assert [block[:3] for block in page.blocks[1:]] == [f"{n + 1}. " for n in range(chapters)]
        assert page.blocks[0].startswith("sequenceDiagram\n")
        assert page.tags.count("table") == 5
        assert ["server", "vm1"] in page.rows

    @pytest.mark.parametrize("detail", DETAILS)
    def test_its_blocks_hold_the_text_between_the_fences(self, read: Read, detail: str) -> None:
        text = document(small_boot(), detail)
        written = re.findall(r"^```\w+\n(.*?)\n```$", text, re.S | re.M)
        assert [block.rstrip("\n") for block in Page(read(text)).blocks] == written

    @given(text=hostile)
    @settings(max_examples=examples(20), deadline=None)
    @example(text=everything)
    @example(text="x" * 3_000)
    @example(text="{code-block} `x`")
    def test_no_text_changes_the_structure(self, read: Read, text: str) -> None:
        page, plain = Page(read(document(poisoned(text), "full"))), harmless(read)
        assert page.tags == plain.tags
        assert page.attributes <= plain.attributes
        assert [len(row) for row in page.rows] == [len(row) for row in plain.rows]


class TestNothingIsLost:
    @pytest.mark.parametrize("detail", DETAILS)
    @pytest.mark.parametrize("sample", [small_boot(), failed_boot()])
    def test_lines_account_for_every_numbered_step(self, sample: Request, detail: str) -> None:
        page = Page(github(document(sample, detail)))
        shown = sum(
            _steps_of(block.splitlines()) for block, folded in zip(page.blocks, page.folded, strict=True) if folded
        )
        assert shown == sum(step.numbered for step in sample.walk())

    def test_neighbours_on_one_line_are_counted(self) -> None:
        inside = [call("API", "nova.a:g", *(call("API", "nova.a:h") for _ in range(3))) for _ in range(4)]
        request = boot(call("API", "nova.a:f", *inside, rpc("API", "conductor", "go", call("conductor", "nova.b:g"))))
        for detail in DETAILS:
            page = Page(github(document(request, detail)))
            assert _steps_of(page.blocks[-1].splitlines()) == sum(1 for _ in request.walk())

    def test_participants_count_every_step(self) -> None:
        for request in (small_boot(), failed_boot()):
            counted = sum(int(cell or 0) for row in participants(request).rows for cell in row[1:])
            assert counted == sum(1 for _ in request.walk())

    def test_statements_are_counted_per_table(self) -> None:
        sent = [
            sql("API", verb, table)
            for verb, table in [("SELECT", "a"), ("SELECT", "b"), ("UPDATE", "a"), ("CALL", "a")]
        ]
        request = boot(call("API", "nova.a:f", *sent))
        table = statements(request)
        assert [*table.texts, *table.figures] == ["table", "SELECT", "UPDATE", "other", "time"]
        assert [row[:-1] for row in table.rows] == [["a", "1", "1", "1"], ["b", "1", "", ""]]

    def test_tables_beyond_the_limit_are_counted_together(self) -> None:
        request = boot(call("API", "nova.a:f", *(sql("API", "SELECT", f"t{number:03}") for number in range(50))))
        rows = statements(request).rows
        assert rows[-1][:2] == ["10 more", "10"]
        assert sum(int(row[1]) for row in rows) == 50


def _steps_of(lines: list[str]) -> int:
    """Count the numbered steps that the lines of a tree account for, by their own text."""
    total, factors = 0, [("", 1)]
    for line in lines:
        if step := re.match(r"([\d-]+)(?:…\S+)?\. (.*)", line):
            while not f"{step[1]}-".startswith(factors[-1][0]):
                factors.pop()
            times = re.search(r" ×(\d+)(?: |$)", step[2])
            factors.append((f"{step[1]}-", factors[-1][1] * (int(times[1]) if times else 1)))
            total += factors[-1][1]
        elif hidden := re.fullmatch(r"- \+(\d+) calls?", line):
            total += int(hidden[1]) * factors[-1][1]
    return total


def test_own_time_excludes_children_even_if_they_overlap() -> None:
    head = call(
        "API", "nova.a:f", call("API", "nova.a:g"), call("API", "nova.a:h"), call("API", "nova.a:i", unfinished=True)
    )
    request = boot(head)
    head.start, head.end = 0, 100
    for child, (start, end) in zip(head.children, [(10, 40), (30, 50), (90, None)], strict=True):
        child.start, child.end = start, end
    assert [own_time(step) for step in request.walk()] == [10 + 40, 30, 20, 0]
    assert [row[0] for row in slowest(request).rows] == ["1", "1-1", "1-2"]


def test_states_are_sorted_by_time() -> None:
    later, sooner = state("compute", vm_state=("building", "active")), state("API", vm_state=(None, "building"))
    request = boot(call("API", "nova.a:f", later, sooner))
    later.start, sooner.start = request.started + 2_000_000_000, request.started
    assert [(row[0], row[3]) for row in states(request).rows] == [("1/2", "0.000 s"), ("1/1", "2.000 s")]
