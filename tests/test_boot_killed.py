"""A service that is killed in the middle of its work leaves a capture that shows where it was."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from examples.embedded import EmbeddedCloud
from tracer import trace_file
from tracer.cli import main

pytestmark = pytest.mark.slow


def test_a_kill_in_the_middle_of_spawn_leaves_spawn_open(tmp_path: Path) -> None:
    """nova-compute is killed while its driver spawns: spawn, and the steps that wait for it, stay open."""
    capture, file = tmp_path / "cap", tmp_path / "killed.trace.jsonl"
    with EmbeddedCloud("34", tmp_path / "state", capture=capture, spawn_delay=120) as cloud:
        (pending,) = cloud.start_boot(["killed"])
        pending.wait_for("spawn")
        cloud.kill("nova-compute", signal.SIGKILL)
    assert CliRunner().invoke(main, ["ingest", "-o", str(file), str(capture)]).exit_code == 0
    (boot,) = trace_file.read(file).boots
    assert boot.outcome == "unfinished"
    spawn = next(step for step in boot.walk() if step.text("function") == "spawn")
    assert spawn.end is None
    open_steps = {step.address for step in boot.walk() if not step.finished}
    above = [spawn.address.rsplit("-", cut)[0] for cut in range(1, spawn.address.count("-") + 1)]
    # Nova 34 answers the RPC before the build, which runs in a thread: the steps below the hand-off are open.
    assert set(above[:-1]) <= open_steps
    shown = CliRunner().invoke(main, ["show", str(file)]).output
    assert any("spawn()" in line and "unfinished" in line for line in shown.splitlines())
