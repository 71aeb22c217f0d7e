"""A visit for stacks: what it reads, and that nothing of the host's runs for it, and nothing stays."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.victims import VERSIONS, Victim, interpreter
from tracer.attach import processes
from tracer.live import visit
from tracer.live.stacks import ProcessStacks, Stack

PROGRAM = Path(__file__).parent / "support" / "trap_program.py"
REQUEST = "req-00000000-0000-4000-8000-000000000001"


class Trapped:
    """A running program full of traps."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def visit(self) -> ProcessStacks:
        """Return what a visit reads."""
        process = processes.read(self._process.pid)
        assert process is not None
        (result,) = visit.visit_all([process])
        return result

    def end(self) -> list[object]:
        """Have it end, and return what it noticed: traps, the dictionary of locals(), what is left."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        noticed: list[object] = ast.literal_eval(self._process.stdout.readline())
        return noticed


@contextmanager
def trapped(folder: Path, python: str = sys.executable, threads: int = 3) -> Iterator[Trapped]:
    """Run the program; it is ready when it is yielded."""
    (folder / "go").touch()
    command = [python, str(PROGRAM), str(threads), str(folder / "go")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Trapped(process)
    finally:
        process.kill()
        process.communicate()


def _worker(result: ProcessStacks) -> Stack:
    return next(stack for stack in result.stacks if stack.thread == "worker")


@pytest.mark.parametrize("version", VERSIONS)
def test_no_trap_runs_and_nothing_stays(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    with trapped(tmp_path, python) as program:
        results = [program.visit() for _ in range(3)]
        noticed = program.end()
    assert [result.problem for result in results] == ["", "", ""]
    assert noticed == [[], [False], [[], 0]]
    assert _worker(results[-1]).all("request") == [REQUEST]


def test_only_ids_and_names_leave_the_process(tmp_path: Path) -> None:
    with trapped(tmp_path) as program:
        text = repr(program.visit())
    assert REQUEST in text
    assert "s3cret" not in text


def test_deep_recursion_keeps_the_innermost_and_the_outermost_frames(tmp_path: Path) -> None:
    with trapped(tmp_path) as program:
        names = [frame.name for frame in _worker(program.visit()).frames]
        while names[:2] != ["wait", "wait"]:  # until the worker has begun to wait
            names = [frame.name for frame in _worker(program.visit()).frames]
    assert names[-4:-1] == ["work", "run", "_bootstrap_inner"]
    assert 200 < len(names) < 220


@pytest.mark.slow
def test_ten_thousand_threads_are_counted_in_bounded_time(tmp_path: Path) -> None:
    with trapped(tmp_path, threads=10_000) as program:
        result = program.visit()
    assert not result.problem
    assert sum(stack.count for stack in result.stacks) + result.unread > 10_000
    assert result.read_ms < 2000


def test_work_that_waits_for_a_worker_is_read() -> None:
    with Victim() as victim:
        victim.ask("globals().update(futures=__import__('concurrent.futures').futures)")
        victim.ask("globals().update(pool=futures.ThreadPoolExecutor(1, thread_name_prefix='builds'))")
        victim.ask("[pool.submit(time.sleep, 30) for _ in range(3)] and None")
        process = processes.read(victim.pid)
        assert process is not None
        (result,) = visit.visit_all([process])
        queued = [stack for stack in result.stacks if stack.kind == "queued"]
        assert {stack.thread for stack in queued} == {"builds_0"}
        assert sum(stack.count for stack in queued) == 2
        assert victim.alive()


def test_greenlets_that_wait_are_read() -> None:
    with Victim("eventlet") as victim:
        victim.ask("globals().update(eventlet=__import__('eventlet'))")
        victim.ask("[eventlet.spawn(eventlet.sleep, 30) for _ in range(3)] and None")
        victim.ask("eventlet.sleep(0)")
        process = processes.read(victim.pid)
        assert process is not None
        (result,) = visit.visit_all([process])
        asleep = [stack for stack in result.stacks if stack.kind == "greenlet" and stack.frames[1].name == "sleep"]
        assert sum(stack.count for stack in asleep) == 3
        assert victim.alive()
