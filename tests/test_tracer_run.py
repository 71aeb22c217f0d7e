"""``bootseq run`` with real processes: recorded, linked, drawn, and otherwise unchanged."""

from __future__ import annotations

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

from tests.support.events import tree
from tracer import trace_file
from tracer.model import Request
from tracer.sources.hooks import segments

#: A minimal API built like OpenStack's: WebOb on wsgiref, SQLAlchemy, work in a thread.
SERVER = """
import sys, threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import sqlalchemy, webob, webob.dec

from flow import build

once = {"poolclass": sqlalchemy.pool.StaticPool, "connect_args": {"check_same_thread": False}}
engine = sqlalchemy.create_engine("sqlite://", **once)

@webob.dec.wsgify
def application(request):
    request.environ["openstack.request_id"] = "req-0001"
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE IF NOT EXISTS instances (uuid VARCHAR, vm_state VARCHAR)"))
        state = {"uuid": "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11", "state": "active"}
        connection.execute(sqlalchemy.text("INSERT INTO instances (uuid, vm_state) VALUES (:uuid, :state)"), state)
    worker = threading.Thread(target=build)
    worker.start()
    worker.join()
    return webob.Response(json={"server": {}}, status=202, headers={"x-openstack-request-id": "req-0001"})

class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass

server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
print(server.server_port, flush=True)
server.handle_request()
"""
CLIENT = """
import sys, requests
answer = requests.post(f"http://127.0.0.1:{sys.argv[1]}/v2.1/servers", json={"server": {"name": "vm1"}}, timeout=30)
print(answer.status_code)
sys.exit(7)
"""
FLOW = "import time\n\ndef build():\n    return spawn()\n\ndef spawn():\n    pass\n"
#: The same, but spawn takes long.
SLOW = FLOW.replace("pass", "print('in', flush=True)\n    time.sleep(60)")

TRACER = [sys.executable, "-m", "tracer"]
RUN = [*TRACER, "run", "-o", "cap"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write the programs, and a points file for their functions."""
    for name, text in (("nova-api", SERVER), ("client.py", CLIENT), ("flow.py", FLOW)):
        (tmp_path / name).write_text(text)
    (tmp_path / "points.yaml").write_text("flow: [build, spawn]\n")
    return tmp_path


def bootseq(folder: Path, *arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run the tool in a process of its own."""
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 60} | how
    return subprocess.run([*TRACER, *arguments], cwd=folder, check=False, **how)


@contextmanager
def running(folder: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Start a recorded Python, and kill it at the end if it still runs."""
    arguments = [*RUN, "--points", "points.yaml", "--", sys.executable, *command]
    with subprocess.Popen(arguments, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def boot(folder: Path) -> Request:
    done = bootseq(folder, "ingest", "-o", "t.jsonl.gz", "cap")
    assert (done.returncode, done.stderr) == (0, "")
    (request,) = trace_file.read(folder / "t.jsonl.gz").boots
    return request


@pytest.mark.slow
def test_a_client_and_a_server_are_recorded_as_one_boot_and_drawn(folder: Path) -> None:
    """In one capture: the client is first, and the server's steps are below it."""
    with running(folder, "nova-api") as server:
        arguments = [*RUN, "--", sys.executable, "client.py", line(server)]
        client = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        assert (client.stdout, client.stderr, client.returncode) == ("202\n", "", 7)
        assert server.wait(30) == 0
    request = boot(folder)
    assert (request.outcome, request.request_id) == ("active", "req-0001")
    assert request.uuid == "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11"
    lines = [line_.strip() for line_ in tree(request).splitlines() if " log " not in line_]
    assert lines[:2] == ["client http POST /v2.1/servers", "API http POST /v2.1/servers"]
    assert [line_ for line_ in lines if "instances" in line_] == [
        "API sql CREATE instances", "API sql INSERT instances", "API state instances",
    ]  # fmt: skip
    assert lines[-3:] == ["API handoff flow:build", "API call flow:build", "API call flow:spawn"]
    rows = json.loads(bootseq(folder, "list", "--json", "t.jsonl.gz").stdout)
    assert [row["steps"] for row in rows] == [len(list(request.walk()))]
    assert "flow.py -> build()" in bootseq(folder, "show", "t.jsonl.gz").stdout
    assert bootseq(folder, "draw", "t.jsonl.gz", "-o", "x.svg").returncode == 0
    assert (folder / "x.svg").read_text().startswith("<svg")


def test_the_command_replaces_the_tools_process(folder: Path) -> None:
    """It has the same process id and streams, its exit code is passed on, and options after its name are its own."""
    code = "import os, sys; print(os.getpid(), sys.argv[1:], sys.stdin.read()); sys.exit(3)"
    arguments = [*RUN, sys.executable, "-c", code, "-o", "--help"]
    with subprocess.Popen(arguments, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        output, _ = process.communicate("typed", timeout=60)
    assert output == f"{process.pid} ['-o', '--help'] typed\n"
    assert process.returncode == 3


def test_signals_reach_the_command(folder: Path) -> None:
    """The exit code is that of the signal."""
    with running(folder, "-c", "import time; print('up', flush=True); time.sleep(60)") as process:
        assert line(process) == "up"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM


@pytest.mark.slow
def test_a_killed_commands_calls_stay_open(folder: Path) -> None:
    """After a kill -9 in the middle of a call it is recorded as unfinished, below its caller."""
    (folder / "flow.py").write_text(SLOW)
    with running(folder, "-c", "import flow; flow.build()") as process:
        assert line(process) == "in"
        process.kill()
        process.wait(30)
    done = bootseq(folder, "ingest", "-o", "t.jsonl", "cap")
    assert done.stdout == "t.jsonl: 0 boots and 0 other requests from 2 events of 1 process\n"
    outer, inner = sorted(segments.read(folder / "cap").events, key=lambda event: event.number)
    assert (outer.name, outer.end) == ("flow:build", None)
    assert (inner.name, inner.end, inner.parent) == ("flow:spawn", None, outer.number)


@pytest.mark.slow
def test_errors_of_run_are_one_line(folder: Path) -> None:
    """With exit code 2; the command is not started."""
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis").touch()
    for arguments, message in [
        (["-o", "cap", "no-such-command-here"], "no-such-command-here: no such command"),
        (["-o", "mine", "ls"], "mine: not a capture and not empty; name a folder that does not exist yet"),
        (["-o", "cap", "--points", "none.yaml", "ls"], "none.yaml: cannot be read: No such file or directory"),
    ]:
        done = bootseq(folder, "run", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"bootseq: {message}\n")


@pytest.mark.slow
def test_an_unwritable_stdout_is_reported_in_one_line(folder: Path) -> None:
    """A full disk is reported; a closed pipe ends the command silently."""
    with Path("/dev/full").open("w") as full:
        done = bootseq(folder, "list", "--help", stdout=full)
    assert (done.returncode, done.stderr) == (2, "bootseq: cannot write: No space left on device\n")
    reading, writing = os.pipe()
    os.close(reading)
    done = bootseq(folder, "list", "--help", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_encoding_without_arrows_gets_escapes(folder: Path) -> None:
    done = bootseq(folder, "ingest", "--help", env=os.environ | {"PYTHONIOENCODING": "latin-1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "PATH\\u2026" in done.stdout


@pytest.mark.slow
def test_many_processes_share_one_capture(folder: Path) -> None:
    arguments = [
        *RUN,
        "--points",
        "points.yaml",
        "--",
        sys.executable,
        "-c",
        "import flow\nfor _ in range(100): flow.build()",
    ]
    processes = [subprocess.Popen(arguments, cwd=folder) for _ in range(6)]
    assert [process.wait(60) for process in processes] == [0] * 6
    done = bootseq(folder, "ingest", "-o", "t.jsonl", "cap")
    assert done.stdout.endswith("from 1200 events of 6 processes\n")
    assert done.stderr == ""


def test_the_hooks_cause_no_encoding_warnings(folder: Path) -> None:
    done = bootseq(
        folder, "run", "-o", "cap", "--", sys.executable, "-X", "warn_default_encoding", "-c", "import logging"
    )
    assert (done.returncode, done.stderr) == (0, "")
