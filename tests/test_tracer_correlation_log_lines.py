"""Log lines of no request: those that name an id or report a problem remain in the trace, as many as fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.events import UUID
from tests.test_tracer_unhooked import LOG, MS, SECOND, EventLog
from tracer import trace_file
from tracer.correlation import log_lines
from tracer.correlation.pipeline import correlate
from tracer.events import Events
from tracer.model import Trace


def correlated(log: EventLog) -> Trace:
    return correlate(Events(log.events, [LOG]))


def line(log: EventLog, time: int, message: str, level: str = "INFO") -> None:
    log.line(time).attributes |= {"level": level, "message": message}


def messages(trace: Trace) -> list[str]:
    return [entry.message for entry in trace.lines]


def test_lines_that_name_an_id_or_report_a_problem_remain(tmp_path: Path) -> None:
    log = EventLog()
    line(log, 0, "nothing of interest")
    line(log, 1 * SECOND, "cannot bind", "CRITICAL")
    line(log, 2 * SECOND, f"image {UUID.format(7)} is in use")
    line(log, 3 * SECOND, "old spelling", "WARN")
    log.serve("a", 10 * SECOND, 10 * SECOND + 50 * MS, request_id="req-a", unique_id="1")
    line(log, 10 * SECOND + 20 * MS, "within the request", "ERROR")
    trace = correlated(log)
    assert messages(trace) == ["cannot bind", f"image {UUID.format(7)} is in use", "old spelling"]
    trace_file.write(tmp_path / "t.jsonl", trace)
    assert trace_file.read(tmp_path / "t.jsonl").lines == trace.lines


def test_of_too_many_lines_problems_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "MAX_LINES", 2)
    log = EventLog()
    for second in range(4):
        line(log, second * SECOND, f"image {UUID.format(second)}")
    line(log, 9 * SECOND, "late", "ERROR")
    trace = correlated(log)
    assert messages(trace) == [f"image {UUID.format(0)}", "late"]
    assert trace.warnings == ["3 log lines of no request beyond 2 are left out of the trace; warnings come first"]


def test_a_long_message_keeps_its_beginning_and_its_end() -> None:
    log = EventLog()
    line(log, 0, "Traceback\n" + "x" * 100_000 + "\nOSError: the reason", "ERROR")
    (message,) = messages(correlated(log))
    assert message.startswith("Traceback\n")
    assert message.endswith("\nOSError: the reason")
    assert len(message) < 5000
