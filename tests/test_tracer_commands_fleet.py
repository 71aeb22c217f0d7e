"""``fleet sql``, ``explain --fleet`` and the reports' formats, on a store of real boots."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fleet.fire import check as check_answer
from tests.support.real_boots import DATA
from tracer import trace_file
from tracer.cli import main
from tracer.fleet import store
from tracer.fleet.batches import Batch
from tracer.fleet.rows import rows_of

GALLERY = DATA.parents[1] / "examples" / "gallery" / "boots.trace.jsonl.gz"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of 25 boots that are one real boot, under other ids and each a little longer."""
    path = tmp_path_factory.mktemp("fleet") / "boots.fleet"
    trace = trace_file.read(GALLERY)
    boot = trace.boots[0]
    batch, uuid = Batch(), boot.uuid
    for number in range(25):
        boot.uuid = f"{uuid[:-2]}{number:02}"
        rows = rows_of(boot, "boots.trace.jsonl.gz", {"night": str(number % 5)})
        rows.boot["dur_us"] += number * 1000
        batch.add(rows)
    with store.created(path) as opened:
        assert batch.commit(opened) == 25
    return path


def test_queries(path: Path) -> None:
    query = "SELECT traits['night'] AS night, count(*) AS boots FROM boots GROUP BY 1 ORDER BY 1"
    done = CliRunner().invoke(main, ["fleet", "sql", str(path), query])
    assert done.output.split() == ["night", "boots", *["0", "5", "1", "5", "2", "5", "3", "5", "4", "5"]]
    shell = CliRunner().invoke(main, ["fleet", "sql", str(path), "--json"], input="SELECT 1 AS a;\nSELECT\n2 AS b;\n")
    assert shell.output == '[\n {\n  "a": 1\n }\n]\n[\n {\n  "b": 2\n }\n]\n'
    wrong = CliRunner().invoke(main, ["fleet", "sql", str(path), "SELECT nonsense"])
    assert (wrong.exit_code, "nonsense" in wrong.stderr) == (2, True)


def test_views_for_other_programs(path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    views = CliRunner().invoke(main, ["fleet", "sql", str(path), "--views"]).output
    with duckdb.connect() as connection:
        connection.execute(views)
        (row,) = connection.execute(
            "SELECT (SELECT count(*) FROM boots), (SELECT sum(steps) FROM boots), (SELECT sum(n) FROM steps)"
        ).fetchall()
    check_answer(dict(zip(("boots", "a", "b"), map(int, row), strict=True)), 25)


def test_explain_compares_a_boot_with_its_fleet(path: Path) -> None:
    done = CliRunner().invoke(main, ["explain", str(GALLERY), "vm1", "--fleet", str(path)])
    assert done.exit_code == 0
    text = done.output.partition("Against the fleet\n")[2]
    assert text.startswith("3.35 s, longer than 0% of 25 boots with equal release, image, flavor, ports, volumes")
    content = json.loads(
        CliRunner().invoke(main, ["explain", str(GALLERY), "vm1", "--fleet", str(path), "--json"]).output
    )
    assert content["fleet"]["verdict"] == "nothing"
    other = CliRunner().invoke(main, ["explain", str(GALLERY), "vm1", "--fleet", str(path.parent)])
    assert (other.exit_code, "not a fleet store" in other.stderr) == (2, True)


def test_answers_as_markdown_and_files(path: Path, tmp_path: Path) -> None:
    output = tmp_path / "boot.md"
    uuid = trace_file.read(GALLERY).boots[0].uuid
    done = CliRunner().invoke(main, ["fleet", "boot", str(path), f"{uuid[:-2]}07", "-o", str(output)])
    assert done.exit_code == 0
    assert "| service | step | inside | took | usually | longer than | of |" in output.read_text()


def test_too_few_boots_are_reported_as_such(path: Path) -> None:
    for question in ("since", "hosts"):
        done = CliRunner().invoke(main, ["fleet", question, str(path)])
        assert (done.exit_code, "Cannot tell" in done.output) == (2, True), question
