"""Processes that cannot be attached to are reported before any is stopped, with a reason and, if possible, a fix."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.victims import PROGRAM, Victim, interpreter, open_folder
from tracer.attach import eligibility, processes
from tracer.attach.eligibility import ProcessReport

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")


def check(pid: int) -> ProcessReport:
    process = processes.read(pid)
    assert process is not None
    return eligibility.of_process(process)


def test_a_python_process_is_ready() -> None:
    with Victim() as victim:
        report = check(victim.pid)
    assert (report.state, report.reason, report.fix) == ("ready", "", "")


def test_a_stopped_process_is_refused_with_the_command_to_continue_it() -> None:
    with Victim() as victim:
        os.kill(victim.pid, signal.SIGSTOP)
        while "T" not in Path(f"/proc/{victim.pid}/stat").read_text().split()[2]:
            time.sleep(0.01)
        report = check(victim.pid)
        os.kill(victim.pid, signal.SIGCONT)
        assert victim.alive()
    assert (report.state, report.reason, report.fix) == ("cannot", "it is stopped", f"kill -CONT {victim.pid}")


def test_a_process_without_python_is_refused() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        report = check(process.pid)
        process.kill()
    assert report.state == "cannot"
    assert "no Python process" in report.reason


def test_a_python_that_is_too_old_is_refused() -> None:
    python = interpreter("3.6") or interpreter("3.7")
    if python is None:
        pytest.skip("no Python before 3.8 here")
    with subprocess.Popen([python, "-c", "print(1, flush=True); input()"], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        report = check(process.pid)
        process.kill()
    assert report.state == "cannot"
    assert "the hooks need 3.8" in report.reason


def test_a_process_that_another_debugger_traces_is_refused() -> None:
    program = (
        "import ctypes, os, sys, time\n"
        "ctypes.CDLL(None).ptrace(0x4206, int(sys.argv[1]), None, None)\n"
        "print(1, flush=True); time.sleep(60)"
    )
    with Victim() as victim:
        command = [sys.executable, "-c", program, str(victim.pid)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as tracer:
            assert tracer.stdout is not None
            tracer.stdout.readline()
            report = check(victim.pid)
            tracer.kill()
        assert victim.alive()
    assert report.state == "cannot"
    assert report.reason.endswith(f"(pid {tracer.pid}) traces it")


def test_an_ended_process_is_refused() -> None:
    with subprocess.Popen(["sleep", "0"]) as process:
        while Path(f"/proc/{process.pid}/stat").read_text().split()[2] != "Z":
            time.sleep(0.01)
        assert check(process.pid).reason == "it has ended"


def test_bootseq_itself_is_refused() -> None:
    assert check(os.getpid()).reason == "it is bootseq itself"


@needs_root
def test_another_users_process_is_refused_without_rights() -> None:
    """Checked by a process without rights, as a user would run it."""
    root = Path(__file__).parent.parent
    script = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "from tracer.attach import eligibility, processes\n"
        "print(json.dumps(eligibility.of_process(processes.read(int(sys.argv[2]))).as_json()))"
    )
    with open_folder() as folder, Victim() as victim:
        shutil.copytree(root / "tracer", folder / "tracer", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(PROGRAM, folder)
        done = subprocess.run(
            ["/usr/bin/python3", "-c", script, str(folder), str(victim.pid)],
            capture_output=True, text=True, check=False, user=65534, group=65534, extra_groups=(),
        )  # fmt: skip
        assert victim.alive()
    report = json.loads(done.stdout or json.dumps({"state": done.stderr}))
    assert report["state"] == "cannot"
    assert "without CAP_SYS_PTRACE" in report["reason"]
    assert report["fix"].startswith("sudo bootseq")


def test_every_report_about_the_machine_has_a_reason() -> None:
    reports = eligibility.of_machine()
    assert reports
    assert [report.pid for report in reports] == [0] * len(reports)
    assert {report.state for report in reports} <= {"ready", "cannot"}
    assert all(report.reason for report in reports)
