"""``bootseq ingest`` of logs and message copies: accepted paths, formats, and reports of unreadable files."""

from __future__ import annotations

import gzip
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support import log_records
from tests.support.log_traces import DIABLO, SERVICES
from tests.support.oslo_log_lines import by_json_formatter, exported
from tracer.cli import main
from tracer.sources.logs.records import Record
from tracer.sources.logs.times import Clock
from tracer.tap.message_file import NAME


def ingest(tmp_path: Path, *arguments: object, stdin: bytes | None = None) -> Result:
    output = str(tmp_path / "out.trace.jsonl")
    return CliRunner().invoke(main, ["ingest", "-o", output, *map(str, arguments)], input=stdin)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    shutil.copytree(DIABLO, folder)
    return folder


def test_compressed_rotated_logs_are_read_by_a_pattern(tmp_path: Path, logs: Path) -> None:
    for name in SERVICES:
        (logs / f"{name}.1.gz").write_bytes(gzip.compress((logs / name).read_bytes()))
        (logs / name).unlink()
    run = ingest(tmp_path, logs / "*.gz", logs / "*.jsonl")
    assert run.exit_code == 0, run.output
    assert "1 boot" in run.output


def test_merged_logs_are_read_from_stdin(tmp_path: Path, logs: Path) -> None:
    lines = [
        f"{name}:{line}" if line.startswith("2026") else line
        for name in SERVICES
        for line in (logs / name).read_text().splitlines(keepends=True)
    ]
    run = ingest(tmp_path, "-", stdin="".join(lines).encode())
    assert run.exit_code == 0, run.output
    assert "1 boot" in run.output


def test_an_unreadable_log_is_named_and_the_others_are_read(tmp_path: Path, logs: Path) -> None:
    (logs / "torn.log.gz").write_bytes(b"\x1f\x8b\x08")
    run = ingest(tmp_path, logs)
    assert run.exit_code == 2
    assert run.output.count("torn.log.gz: cannot be read") == 1
    assert "1 boot" in run.output


def test_an_empty_name_is_refused(tmp_path: Path) -> None:
    """An unset shell variable results in one, and it would mean the current folder."""
    run = ingest(tmp_path, "")
    assert (run.exit_code, run.output) == (2, "bootseq: PATH…: empty name; name a file or a folder\n")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run = ingest(tmp_path, tmp_path / "empty")
    assert (run.exit_code, run.output.count("\n")) == (2, 1)


def test_json_lines_that_are_no_copies_are_reported(tmp_path: Path, logs: Path) -> None:
    (logs / "other.jsonl").write_text('{"a": 1}\n')
    run = ingest(tmp_path, logs)
    assert run.exit_code == 0
    assert "other.jsonl: neither message copies nor a log, skipped" in run.output


def test_a_trace_file_is_recognised_and_refused(tmp_path: Path) -> None:
    (tmp_path / "old.trace.jsonl").write_text('{"format": 1}\n')
    run = ingest(tmp_path, tmp_path / "old.trace.jsonl")
    assert run.exit_code == 2
    assert "old.trace.jsonl: already a trace file" in run.output


@pytest.mark.parametrize("offset", ["1", "+25:00", "Middle/Earth", "+01:99", "Europe"])
def test_an_invalid_offset_is_refused(tmp_path: Path, offset: str) -> None:
    run = ingest(tmp_path, "--utc-offset", offset, DIABLO)
    assert run.exit_code == 2
    assert "is neither an offset from UTC" in run.output


def test_local_times_are_converted_to_utc(tmp_path: Path, logs: Path) -> None:
    for name in SERVICES:
        (logs / name).write_text((logs / name).read_text().replace("2026-11-22 07:", "2026-11-22 08:"))
    run = ingest(tmp_path, "--utc-offset", "+01:00", logs)
    assert "1 boot and 0 other requests" in run.output


def test_a_tapped_capture_is_ingested(tmp_path: Path) -> None:
    """``bootseq tap`` writes its copies to a capture, with or without a recording of hooks."""
    (tmp_path / "cap").mkdir()
    (tmp_path / "cap" / "capture.json").write_text("{}")
    shutil.copy(DIABLO / "rpc.jsonl", tmp_path / "cap" / NAME)
    run = ingest(tmp_path, tmp_path / "cap")
    assert run.exit_code == 0, run.output
    assert "1 boot and 0 other requests from 6 events" in run.output
    assert "warning" not in run.output


SITE = "%(asctime)s | %(process)d | %(levelname)s | %(name)s | %(request_id)s | %(message)s"
REWRITTEN = re.compile(r"^2026-11-22 07:(\S+),(\d+) (\w+) (\S+) \[(\S+)([^\]]*)\] ", re.MULTILINE)


def rewrite(logs: Path) -> None:
    """Rewrite the logs of 2011 in the format and time zone of a site in Berlin."""
    for name in SERVICES:
        text = REWRITTEN.sub(r"22.11.2026 08:\1,\2 | 7 | \3 | \4 | \5 | ", (logs / name).read_text())
        assert text.startswith("22.11.2026")
        (logs / name).write_text(text)


def test_log_date_and_zone_options_are_used(tmp_path: Path, logs: Path) -> None:
    rewrite(logs)
    options = (
        "--log-format",
        SITE.replace("%(asctime)s", "%(asctime)s,%(msecs)03d"),
        "--date-format",
        "%d.%m.%Y %H:%M:%S",
    )
    run = ingest(tmp_path, *options, "--utc-offset", "Europe/Berlin", logs)
    assert run.exit_code == 0, run.output
    assert "1 boot and 0 other requests" in run.output


def test_formats_of_a_configuration_file_are_used(tmp_path: Path, logs: Path) -> None:
    rewrite(logs)
    (tmp_path / "nova.conf").write_text(
        "[DEFAULT]\nlog_date_format = %d.%m.%Y %H:%M:%S\n"
        f"logging_context_format_string = {SITE.replace('%(asctime)s', '%(asctime)s,%(msecs)03d')}\n"
    )
    run = ingest(tmp_path, "--from-config", tmp_path / "nova.conf", "--utc-offset", "+01:00", logs)
    assert run.exit_code == 0, run.output
    assert "1 boot and 0 other requests" in run.output


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--log-format", "%(asctime)s"), "has no %(message)s"),
        (("--log-format", "%(levelname)s %(name)s %(message)s"), "contain a time"),
        (("--date-format", "%H:%M"), "contains no day and time"),
        (("--from-config", "/nowhere/nova.conf"), "/nowhere/nova.conf: cannot be read"),
    ],
)
def test_unusable_formats_are_refused(tmp_path: Path, logs: Path, options: tuple[str, str], reason: str) -> None:
    (logs / "nova-api.log").write_text("INFO nova.x said\n")
    run = ingest(tmp_path, *options, logs)
    assert (run.exit_code, run.output.count("\n")) == (2, 1), run.output
    assert reason in run.output


def test_a_journal_is_read_from_stdin(tmp_path: Path) -> None:
    entries = [
        exported(
            [(record.time, line) for record in log_records.read((DIABLO / name).read_bytes(), Clock())
             for line in f"{oslo(record)}".split("\n")], name.removesuffix(".log"), number,
        )
        for number, name in enumerate(SERVICES, 1)
    ]  # fmt: skip
    run = ingest(tmp_path, "-", stdin=b"".join(entries))
    assert run.exit_code == 0, run.output
    assert "1 boot and 0 other requests" in run.output


def oslo(record: Record) -> str:
    """Format a record of 2011 as oslo.log would today."""
    when = datetime.fromtimestamp(record.time / 10**9, UTC).isoformat(" ", "milliseconds")[:23]
    return f"{when} {record.pid} {record.level} {record.logger} [{record.request_id or '-'}] {record.message}"


def test_logs_of_json_lines_are_read_by_their_suffix(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name in SERVICES:
        lines = by_json_formatter(log_records.read((DIABLO / name).read_bytes(), Clock()))
        (tmp_path / "logs" / f"{name.removesuffix('.log')}.jsonl").write_text("\n".join(lines))
    run = ingest(tmp_path, tmp_path / "logs")
    assert run.exit_code == 0, run.output
    assert "1 boot and 0 other requests" in run.output
