"""Reports of a comparison: every format as reviewed, and no format loses a failing change."""

from __future__ import annotations

import json
import re
from html import unescape
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagrams import REPORTS, report
from diagrams.report import common
from tests.support import comparisons, golden
from tests.support.comparisons import both, change, comparison
from tracer.model import Baseline, Change, Comparison
from tracer.model.comparison import CLASSES, SEVERITIES

_SUFFIXES = {"text": "txt", "markdown": "md", "json": "json", "junit": "xml", "html": "html"}
#: The style sheet's digest changes with every edit; one element per line is readable.
_SCRUBS = [(r"sha256-[^']+", "sha256-DIGEST"), (r"(?s)<style>.*</style>", "<style>STYLE</style>"), ("><", ">\n<")]


def compare(name: str, text: str) -> None:
    golden.compare(f"diagrams/{name}", text, _SCRUBS if name.endswith(".html") else [])


@pytest.mark.parametrize("form", REPORTS)
def test_every_format(form: str) -> None:
    compare(f"report.{_SUFFIXES[form]}", report(comparisons.small(), form))


def test_a_wide_terminal_shows_both_trees() -> None:
    compare("report-wide.txt", report(comparisons.small(), width=140))


def test_details_include_noted_and_ignored_changes() -> None:
    compare("report-details.txt", report(comparisons.small(), details=True))


@pytest.mark.parametrize("form", REPORTS)
def test_nothing_changed(form: str) -> None:
    same = comparison(both("call", "API", "compute/api.py.API -> create()"))
    compare(f"report-same.{_SUFFIXES[form]}", report(same, form))


@pytest.mark.parametrize("form", REPORTS)
def test_an_empty_comparison_is_reported(form: str) -> None:
    assert "differs" in report(Comparison(Baseline([]), Baseline([]), [], [], "differs"), form)


def test_classes_and_severities_are_those_of_the_diff() -> None:
    assert list(common.SIGNS) == list(CLASSES)
    assert tuple(common.SEVERITIES) == SEVERITIES


def test_an_unknown_format_is_rejected() -> None:
    with pytest.raises(ValueError, match="no format 'pdf': one of text, markdown, json, junit, html"):
        report(comparisons.small(), "pdf")


@pytest.mark.parametrize("form", REPORTS)
def test_the_same_comparison_gives_the_same_report(form: str) -> None:
    assert report(comparisons.small(), form) == report(comparisons.small(), form)


class TestTerminal:
    def test_the_verdict_comes_first(self) -> None:
        first = report(comparisons.small()).splitlines()[0]
        assert first == "differs: 10 fail, 1 warn, 3 noted, 1 ignored"

    def test_no_colour_by_default(self) -> None:
        assert "\x1b" not in report(comparisons.small(), width=140)

    @pytest.mark.parametrize("width", [80, 140])
    def test_colour_adds_nothing_but_colour(self, width: int) -> None:
        coloured = report(comparisons.small(), width=width, colour=True)
        assert "\x1b[1;31mdiffers" in coloured
        assert re.sub(r"\x1b\[[\d;]+m", "", coloured) == report(comparisons.small(), width=width)

    @pytest.mark.parametrize("width", [1, 40, 80, 119, 120, 200])
    def test_lines_fit_the_width(self, width: int) -> None:
        lines = report(comparisons.small(), width=width, details=True).splitlines()[3:]
        assert max(map(len, lines)) <= max(width, 40)


class TestJson:
    def test_documented_names(self) -> None:
        written = json.loads(report(comparisons.small(), "json"))
        assert written["verdict"] == "differs"
        assert {"class", "severity", "old", "new", "text", "where"} <= written["changes"][0].keys()

    def test_it_holds_every_change(self) -> None:
        small = comparisons.small()
        written = json.loads(report(small, "json"))
        assert [item["text"] for item in written["changes"]] == [item.text for item in small.changes]
        assert sum(written["counts"].values()) == len(small.changes)


#: Long enough that two changes share no text by chance.
_WORDS = st.text("abcdefgh<&|`~é→", min_size=8, max_size=60)
_CHANGES = st.builds(
    Change, class_=st.sampled_from(list(CLASSES)), kind=st.just("call"), text=_WORDS,
    service=st.sampled_from(["", "API", "compute", "other"]), severity=st.sampled_from(SEVERITIES),
    old=st.sampled_from(["", "1-2"]), new=st.sampled_from(["", "1-3"]), where=st.sampled_from(["", "nova/a.py:1"]),
)  # fmt: skip


@pytest.mark.parametrize("form", REPORTS)
@given(changes=st.lists(_CHANGES, max_size=12))
def test_every_failing_change_is_in_every_format(form: str, changes: list[Change]) -> None:
    compared = comparison(both("call", "API", "f()", changes=tuple(changes[::2])), further=tuple(changes[1::2]))
    text = _text_of(form, report(compared, form))
    for failing in changes:
        if failing.severity == "fail":
            assert re.sub(r"\s", "", failing.text) in text, failing.text


def _text_of(form: str, text: str) -> str:
    """Return a report's text without markup and white space."""
    if form == "json":
        text = "\n".join(item["text"] for item in json.loads(text)["changes"])
    elif form == "junit":
        text = "\n".join(failure.get("message", "") for failure in ElementTree.fromstring(text).iter("failure"))
    elif form == "markdown":
        text = text.replace("\\|", "|")
    elif form == "html":
        text = unescape(re.sub(r"<[^>]*>", "", text))
    return re.sub(r"\s", "", text)


def test_a_failing_change_without_a_step_is_reported() -> None:
    compared = comparison(further=(change("outcome", "active → error: NoValidHost"),))
    for form in REPORTS:
        assert re.sub(r"\s", "", "active → error: NoValidHost") in _text_of(form, report(compared, form))
