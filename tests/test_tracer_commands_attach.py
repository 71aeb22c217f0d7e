"""The commands for running processes: their output lines, JSON fields and exit codes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.victims import Victim, open_folder
from tests.support.waiting import wait_until
from tracer.attach import processes, registry
from tracer.attach.eligibility import ProcessReport
from tracer.attach.injection import visits
from tracer.attach.spool_location import Spool
from tracer.cli import main
from tracer.commands import process_reports

FIELDS = {"pid", "service", "python", "state", "reason", "fix"}


def run(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def rows(*arguments: str | Path | int) -> list[dict[str, Any]]:
    """Return the JSON output of a command."""
    result: list[dict[str, Any]] = json.loads(run(*arguments, "--json").stdout)
    for row in result:
        assert set(row) >= FIELDS
    return result


def test_attach_status_and_detach_report_a_process(tmp_path: Path) -> None:
    capture = tmp_path / "capture"
    with Victim() as victim:
        result = run("attach", "--pid", victim.pid, "-o", capture, "--for", "5m")
        assert (result.exit_code, result.stderr) == (0, "")
        assert f"(pid {victim.pid}), Python" in result.stdout
        assert ": attached: " in result.stdout
        victim.ask("log('x')")
        (row,) = rows("status")
        assert (row["pid"], row["state"], row["events"], row["dropped"]) == (victim.pid, "attached", 2, 0)
        assert 200 < row["seconds_left"] <= 300
        assert "sql" in row["hooks"]
        result = run("detach", capture)
        assert result.exit_code == 0
        assert "attributes restored" in result.stdout
        assert rows("status") == []
        assert run("detach", capture).stdout == f"nothing is attached for {capture}\n"


def test_detach_all_discovers_recording_processes(tmp_path: Path) -> None:
    with Victim() as victim:
        run("attach", "--pid", victim.pid, "-o", tmp_path / "capture")
        (row,) = rows("detach", "--all")
        assert (row["pid"], row["state"], row["proved"], row["wrong"]) == (victim.pid, "detached", True, [])


@pytest.mark.slow
def test_attach_prints_json(tmp_path: Path) -> None:
    with Victim() as victim:
        (row,) = rows("attach", "--pid", victim.pid, "-o", tmp_path / "capture")
        assert (row["state"], row["capture"]) == ("attached", str(tmp_path / "capture"))
        assert run("detach", tmp_path / "capture").exit_code == 0


def test_a_process_that_cannot_be_attached_to_sets_the_exit_code(tmp_path: Path) -> None:
    with Victim() as victim:
        result = run("attach", "--pid", victim.pid, "--pid", 1 << 22, "-o", tmp_path / "capture")
        assert (result.exit_code, result.stderr) == (2, f"bootseq: {1 << 22}: no such process\n")
    import subprocess

    with subprocess.Popen(["sleep", "60"]) as process:
        result = run("attach", "--pid", process.pid, "-o", tmp_path / "capture")
        process.kill()
    assert result.exit_code == 1
    assert "cannot: it is no Python process" in result.stdout


@pytest.mark.slow
def test_services_are_attached_to_by_name(tmp_path: Path) -> None:
    program = tmp_path / "nova-bootseq-test"
    program.write_text((Path(__file__).with_name("support") / "victim_program.py").read_text())
    with Victim(program=program) as victim:
        (row,) = rows("attach", "--service", "nova-bootseq-t*", "-o", tmp_path / "capture")
        assert (row["pid"], row["service"], row["state"]) == (victim.pid, "nova-bootseq-test", "attached")
        assert run("detach", tmp_path / "capture").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("attach", "-o", "x"), "nothing to attach to; pass --pid N, --service NAME or --all"),
        (("attach", "--service", "nova-nothing", "-o", "x"), "no process of 'nova-nothing' runs here"),
        (
            ("attach", "--pid", "1", "-o", "x", "--for", "soon"),
            "soon: not a length of time; write it as 50ms, 30s, 10m or 2h",
        ),
        (("detach",), "nothing to detach; pass CAPTURE, --all"),
        (("detach", "nowhere"), "nowhere: no such capture"),
    ],
)
def test_wrong_usage_is_refused_with_a_hint(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"bootseq: {message}")
    assert not (tmp_path / "x").exists()


def test_doctor_reports_a_machine_without_openstack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "services", lambda pattern="*": [])
    *machine, last = rows("doctor")
    assert {row["pid"] for row in machine} == {0}
    assert (last["service"], last["state"]) == ("OpenStack", "none")
    assert "bootseq attach --pid N" in run("doctor").stdout


@pytest.mark.slow
def test_doctor_reports_services_and_their_captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Victim() as victim:
        process = processes.read(victim.pid)
        monkeypatch.setattr(processes, "services", lambda pattern="*": [process])
        assert rows("doctor")[-1]["state"] == "ready"
        run("attach", "--pid", victim.pid, "-o", tmp_path / "capture")
        assert rows("doctor")[-1]["reason"] == f"records into {tmp_path / 'capture'}"
        run("detach", tmp_path / "capture")


def test_doctor_groups_reports_with_the_same_reason() -> None:
    """A line for every service, not for every process; a shared fix is printed once, below the last of them."""
    no = ("3.11", "cannot", "no rights", "sudo bootseq doctor")
    reports = [
        ProcessReport(1, "a", *no),
        ProcessReport(3, "b", *no),
        ProcessReport(2, "a", *no),
        ProcessReport(4, "c", "3.9", "ready"),
    ]
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        process_reports.print_grouped(reports)
    assert output.getvalue().splitlines() == [
        "a (pid 1, 2), Python 3.11: cannot: no rights",
        "b (pid 3), Python 3.11: cannot: no rights",
        "    sudo bootseq doctor",
        "c (pid 4), Python 3.9: ready",
    ]


@pytest.mark.slow
def test_status_reports_inert_hooks_and_how_to_remove_them(tmp_path: Path) -> None:
    """In an idle service, after guard and command were killed and the lease has ended."""
    capture = tmp_path / "a capture"
    with Victim("sleep") as victim:
        run("attach", "--pid", victim.pid, "-o", capture)
        guard = registry.of(capture).guard
        os.kill(guard, signal.SIGKILL)
        wait_until(lambda: registry.of(capture).guard == 0)
        (row,) = rows("status")
        assert (row["state"], row["fix"]) == ("attached", f"bootseq detach '{capture}'")
        assert row["reason"].startswith("its guard was killed")
        os.utime(capture / "lease", (1, 1))
        (row,) = rows("status")
        assert (row["state"], row["fix"], row["seconds_left"]) == ("inert", f"bootseq detach '{capture}'", 0)
        assert row["reason"].startswith("lease over, hooks inert")
        assert run("detach", capture).exit_code == 0
        assert rows("status") == []


@contextmanager
def decoy(folder: Path) -> Iterator[int]:
    """Yield a process of another user that poses as recording, with folder and files of that user."""
    code = (
        "import mmap, os, sys, time\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "os.makedirs(sys.argv[1] + '/segments', exist_ok=True)\n"
        "file = open(sys.argv[1] + '/segments/host-1-1.open', 'w+b')\n"
        "file.write(bytes(8192)); file.flush()\n"
        "held = mmap.mmap(file.fileno(), 8192)\n"
        "print(flush=True)\n"
        "time.sleep(1000)\n"
    )
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process.pid
        process.kill()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be another user")
def test_other_users_recordings_are_reported_and_not_touched(tmp_path: Path) -> None:
    """Their files are neither read nor written, even with --everyone, which visits their process."""
    with open_folder() as shared, Victim() as victim, decoy(shared / "theirs") as pid:
        os.mkfifo(shared / "theirs" / "asks.json")
        (shared / "theirs" / "capture.json").write_text("{}")
        before = sorted(shared.rglob("*"))
        run("attach", "--pid", victim.pid, "-o", tmp_path / "capture")
        states = {row["pid"]: (row["user"], row["capture"], row["events"]) for row in rows("status")}
        assert states[pid] == ("nobody", str(shared / "theirs"), None)
        assert json.loads(run("ask", "list", "--json").stdout) == []
        result = run("detach", "--all")
        assert f"user root, capture {tmp_path / 'capture'}" in result.stdout
        assert f"(pid {pid}, user nobody) records into {shared / 'theirs'}" in result.stderr
        assert (result.exit_code, str(pid) in result.stdout) == (0, False)
        (row,) = rows("detach", "--all", "--everyone")
        assert (row["pid"], row["user"], row["capture"]) == (pid, "nobody", str(shared / "theirs"))
        assert sorted(shared.rglob("*")) == before


@pytest.mark.slow
def test_a_failing_process_does_not_affect_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At attach, status and detach; the exit code is 1."""
    with Victim() as good, Victim() as bad:
        run("attach", "--pid", good.pid, "--pid", bad.pid, "-o", tmp_path / "capture")
        find, tally = visits._entered, Spool.tally

        def failing(process: processes.Process) -> Any:
            if process.pid == bad.pid:
                raise MemoryError("a table of 1 TB")
            return find(process)

        def failing_tally(spool: Spool, pattern: str) -> Any:
            if str(bad.inner_pid) in pattern:
                raise MemoryError("a table of 1 TB")
            return tally(spool, pattern)

        with monkeypatch.context() as patched:
            patched.setattr(visits, "_entered", failing)
            patched.setattr(Spool, "tally", failing_tally)
            again = rows("attach", "--pid", good.pid, "--pid", bad.pid, "-o", tmp_path / "capture")
            assert {row["pid"]: row["state"] for row in again} == {good.pid: "attached", bad.pid: "cannot"}
            assert {row["pid"]: row["state"] for row in rows("status")} == {good.pid: "attached", bad.pid: "cannot"}
            result = run("detach", tmp_path / "capture")
            assert result.exit_code == 1
            assert f"(pid {good.pid}), Python" in result.stdout
            assert (
                "MemoryError: a table of 1 TB; its hooks remove themselves at the next event they would record"
                in result.stdout
            )
        (row,) = rows("detach", "--all")
        assert (row["pid"], row["state"]) == (bad.pid, "detached")
