"""Every name in a report may be hostile input: no text breaks out of its place in any format."""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import example, given

from diagrams import report
from tests.support import comparisons
from tests.support.comparisons import added, both, change, comparison
from tests.test_diagrams_hostile import _without_code, everything, hostile
from tracer.model import Comparison


def poisoned(text: str) -> Comparison:
    """Return the small comparison with ``text`` in place of every text from a cloud, a file or a policy."""
    compared = comparisons.small()
    for side in (compared.old, compared.new):
        side.name, side.outcomes, side.versions = text, (text,), {"nova": text, text: text}
        for node in side.walk():
            node.text, node.service, node.where = f"rpc.call() to {text}: {text}", text, text
            node.address += text
    for pair in compared.pairs:
        for change_ in (change_ for inner in pair.walk() for change_ in inner.changes):
            change_.old, change_.new, change_.path = change_.old + text, change_.new + text, (text, text)
    for change_ in compared.changes:
        change_.text, change_.service, change_.kind, change_.where, change_.rule = text, text, text, text, text
        change_.old_text, change_.new_text, change_.tables = text, text + text, (text,)
    return compared


@cache
def usual(form: str) -> str:
    """Return the report in which nothing is hostile."""
    return report(poisoned("x"), form)


@pytest.mark.parametrize("form", ["text", "markdown", "json", "junit", "html"])
@given(text=hostile)
@example(text=everything)
def test_it_is_printable_and_can_be_encoded(form: str, text: str) -> None:
    lines = report(poisoned(text), form, width=150, details=True)
    assert all(line.isprintable() for line in lines.split("\n"))
    lines.encode()


@given(hostile)
@example(everything)
def test_markdown_outside_of_code_does_not_change(text: str) -> None:
    assert _without_code(report(poisoned(text), "markdown").split("\n")) == _without_code(usual("markdown").split("\n"))


@given(hostile)
@example(everything)
def test_json_keeps_the_text(text: str) -> None:
    written = json.loads(report(poisoned(text), "json"))
    assert written["old"]["name"] == written["changes"][0]["text"] == text


@given(hostile)
@example(everything)
def test_junit_is_xml_without_foreign_elements(text: str) -> None:
    root = ElementTree.fromstring(report(poisoned(text), "junit"))
    assert {element.tag for element in root.iter()} <= {"testsuites", "testsuite", "testcase", "failure", "system-out"}


class _Page(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, set[str]] = {}
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def parsed(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    return page


class TestPage:
    FORBIDDEN = frozenset(
        {"script", "img", "iframe", "object", "embed", "link", "form", "input", "image", "use", "base"}
    )

    @given(hostile)
    @example(everything)
    def test_nothing_in_it_runs_or_is_fetched(self, text: str) -> None:
        page = parsed(report(poisoned(text), "html"))
        assert not self.FORBIDDEN & set(page.tags)
        assert not [name for name in page.attributes if name.startswith("on") or name in ("src", "style", "srcset")]
        assert all(re.fullmatch(r"#[cm]\d+", target) for target in page.attributes["href"])

    @given(hostile)
    @example(everything)
    def test_it_has_the_tags_it_always_has(self, text: str) -> None:
        # One lane or several: of the picture, only the table and the page around it have the same tags always.
        def count(page: str) -> list[int]:
            tags = parsed(page).tags
            return [tags.count(tag) for tag in ("tr", "td", "code", "details", "style", "svg", "meta", "h2", "b")]

        assert count(report(poisoned(text), "html")) == count(usual("html"))

    def test_its_own_policy_allows_its_style_alone(self) -> None:
        page = parsed(report(comparisons.small(), "html"))
        policy = next(value for value in page.attributes["content"] if "default-src" in value)
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy


@pytest.mark.parametrize("form", ["text", "markdown", "json", "junit", "html"])
def test_depth_is_no_recursion(form: str) -> None:
    pair = both("call", "API", "nova/a.py -> leaf()", changes=(change("slower", "1 ms → 2 ms"),))
    for level in range(3_000):
        make = added if level % 1000 == 500 else both
        pair = make("call", "API", f"nova/a{level % 3}.py -> f()", pair, changes=())
    assert "1 ms" in report(comparison(pair), form, width=150)
