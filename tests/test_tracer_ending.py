"""Unplanned ends: Ctrl-C, SIGTERM, closed pipes, at any moment, and the resulting exit codes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.builders import small_boot
from tests.support.waiting import wait_until
from tracer import trace_file
from tracer.model import Trace

TRACER = [sys.executable, "-m", "tracer"]
ENDS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def fifo(tmp_path: Path) -> Path:
    """Create a pipe without a reader: writing to it blocks."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def waits_in(process: subprocess.Popen[str], call: str) -> bool:
    """Return whether the process waits in this kernel function."""
    try:
        return call in Path(f"/proc/{process.pid}/wchan").read_text()
    except OSError:
        return False


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_a_signal_while_writing_leaves_no_file(tmp_path: Path, number: int, code: int) -> None:
    """Without a traceback, and with the exit code of the signal."""
    trace_file.write(tmp_path / "t.jsonl", Trace([small_boot()], [], {}, []))
    path = fifo(tmp_path)
    # Opened for reading but never read: the writer fills the pipe, and then waits.
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.rename(path, tmp_path / "boot.html")
    command = [*TRACER, "draw", "t.jsonl", "-o", "boot.html"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: waits_in(process, "pipe"), 60, lambda: "it never filled the pipe")
        process.send_signal(number)
        assert process.stderr is not None
        assert (process.wait(30), process.stderr.read()) == (code, "")
    os.close(reader)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_reading_leaves_no_file(tmp_path: Path, number: int) -> None:
    with subprocess.Popen(
        [*TRACER, "ingest", "-o", "t.jsonl", "-"], cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        wait_until(lambda: waits_in(process, "pipe"), 60, lambda: "it never read")
        process.send_signal(number)
        assert process.stderr is not None
        assert (process.wait(30), process.stderr.read()) == (128 + number, "")
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_ctrl_c_at_any_moment_ends_without_a_traceback(tmp_path: Path) -> None:
    """From the first import on: exit code 130 or 0, never 1.

    Before our first and after our last line Python itself ends by the signal, for which shells report 130 too.
    """
    trace_file.write(tmp_path / "t.jsonl", Trace([small_boot()], [], {}, []))
    chance = random.Random(11)
    began = time.monotonic()
    subprocess.run([*TRACER, "list", "t.jsonl"], cwd=tmp_path, capture_output=True, check=True)
    whole = time.monotonic() - began
    codes = set()
    for _ in range(8):
        ready, marker = os.pipe()
        with subprocess.Popen(
            [sys.executable, "-c", f"import os; os.write({marker}, b'x'); from tracer.__main__ import main; main()",
             "list", "t.jsonl"],
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, pass_fds=[marker],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        ) as process:  # fmt: skip
            os.read(ready, 1)
            time.sleep(0.05 + chance.random() * whole)
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            codes.add(process.wait(60))
            assert "Traceback" not in process.stderr.read()
        os.close(ready)
        os.close(marker)
    assert codes <= {0, 130, -signal.SIGINT}


def test_ignored_signals_stay_ignored(tmp_path: Path) -> None:
    """``nohup`` relies on it."""
    with subprocess.Popen(
        ["nohup", *TRACER, "ingest", "-o", "t.jsonl", "-"], cwd=tmp_path, stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        wait_until(lambda: waits_in(process, "pipe"), 60, lambda: "it never read")
        process.send_signal(signal.SIGHUP)
        process.communicate("no log\n", timeout=30)
        assert process.returncode == 2


SERVICE = "import time\nwhile True:\n    time.sleep(0.05)\n"
#: Runs a shell script in a process namespace of its own.
CONFINED = ["unshare", "-pf", "--mount-proc", "--kill-child", "sh", "-c"]


def recording(tmp_path: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command in which $RECORD is ``bootseq record``, beside a service."""
    (tmp_path / "nova-compute").write_text(SERVICE)
    root = Path(__file__).parent.parent
    script = f"""
    {sys.executable} nova-compute & service=$!
    while ! grep -q nova-compute /proc/$service/cmdline; do :; done
    RECORD="{sys.executable} -m tracer record"
    {command}
    code=$?; kill $service; exit $code
    """
    return subprocess.run(
        [*CONFINED, script], cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False,
        env=os.environ | {"PYTHONPATH": str(root)},
    )  # fmt: skip


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may create a process namespace")


@pytest.mark.slow
@needs_root
def test_record_with_a_closed_pipe_still_writes_the_trace(tmp_path: Path) -> None:
    """Data/trust 20: the pipe of its output is closed; no other file is left."""
    done = recording(tmp_path, "$RECORD -o r.trace.jsonl.gz -- sh -c 'sleep 0.2' 2>&1 | true")
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(tmp_path)) == ["nova-compute", "r.trace.jsonl.gz"]
    assert trace_file.read(tmp_path / "r.trace.jsonl.gz").boots == []


@pytest.mark.slow
@needs_root
def test_record_that_is_terminated_writes_the_trace_so_far(tmp_path: Path) -> None:
    """The exit code is that of SIGTERM."""
    command = """
    $RECORD -o r.trace.jsonl.gz -- sh -c 'touch begun; exec sleep 60' & record=$!
    while ! test -e begun; do :; done
    kill -TERM $record; wait $record; test $? = 143
    """
    done = recording(tmp_path, command)
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(tmp_path)) == ["begun", "nova-compute", "r.trace.jsonl.gz"]
    assert "ended early; writing the trace so far" in done.stderr


@pytest.mark.slow
@needs_root
def test_record_to_stdout_writes_only_the_trace(tmp_path: Path) -> None:
    """The recorded command prints to stderr instead."""
    done = recording(tmp_path, "$RECORD -o - -- echo hello")
    assert done.returncode == 0, done.stderr
    (tmp_path / "t").write_text(done.stdout)
    assert trace_file.read(tmp_path / "t").boots == []
    assert "hello" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["nova-compute", "t"]


@pytest.mark.slow
@needs_root
def test_record_does_not_overwrite_a_file_created_meanwhile(tmp_path: Path) -> None:
    """The recording is kept, and the message names it."""
    (tmp_path / "points.yaml").write_text("json: [dumps]\n")
    client = "open('r.trace.jsonl', 'w').write('x'); import json; json.dumps(1)"
    done = recording(tmp_path, f'$RECORD --points points.yaml -o r.trace.jsonl -- {sys.executable} -c "{client}"')
    assert done.returncode == 2
    assert (tmp_path / "r.trace.jsonl").read_text() == "x"
    (capture,) = (name for name in os.listdir(tmp_path) if ".capture-" in name)
    assert (
        f"{tmp_path / capture}: the recording is kept there; make the trace with: bootseq ingest -o r.trace.jsonl "
        in done.stderr
    )
    assert "r.trace.jsonl: cannot be written: it exists" in done.stderr


def refused(*arguments: str | Path) -> str:
    done = subprocess.run([*TRACER, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.slow
def test_record_checks_its_output(tmp_path: Path) -> None:
    """An existing file is refused, a missing folder is not created, an existing capture is not used."""
    (tmp_path / "t").write_text("x")
    reason = "it exists; name another file, or replace it with --force"
    assert (
        refused("record", "-o", tmp_path / "t", "--", "true") == f"bootseq: {tmp_path}/t: cannot be written: {reason}\n"
    )
    assert "No such file or directory" in refused("record", "-o", tmp_path / "none" / "t", "--", "true")
    (tmp_path / "u.capture").mkdir()
    error = refused("record", "--keep", "-o", tmp_path / "u", "--", "true")
    assert error == f"bootseq: {tmp_path}/u.capture: exists; name another output, or omit --keep\n"
    assert sorted(os.listdir(tmp_path)) == ["t", "u.capture"]


@pytest.mark.slow
def test_output_to_stdout_equals_the_file(tmp_path: Path) -> None:
    trace_file.write(tmp_path / "t.jsonl", Trace([small_boot()], [], {}, []))
    for command in (["draw", "t.jsonl"], ["baseline", "t.jsonl"], ["diff", "t.jsonl", "t.jsonl"]):
        (suffix,) = {"draw": [".txt"], "baseline": [""], "diff": [".txt"]}[command[0]]
        outs = []
        for output in (f"out{suffix}", "-"):
            done = subprocess.run(
                [*TRACER, *command, "-o", output], cwd=tmp_path, capture_output=True, text=True, check=True
            )
            outs.append((tmp_path / output).read_text() if output != "-" else done.stdout)
        assert outs[0].replace("out", "-") == outs[1].replace("out", "-") != ""
    assert not (tmp_path / "-").exists()
