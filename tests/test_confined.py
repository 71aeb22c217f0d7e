"""Confinement: the tests reach only processes that they started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.confinement import below
from tests.support.victims import Victim
from tracer.attach import discovery, processes
from tracer.attach.injection import interpreter


def test_only_processes_of_this_run_are_listed() -> None:
    with Victim() as victim:
        listed = {process.pid for process in processes.everything()}
        assert {os.getpid(), victim.pid} <= listed
        assert os.getppid() not in listed
        assert all(below(pid, os.getpid()) for pid in listed)
        assert {recording.process.pid for recording in discovery.all_recording()} <= listed


def test_a_foreign_process_is_not_entered() -> None:
    with pytest.raises(AssertionError, match=f"process {os.getppid()}, which is not its own"):
        interpreter.find(os.getppid())


def test_a_confined_command_line_lists_only_its_roots_children() -> None:
    command = [sys.executable, "-m", "tests.support.confinement", str(os.getpid()), "detach", "--all"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "nothing is attached\n"), done.stderr
