"""``bootseq record`` on a running Nova that was started without it: attach, boot, follow, detach, write, show."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.embedded import EmbeddedCloud
from examples.embedded import boot as embedded_boot
from examples.embedded.release import INSIDE, environment, find_release
from tracer import trace_file
from tracer.model import Request

pytestmark = pytest.mark.slow
#: The command, confined to this test run's own services.
BOOTSEQ = [sys.executable, "-m", "tests.support.confinement", str(os.getpid())]


@pytest.fixture(scope="module", params=["native", "eventlet"])
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """Run Nova 34 without bootseq."""
    folder = tmp_path_factory.mktemp("record")
    with EmbeddedCloud("34", folder / "state", threads=request.param) as embedded:
        yield embedded


def client(cloud: EmbeddedCloud, folder: Path, name: str) -> list[str]:
    """Return the command line of a client that requests a server."""
    request = folder / f"{name}.json"
    request.write_text(json.dumps(embedded_boot.Request(names=(name,)).as_json()))
    url = f"http://127.0.0.1:{cloud.ports['nova-api']}/v2.1"
    script = [str(environment(find_release("34"))), str(INSIDE / "client.py")]
    return [*script, "--url", url, "--request", str(request), "--answer", str(folder / "answer.json")]


def test_record_writes_the_tree_of_a_boot_on_a_running_cloud(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    """All services are attached and detached, and unchanged afterwards; the client's request is chapter 1."""
    before = dict(cloud.pids)
    file = tmp_path / "boot.trace.jsonl.gz"
    command = [*BOOTSEQ, "record", "-o", str(file), "--for", "2m", "--", *client(cloud, tmp_path, "recorded")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    (boot,) = trace_file.read(file).boots
    assert (boot.server, boot.outcome) == ("recorded", "active")
    services = [chapter.service for chapter in boot.chapters]
    assert services == ["client", "conductor", "compute", "scheduler"]
    assert all(step.finished for step in boot.walk())
    assert calls(boot) in (13, 14)
    assert "[compute] compute/manager.py.ComputeManager -> build_and_run_instance()" in done.stdout
    assert "not as before" not in done.stderr
    # Where conductor and scheduler have a master and a worker process, both have hooks.
    counted = re.search(r"detached from (\d+) processes, (\d+) proved", done.stderr)
    assert counted is not None
    assert int(counted[1]) == int(counted[2]) >= 5, done.stderr
    assert not file.with_name(f"{file.name}.capture").exists()
    assert cloud.pids == before
    assert cloud.boot("afterwards").state == "active"


def calls(boot: Request) -> int:
    """Count the RPC calls that were sent."""
    sent = [step for step in boot.walk() if step.kind == "rpc" and step.text("mode") == "call"]
    return sum(step.text("side") == "client" for step in sent)


def test_a_command_without_a_boot_is_recorded_and_its_exit_code_passed_on(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    file = tmp_path / "nothing.trace.jsonl"
    command = [*BOOTSEQ, "record", "-o", str(file), "--", sys.executable, "-c", "raise SystemExit(7)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 7, done.stderr
    assert trace_file.read(file).boots == []
