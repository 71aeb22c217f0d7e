"""Priority lent to a thread of another process: for the duration of the loan and no longer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.victims import Victim
from tracer.attach.injection import inject, interpreter, priority


def goes_first(pid: int) -> bool:
    """Return whether the kernel treats it as a real-time thread."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[15]) < 0


def soon(pid: int, first: bool) -> bool:
    """Wait until it does or does not have priority; return whether that state was reached."""
    deadline = time.monotonic() + 5
    while goes_first(pid) != first and time.monotonic() < deadline:
        time.sleep(0.001)
    return goes_first(pid) == first


@pytest.fixture
def allowed() -> None:
    """Skip without the right to real-time priorities, which a child process tries out."""
    command = [sys.executable, "-c", "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no real-time priorities for us here")


@pytest.mark.usefixtures("allowed")
def test_a_loan_raises_the_priority_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler that the process itself can query stays the same."""
    monkeypatch.setattr(priority, "_AT_MOST", 5.0)
    with Victim("sleep") as victim:
        with priority.Lent(victim.pid):
            assert soon(victim.pid, first=True)
            assert os.sched_getscheduler(victim.pid) == os.SCHED_OTHER
        assert soon(victim.pid, first=False)
        assert os.sched_getscheduler(victim.pid) == os.SCHED_OTHER
        assert victim.alive()


@pytest.mark.usefixtures("allowed")
def test_a_loan_ends_by_itself() -> None:
    with Victim("compute") as victim, priority.Lent(victim.pid):
        assert soon(victim.pid, first=False)


@pytest.mark.usefixtures("allowed")
def test_a_loan_ends_with_the_lender(monkeypatch: pytest.MonkeyPatch) -> None:
    """kill -9 of a lender with a long loan."""
    monkeypatch.setattr(priority, "_AT_MOST", 60.0)
    with Victim("sleep") as victim:
        child = os.fork()
        if child == 0:
            with priority.Lent(victim.pid):
                time.sleep(60)
        assert soon(victim.pid, first=True)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert soon(victim.pid, first=False)


def test_without_the_right_there_is_no_loan_but_text_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The refusal takes no time."""
    monkeypatch.setattr(priority, "put_first", lambda level, tid=0: False)
    with Victim("sleep") as victim:
        with priority.Lent(victim.pid):
            assert not goes_first(victim.pid)
        python, answer = interpreter.find(victim.pid), tmp_path / "answer"
        try:
            inject.run(python, f"open({str(answer)!r}, 'w').close()".encode(), answer.exists, 40)
        finally:
            python.close()
        assert victim.alive()
