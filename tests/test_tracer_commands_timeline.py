"""``show --timeline``: everything that names an id, from all services and in no request too, in order of time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.log_traces import DIABLO, nova34
from tracer import trace_file
from tracer.cli import main
from tracer.commands import timeline
from tracer.model import PART

SERVER = "7a7a7a7a-0000-4000-8000-000000000001"
VOLUME = "5e5e5e5e-0000-4000-8000-000000000009"
BOOT, DELETE = (f"req-0a1b2c3d-1111-4aaa-8bbb-00000000000{number}" for number in (1, 2))
_API = f"""\
2024-03-01 10:00:01.500 101 INFO nova.osapi_compute.wsgi.server [{BOOT} u p - default default] 192.0.2.10 \
"POST /v2.1/servers HTTP/1.1" status: 202 len: 500 time: 0.5000000
2024-03-01 10:09:01.500 101 INFO nova.osapi_compute.wsgi.server [{DELETE} u p - default default] 192.0.2.10 \
"DELETE /v2.1/servers/{SERVER} HTTP/1.1" status: 204 len: 500 time: 0.5000000
2024-03-01 10:09:30.000 101 WARNING nova.api [-] low on memory
"""
_COMPUTE = f"""\
2024-03-01 10:00:03.500 202 INFO nova.compute.manager [{BOOT} u p - default default] [instance: {SERVER}] Starting
2024-03-01 10:05:00.000 202 ERROR nova.virt.libvirt.driver [-] [instance: {SERVER}] Guest gone: volume-{VOLUME} lost
Traceback (most recent call last):
  File "driver.py", line 1, in _get
\x1b[31mLibvirtError: no domain
2024-03-01 10:05:01.000 202 INFO nova.compute.manager [-] [instance: {SERVER}] VM Stopped (Lifecycle Event)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "nova-api.log").write_text(_API)
    (tmp_path / "nova-compute.log").write_text(_COMPUTE)
    return ingested(tmp_path / "nova-api.log", tmp_path / "nova-compute.log", file=tmp_path / "t.trace.jsonl")


def ingested(*paths: Path, file: Path) -> Path:
    done = CliRunner().invoke(main, ["ingest", "-o", str(file), *map(str, paths)])
    assert done.exit_code == 0, done.output
    return file


def run(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["show", str(file), *arguments, "--timeline"])


def rows(file: Path, *arguments: str) -> list[dict[str, Any]]:
    done = run(file, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return list(json.loads(done.output))


def test_an_instance_has_the_lines_of_all_services_in_order(file: Path) -> None:
    """In its boot, in its deletion and in no request; each with time, service and level."""
    lines = [line.split("  ", 2) for line in run(file, SERVER).output.splitlines()]
    assert [line[0] for line in lines] == sorted(line[0] for line in lines)
    text = run(file, SERVER).output
    (lost,) = (line for line in text.splitlines() if "Guest gone" in line)
    assert lost.split()[:5] == ["2024-03-01", "10:05:00.000", "-", "compute", "ERROR"]
    assert lost.endswith(f"volume-{VOLUME} lost … �[31mLibvirtError: no domain")
    (deleted,) = (line for line in text.splitlines() if "DELETE" in line)
    assert deleted.split()[3:5] == ["API", "INFO"]
    assert "VM Stopped" in text
    assert "low on memory" not in text


def test_a_boot_is_found_by_request_id_and_number_without_other_requests(file: Path) -> None:
    number = str(next(boot.number for boot in trace_file.read(file).boots))
    for word in (BOOT, number):
        texts = [row["text"] for row in rows(file, word)]
        assert any("POST /v2.1/servers" in text for text in texts)
        assert not any("DELETE" in text for text in texts)


def test_the_beginning_of_a_volumes_uuid_finds_the_line_that_names_it(file: Path) -> None:
    (row,) = rows(file, VOLUME[:13])
    assert (row["service"], row["level"], row["kind"]) == ("compute", "ERROR", "log")
    assert row["logger"] == "nova.virt.libvirt.driver"
    assert "Traceback" in row["text"]
    assert row["time"] == "2024-03-01T10:05:00.000+00:00"


def test_without_a_word_the_whole_file_is_printed(file: Path) -> None:
    trace = trace_file.read(file)
    steps = [step for request in (*trace.boots, *trace.others) for step in request.walk()]
    assert len(rows(file)) == sum(step.name != PART for step in steps) + len(trace.lines)
    assert "low on memory" in run(file).output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--level", "error"], {"Guest gone"}),
        (["--service", "API"], {"POST", "DELETE"}),
        (["--service", "API", "--service", "compute", "--grep", "Sto|DEL"], {"DELETE", "VM Stopped"}),
        (["--level", "CRITICAL"], set()),
    ],
)
def test_filters_keep_what_matches_all_of_them(file: Path, options: list[str], expected: set[str]) -> None:
    lines = run(file, SERVER, *options).output.splitlines()
    assert all(any(word in line for word in expected) for line in lines)
    assert all(any(word in line for line in lines) for word in expected - {"POST"})


def test_bad_words_and_options_are_refused_in_one_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = run(file, "5e5e5e5e-0000-4000-8000-00000000000f")
    assert (missing.exit_code, missing.output.count("\n")) == (2, 1)
    assert "nothing names '5e5e5e5e-0000-4000-8000-00000000000f'" in missing.output
    assert run(file, "--grep", "(").exit_code == 2
    misplaced = CliRunner().invoke(main, ["show", str(file), "--level", "INFO"])
    assert misplaced.exit_code == 2
    assert "is for --timeline" in misplaced.output
    monkeypatch.setattr(timeline, "MAX_ENTRIES", 1)
    assert "narrow them: --level, --service, --grep" in run(file).output


def test_a_boot_of_2011_and_one_of_nova_34_have_a_timeline(tmp_path: Path) -> None:
    """From logs and from copies of messages, by the instance's uuid."""
    for number, folder in enumerate((DIABLO, nova34(tmp_path))):
        file = ingested(folder, file=tmp_path / f"{number}.trace.jsonl")
        (boot,) = trace_file.read(file).boots
        entries = rows(file, boot.uuid)
        assert [row["ns"] for row in entries] == sorted(row["ns"] for row in entries)
        assert {"API", "scheduler", "compute"} <= {row["service"] for row in entries}
        assert {"log", "rpc", "http"} <= {row["kind"] for row in entries}
        assert len(run(file, boot.uuid).output.splitlines()) == len(entries)
