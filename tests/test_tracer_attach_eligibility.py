"""What cannot be entered is told before anything is stopped, with the reason and, where there is one, the fix."""

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
        found = check(victim.pid)
    assert (found.state, found.reason, found.fix) == ("ready", "", "")


def test_a_stopped_process() -> None:
    with Victim() as victim:
        os.kill(victim.pid, signal.SIGSTOP)
        while "T" not in Path(f"/proc/{victim.pid}/stat").read_text().split()[2]:
            time.sleep(0.01)
        found = check(victim.pid)
        os.kill(victim.pid, signal.SIGCONT)
        assert victim.alive()
    assert (found.state, found.reason, found.fix) == ("cannot", "it is stopped", f"kill -CONT {victim.pid}")


def test_a_process_that_is_no_python() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        found = check(process.pid)
        process.kill()
    assert found.state == "cannot"
    assert "no Python process" in found.reason


def test_a_python_that_is_too_old() -> None:
    python = interpreter("3.6") or interpreter("3.7")
    if python is None:
        pytest.skip("no Python before 3.8 here")
    with subprocess.Popen([python, "-c", "print(1, flush=True); input()"], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = check(process.pid)
        process.kill()
    assert found.state == "cannot"
    assert "the hooks need 3.8" in found.reason


def test_a_process_that_something_else_traces() -> None:
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
            found = check(victim.pid)
            tracer.kill()
        assert victim.alive()
    assert found.state == "cannot"
    assert found.reason.endswith(f"(pid {tracer.pid}) traces it")


def test_a_process_that_has_ended() -> None:
    with subprocess.Popen(["sleep", "0"]) as process:
        while Path(f"/proc/{process.pid}/stat").read_text().split()[2] != "Z":
            time.sleep(0.01)
        assert check(process.pid).reason == "it has ended"


def test_bootseq_itself() -> None:
    assert check(os.getpid()).reason == "it is bootseq itself"


@needs_root
def test_another_users_process_without_rights() -> None:
    """Said by a process without rights, as a user would run it."""
    root = Path(__file__).parent.parent
    report = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "from tracer.attach import eligibility, processes\n"
        "print(json.dumps(eligibility.of_process(processes.read(int(sys.argv[2]))).as_json()))"
    )
    with open_folder() as folder, Victim() as victim:
        shutil.copytree(root / "tracer", folder / "tracer", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(PROGRAM, folder)
        said = subprocess.run(
            ["/usr/bin/python3", "-c", report, str(folder), str(victim.pid)],
            capture_output=True, text=True, check=False, user=65534, group=65534, extra_groups=(),
        )  # fmt: skip
        assert victim.alive()
    found = json.loads(said.stdout or json.dumps({"state": said.stderr}))
    assert found["state"] == "cannot"
    assert "without CAP_SYS_PTRACE" in found["reason"]
    assert found["fix"].startswith("sudo bootseq")


def test_the_machine() -> None:
    for finding in eligibility.of_machine():
        assert finding.pid == 0
        assert finding.state in ("ready", "cannot")
        assert finding.reason
