"""Tests reach no process but their own: neither by a command for all, nor by a number."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.confinement import below
from tests.support.victims import Victim
from tracer.attach import discovery, processes
from tracer.attach.injection import interpreter


def test_only_what_this_run_has_started_is_seen() -> None:
    with Victim() as victim:
        seen = {process.pid for process in processes.everything()}
        assert {os.getpid(), victim.pid} <= seen
        assert os.getppid() not in seen
        assert all(below(pid, os.getpid()) for pid in seen)
        assert {each.process.pid for each in discovery.all_recording()} <= seen


def test_no_other_is_entered() -> None:
    with pytest.raises(AssertionError, match=f"process {os.getppid()}, which is not its own"):
        interpreter.find(os.getppid())


def test_the_command_line_as_a_process_of_its_own() -> None:
    """It sees what its root has started and nothing of the machine's."""
    command = [sys.executable, "-m", "tests.support.confinement", str(os.getpid()), "detach", "--all"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "nothing is attached\n"), done.stderr
