"""Events that are linked to no request: reason, service, name and count."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from tests.support.events import EPOCH
from tests.support.log_traces import DIABLO, trace
from tests.test_tracer_unhooked import LOG, MS, SECOND, EventLog
from tracer import trace_file
from tracer.cli import main
from tracer.correlation.pipeline import correlate
from tracer.events import Events
from tracer.model import Unassigned


def unassigned(log: EventLog) -> list[tuple[str, str, str, int]]:
    entries = correlate(Events(log.events, [LOG])).untied
    return [(entry.why, entry.kind, entry.what, entry.count) for entry in entries]


def test_a_linked_line_is_not_listed() -> None:
    log = EventLog()
    log.serve("a", 0, 50 * MS, request_id="req-a", unique_id="1")
    log.line(20 * MS)
    assert unassigned(log) == []


def test_entries_have_their_reason() -> None:
    log = EventLog()
    log.line(0)
    log.serve("a", 10 * SECOND, 10 * SECOND + 50 * MS, request_id="req-a", unique_id="1")
    log.serve("b", 10 * SECOND, 10 * SECOND + 50 * MS, request_id="req-b", unique_id="2")
    log.line(10 * SECOND + 20 * MS)
    log.line(30 * SECOND)
    log.add("sql", "", 31 * SECOND, 31 * SECOND, statement="SELECT x FROM services WHERE services.id = ?")
    log.add("log", "oslo_service.periodic_task", 50 * SECOND, 50 * SECOND, message="Running", request_id="req-p")
    log.line(51 * SECOND, "req-p")
    assert unassigned(log) == [
        ("idle", "log", "nova.x", 1),
        ("periodic", "log", "nova.x", 1),
        ("periodic", "log", "oslo_service.periodic_task", 1),
        ("periodic", "sql", "SELECT services", 1),
        ("start-up", "log", "nova.x", 1),
        ("unknown", "log", "nova.x", 1),
    ]


def test_a_warning_is_listed_with_its_text() -> None:
    log = EventLog()
    log.line(0).attributes |= {"level": "WARNING", "message": "No calling threads waiting\nfor it"}
    assert [what for _, _, what, _ in unassigned(log)] == ["nova.x: No calling threads waiting"]


def test_an_unlinked_message_is_listed() -> None:
    log = EventLog()
    log.serve("ping", 0, MS, unique_id="1")
    assert unassigned(log) == [("unknown", "rpc", "ping", 1)]


def test_list_prints_unassigned_events(tmp_path: Path) -> None:
    file = tmp_path / "x.trace.jsonl"
    trace_file.write(file, trace(DIABLO))
    assert trace_file.read(file).untied == trace(DIABLO).untied
    rows = json.loads(CliRunner().invoke(main, ["list", str(file), "--untied", "--json"]).output)
    assert sum(row["count"] for row in rows if row["kind"] == "sql" and row["why"] == "periodic") == 24
    lines = CliRunner().invoke(main, ["list", str(file), "--untied"]).output.splitlines()
    assert len(lines) == len(rows)
    assert lines[0].split() == [
        "periodic", "compute", "sql", "SELECT", "services", "5", "2026-11-22T07:20:40.490+00:00",
        "2026-11-22T07:21:00.951+00:00",
    ]  # fmt: skip


def test_list_reports_that_everything_is_assigned(tmp_path: Path) -> None:
    file = tmp_path / "x.trace.jsonl"
    trace_file.write(file, correlate(Events()))
    assert CliRunner().invoke(main, ["list", str(file), "--untied"]).output == ("everything belongs to a request\n")


def test_an_unknown_reason_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.trace.jsonl"
    trace_ = correlate(Events())
    trace_.untied = [Unassigned("because", "compute", "sql", "x", 1, EPOCH, EPOCH)]
    trace_file.write(file, trace_)
    run = CliRunner().invoke(main, ["list", str(file), "--untied"])
    assert run.exit_code == 2
    assert "x.trace.jsonl:1: invalid line of a trace file: unknown reason 'because'" in run.output
