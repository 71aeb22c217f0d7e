"""What is tied to no request: why, whose, what, how often."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from tests.support.events import EPOCH
from tests.support.log_traces import DIABLO, trace
from tests.test_tracer_unhooked import LOG, MS, SECOND, Told
from tracer import trace_file
from tracer.cli import main
from tracer.correlation.pipeline import correlate
from tracer.events import Events
from tracer.model import Unassigned


def untied(told: Told) -> list[tuple[str, str, str, int]]:
    found = correlate(Events(told.events, [LOG])).untied
    return [(left.why, left.kind, left.what, left.count) for left in found]


def test_what_is_tied_is_not_there() -> None:
    told = Told()
    told.takes("a", 0, 50 * MS, request_id="req-a", unique_id="1")
    told.line(20 * MS)
    assert untied(told) == []


def test_lines_say_why_they_are() -> None:
    told = Told()
    told.line(0)
    told.takes("a", 10 * SECOND, 10 * SECOND + 50 * MS, request_id="req-a", unique_id="1")
    told.takes("b", 10 * SECOND, 10 * SECOND + 50 * MS, request_id="req-b", unique_id="2")
    told.line(10 * SECOND + 20 * MS)
    told.line(30 * SECOND)
    told.line(40 * SECOND, "req-nobody's")
    told.add("sql", "", 31 * SECOND, 31 * SECOND, statement="SELECT x FROM services WHERE services.id = ?")
    told.add("log", "oslo_service.periodic_task", 50 * SECOND, 50 * SECOND, message="Running", request_id="req-p")
    told.line(51 * SECOND, "req-p")
    assert untied(told) == [
        ("idle", "log", "nova.x", 1),
        ("periodic", "log", "nova.x", 1),
        ("periodic", "log", "oslo_service.periodic_task", 1),
        ("periodic", "sql", "SELECT services", 1),
        ("start-up", "log", "nova.x", 1),
        ("unknown", "log", "nova.x", 2),
    ]


def test_warnings_are_told_with_their_text() -> None:
    told = Told()
    told.line(0).attributes |= {"level": "WARNING", "message": "No calling threads waiting\nfor it"}
    assert [what for _, _, what, _ in untied(told)] == ["nova.x: No calling threads waiting"]


def test_a_message_of_which_nothing_is_known_is_listed() -> None:
    told = Told()
    told.takes("ping", 0, MS, unique_id="1")
    assert untied(told) == [("unknown", "rpc", "ping", 1)]


def test_list_tells_them(tmp_path: Path) -> None:
    file = tmp_path / "x.trace.jsonl"
    trace_file.write(file, trace(DIABLO))
    assert trace_file.read(file).untied == trace(DIABLO).untied
    told = json.loads(CliRunner().invoke(main, ["list", str(file), "--untied", "--json"]).output)
    assert sum(row["count"] for row in told if row["kind"] == "sql" and row["why"] == "periodic") == 24
    lines = CliRunner().invoke(main, ["list", str(file), "--untied"]).output.splitlines()
    assert len(lines) == len(told)
    assert lines[0].split() == [
        "periodic", "compute", "sql", "SELECT", "services", "5", "2026-11-22T07:20:40.490+00:00",
        "2026-11-22T07:21:00.951+00:00",
    ]  # fmt: skip


def test_list_of_nothing_says_so(tmp_path: Path) -> None:
    file = tmp_path / "x.trace.jsonl"
    trace_file.write(file, correlate(Events()))
    assert CliRunner().invoke(main, ["list", str(file), "--untied"]).output == ("everything belongs to a request\n")


def test_a_crafted_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.trace.jsonl"
    made = correlate(Events())
    made.untied = [Unassigned("because", "compute", "sql", "x", 1, EPOCH, EPOCH)]
    trace_file.write(file, made)
    run = CliRunner().invoke(main, ["list", str(file), "--untied"])
    assert run.exit_code == 2
    assert "x.trace.jsonl:1: invalid line of a trace file: unknown reason 'because'" in run.output
