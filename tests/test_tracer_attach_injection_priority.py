"""Our priority lent to a thread of another process: while it is held, and not a moment longer."""

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
    """Whether the kernel treats it as if it had a real-time priority."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[15]) < 0


def soon(pid: int, first: bool) -> bool:
    """Whether it comes to that; our loan may last 0.1 seconds."""
    deadline = time.monotonic() + 5
    while goes_first(pid) != first and time.monotonic() < deadline:
        time.sleep(0.001)
    return goes_first(pid) == first


@pytest.fixture
def allowed() -> None:
    """Real-time priorities are not everybody's to use; and this thread is not to keep what it tries."""
    command = [sys.executable, "-c", "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no real-time priorities for us here")


@pytest.mark.usefixtures("allowed")
def test_lent_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """And in all that the process itself can see nothing has changed."""
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
def test_it_ends_with_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """kill -9 of who lends, for as long as that would have been."""
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


def test_without_the_right_there_is_no_loan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It takes no time, and what is to be run is run all the same."""
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
