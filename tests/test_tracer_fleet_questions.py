"""The questions on a generated site: what is planted is reported, and nothing else; of nothing planted, nothing."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.fleet.generator import NEW, OLD, Planted, Site, generate
from tracer.cli import main

#: A fleet small enough for a test; tests/fleet/__main__.py asks the same of 1,000 and more boots of 60 days.
SITE = Site(600, days=36, hosts=4)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Planted]:
    path = tmp_path_factory.mktemp("site") / "fleet"
    return path, generate(path, SITE)


def ask(path: Path, *arguments: str, code: int) -> dict[str, Any]:
    """Return the JSON of a question, whose exit code is ``code``."""
    question, *rest = arguments
    done = CliRunner().invoke(main, ["fleet", question, "--json", str(path), *rest], catch_exceptions=False)
    assert done.exit_code == code, done.output + done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def keys_of(table: list[dict[str, Any]]) -> list[int]:
    """Return the keys in a table, sorted."""
    return sorted(int(row["key"]) for row in table if row["key"])


def test_slower_finds_the_planted_steps_and_nothing_else(site: tuple[Path, Planted]) -> None:
    path, planted = site
    day = planted.slow_day.isoformat()
    content = ask(path, "slower", f"day<{day}", f"day>={day}", code=1)
    assert keys_of(content["slower"]) == sorted(planted.slow)
    assert content["faster"] == []
    for row in content["slower"]:
        assert 1.1 <= row["ratio"] <= 1.32
        assert 1 < row["detectable"] < 1.5
    assert ask(path, "slower", f"day>={day}", f"day<{day}", code=0)["slower"] == []


def test_slower_cannot_tell_from_few_units(site: tuple[Path, Planted]) -> None:
    content = ask(site[0], "slower", "day=2026-09-01", "day=2026-09-02", code=2)
    assert content["verdict"] == "cannot tell"
    assert "fewer than 8 units" in content["text"][-1]


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ("release=1.0", f"release={NEW}", "no boot that became active has release=1.0"),
        ("day>2026-09-01", f"release={NEW}", "boots have both"),
        ("nonsense", f"release={NEW}", "not a condition"),
    ],
)
def test_slower_refuses_conditions_that_compare_nothing(
    site: tuple[Path, Planted], a: str, b: str, reason: str
) -> None:
    done = CliRunner().invoke(main, ["fleet", "slower", str(site[0]), a, b])
    assert done.exit_code == 2
    assert reason in done.stderr


def test_since_finds_the_day(site: tuple[Path, Planted]) -> None:
    path, planted = site
    content = ask(path, "since", code=1)
    assert content["changes"]
    assert set(keys_of(content["changes"])) <= set(planted.slow)
    first = planted.slow_day.toordinal()
    assert all(abs(date.fromisoformat(row["since"]).toordinal() - first) <= 1 for row in content["changes"])


def test_failures_finds_the_topmost_steps_that_only_failures_have(site: tuple[Path, Planted]) -> None:
    path, planted = site
    content = ask(path, "failures", code=1)
    assert {row["error"] for row in content["steps"]} == {"NoValidHost", "BuildAbortException"}
    assert set(keys_of(content["steps"])) <= set(planted.failing)
    assert all(row["failed"] == 1 and row["good"] == 0 for row in content["steps"])


def test_laws_find_the_port_that_costs_more(site: tuple[Path, Planted]) -> None:
    path, planted = site
    content = ask(path, "laws", code=1)
    assert {row["r2"] for row in content["laws"]} == {1.0}
    assert [(row["step"], row["old"], row["new"]) for row in content["changed_counts"]] == [("SQL", 3, 5)]
    assert keys_of(content["changed_steps"]) == sorted(planted.port_sql)
    chosen = ask(path, "laws", f"release={NEW}", f"release={OLD}", code=0)
    assert [(row["old"], row["new"]) for row in chosen["changed_counts"]] == [(5, 3)]


def test_boots_by_logs_are_not_compared_with_boots_by_hooks(site: tuple[Path, Planted]) -> None:
    content = ask(site[0], "odd", "--witnesses", "hooks", code=0)
    assert content["verdict"] == "nothing"
    done = CliRunner().invoke(main, ["fleet", "odd", str(site[0]), "--witnesses", "logs"])
    assert (done.exit_code, "no boot has the witnesses logs" in done.stderr) == (2, True)


def test_a_boot_against_its_like(site: tuple[Path, Planted]) -> None:
    content = ask(site[0], "boot", "vm10", code=1)
    assert "longer than" in content["text"][0]
    assert all(0 <= row["percentile"] <= 1 for row in content["steps"])
    done = CliRunner().invoke(main, ["fleet", "boot", str(site[0]), "nobody"])
    assert (done.exit_code, "no boot 'nobody'" in done.stderr) == (2, True)


def test_the_report_has_the_changed_steps_first_and_fetches_nothing(site: tuple[Path, Planted], tmp_path: Path) -> None:
    path, _ = site
    outputs = [tmp_path / f"report.{suffix}" for suffix in ("html", "json", "md", "txt")]
    options = [word for output in outputs for word in ("-o", str(output))]
    done = CliRunner().invoke(main, ["fleet", "report", str(path), *options], catch_exceptions=False)
    assert done.exit_code == 0
    page, content, markdown, text = (output.read_text() for output in outputs)
    assert page.count('<section class="card">') == page.count('class="worse"') == 1
    assert page.index("Changed steps") < page.index("All steps")
    assert "default-src 'none'" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    steps = json.loads(content)["steps"]
    assert steps[0]["depth"] == 0
    assert all(len(step["days"]) <= SITE.days for step in steps)
    assert "## laws" in markdown
    assert "hosts stand out" in text


def test_of_nothing_planted_nothing_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "fleet"
    generate(path, Site(400, days=30, hosts=4, seed=5, planted=False))
    assert ask(path, "slower", "day<2026-09-16", "day>=2026-09-16", code=0)["slower"] == []
    assert ask(path, "since", code=0)["changes"] == []
    assert ask(path, "hosts", code=0)["hosts"] == []
    assert ask(path, "odd", code=0)["boots"] == []
