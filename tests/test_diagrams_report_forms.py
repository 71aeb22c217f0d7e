"""Reports for their readers: GitHub's limit for a comment, and the schemas of JUnit's readers."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from diagrams import report
from diagrams.report import markdown
from tests.support import comparisons
from tests.support.comparisons import added, both, change, comparison
from tracer.model import Change, Comparison


def many(**counts: int) -> Comparison:
    """Return a comparison with these numbers of changes by severity, with long texts."""
    changes = [
        change("added", f"{severity} {number} {'long ' * 30}end", severity, service="API", where="nova/a.py:1")
        for severity, count in counts.items()
        for number in range(count)
    ]
    return comparison(both("call", "API", "f()"), further=tuple(changes))


class TestMarkdown:
    def test_it_fits_a_comment(self) -> None:
        assert len(report(many(fail=40, warn=100, note=3000, ignore=9000), "markdown")) <= markdown.LIMIT <= 60_000

    def test_the_least_severe_are_the_first_to_be_only_counted(self) -> None:
        text = report(many(fail=40, warn=100, note=3000), "markdown")
        assert all(f"`fail {number} " in text for number in range(40))
        assert all(f"`warn {number} " in text for number in range(100))
        shown = text.count("`note ")
        assert 0 < shown < 3000
        assert f"and {3000 - shown} more, in the report" in text

    def test_failing_changes_that_do_not_fit_are_counted(self) -> None:
        text = report(many(fail=3000, note=7), "markdown")
        shown = text.count("`fail ")
        assert f"and {3000 - shown} more, in the report" in text
        assert "\n7 of them, in the report" in text
        assert text.index("#### 3000 fail") < text.index("<details><summary>7 noted")

    def test_every_details_is_closed(self) -> None:
        text = report(many(fail=1, warn=1, note=1, ignore=1), "markdown")
        assert text.count("<details>") == text.count("</details>") == 2

    def test_a_location_is_file_and_line(self) -> None:
        assert "`nova/quota.py:1102`" in report(comparisons.small(), "markdown")


#: Children in their order, and attributes: what the schemas of Jenkins, Ant and Maven Surefire have in common.
_RULES = {
    "testsuites": (["testsuite"], {"name", "tests", "failures", "errors"}),
    "testsuite": (["testcase", "system-out"], {"name", "tests", "failures", "errors", "skipped", "time"}),
    "testcase": (["failure", "system-out"], {"name", "classname", "time"}),
    "failure": ([], {"type", "message"}),
    "system-out": ([], set()),
}


def parsed(compared: Comparison) -> ElementTree.Element:
    return ElementTree.fromstring(report(compared, "junit"))


class TestJunit:
    @pytest.mark.parametrize("compared", [comparisons.small(), comparison(), many(fail=3, warn=3, note=3, ignore=3)])
    def test_it_matches_the_schemas(self, compared: Comparison) -> None:
        for element in parsed(compared).iter():
            order, attributes = _RULES[element.tag]
            positions = [order.index(child.tag) for child in element]
            assert positions == sorted(positions)
            assert set(element.attrib) == attributes

    def test_its_counts_are_those_of_its_cases(self) -> None:
        root = parsed(comparisons.small())
        for suite in [root, *root]:
            assert int(suite.attrib["tests"]) == len(list(suite.iter("testcase"))) > 0
            assert int(suite.attrib["failures"]) == len(list(suite.iter("failure")))

    def test_one_suite_per_service(self) -> None:
        names = [suite.attrib["name"] for suite in parsed(comparisons.small())]
        assert names == ["boot", "API", "conductor", "scheduler", "compute", "placement", "image", "volume"]

    def test_a_service_without_failures_passes(self) -> None:
        suite = next(suite for suite in parsed(comparisons.small()) if suite.get("name") == "placement")
        assert [(case.get("name"), len(case)) for case in suite] == [("nothing fails", 0)]

    def test_a_warning_passes_and_has_its_text(self) -> None:
        case = next(
            case for case in parsed(comparisons.small()).iter("testcase") if case.get("name") == "warn: version"
        )
        assert case.find("failure") is None
        assert "schedule_and_build_instances 1.23 → 1.25" in (case.findtext("system-out") or "")

    def test_cases_of_the_same_name_are_numbered(self) -> None:
        twice = comparison(*(added("call", "API", "f()") for _ in range(3)))
        names = [case.get("name") for case in parsed(twice).iter("testcase")]
        assert names == ["compared", "added: f()", "added: f() (2)", "added: f() (3)"]

    def test_a_difference_without_a_change_fails(self) -> None:
        assert parsed(comparison(verdict="differs")).get("failures") == "1"

    def test_characters_invalid_in_xml_are_escaped(self) -> None:
        compared = comparison(further=(Change("added", "call", "a\x00", "b\x1b[31m\ufffe\ud800"),))
        text = report(compared, "junit")
        assert r"b\x1b[31m\ufffe\ud800" in text
        assert not re.search("[\x00-\x08\x0b-\x1f]", text)
