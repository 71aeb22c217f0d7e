"""``bootseq ingest`` of logs and message copies: what paths may be, and what is said of those that cannot be read."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.logged import DIABLO, SERVICES
from tracer.cli import main
from tracer.tap.messages import NAME


def ingest(tmp_path: Path, *arguments: object, given: bytes | None = None) -> Result:
    output = str(tmp_path / "out.trace.jsonl")
    return CliRunner().invoke(main, ["ingest", "-o", output, *map(str, arguments)], input=given)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    shutil.copytree(DIABLO, folder)
    return folder


def test_a_pattern_and_packed_rotated_logs(tmp_path: Path, logs: Path) -> None:
    for name in SERVICES:
        (logs / f"{name}.1.gz").write_bytes(gzip.compress((logs / name).read_bytes()))
        (logs / name).unlink()
    run = ingest(tmp_path, logs / "*.gz", logs / "*.jsonl")
    assert run.exit_code == 0, run.output
    assert "1 boot" in run.output


def test_merged_logs_from_stdin(tmp_path: Path, logs: Path) -> None:
    lines = [
        f"{name}:{line}" if line.startswith("2026") else line
        for name in SERVICES
        for line in (logs / name).read_text().splitlines(keepends=True)
    ]
    run = ingest(tmp_path, "-", given="".join(lines).encode())
    assert run.exit_code == 0, run.output
    assert "1 boot" in run.output


def test_one_unreadable_log_stops_with_one_line(tmp_path: Path, logs: Path) -> None:
    (logs / "torn.log.gz").write_bytes(b"\x1f\x8b\x08")
    run = ingest(tmp_path, logs)
    assert run.exit_code == 2
    assert run.output.count("\n") == 1
    assert "torn.log.gz: cannot be read" in run.output


def test_a_folder_with_neither(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run = ingest(tmp_path, tmp_path / "empty")
    assert (run.exit_code, run.output.count("\n")) == (2, 1)


def test_json_lines_that_are_no_copies_are_told(tmp_path: Path, logs: Path) -> None:
    (logs / "other.jsonl").write_text('{"a": 1}\n')
    run = ingest(tmp_path, logs)
    assert run.exit_code == 0
    assert "other.jsonl: no copies of messages, left out" in run.output


@pytest.mark.parametrize("offset", ["1", "+25:00", "CET", "+01:99"])
def test_an_offset_that_is_none(tmp_path: Path, offset: str) -> None:
    run = ingest(tmp_path, "--utc-offset", offset, DIABLO)
    assert run.exit_code == 2
    assert "is no offset from UTC" in run.output


def test_local_time_is_brought_to_the_copies(tmp_path: Path, logs: Path) -> None:
    for name in SERVICES:
        (logs / name).write_text((logs / name).read_text().replace("2026-11-22 07:", "2026-11-22 08:"))
    run = ingest(tmp_path, "--utc-offset", "+01:00", logs)
    assert "1 boot and 0 other requests" in run.output


def test_a_capture_that_was_tapped(tmp_path: Path) -> None:
    """What ``bootseq tap`` writes stands in the capture, beside what hooks record there or alone."""
    (tmp_path / "cap").mkdir()
    (tmp_path / "cap" / "capture.json").write_text("{}")
    shutil.copy(DIABLO / "rpc.jsonl", tmp_path / "cap" / NAME)
    run = ingest(tmp_path, tmp_path / "cap")
    assert run.exit_code == 0, run.output
    assert "1 boot and 0 other requests from 6 events" in run.output
    assert "warning" not in run.output
