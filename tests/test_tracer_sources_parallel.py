"""Parallel reading: the same results in the same order, errors in their turn, no leftover process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import astuple
from pathlib import Path

import pytest

from tests.support.log_traces import DIABLO, nova34
from tests.support.waiting import children, wait_until
from tracer.errors import TracerError
from tracer.sources import inputs, parallel
from tracer.sources.logs.detect import Hints


def size(path: Path, *, on_progress: parallel.OnProgress) -> int:
    on_progress(0.5)
    if path.name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if path.name == "refuse":
        raise TracerError(f"{path}: refused")
    if path.name == "long":
        for _ in range(1200):
            time.sleep(0.05)
            on_progress(0.5)
    return len(path.name)


def ignore(path: Path, share: float) -> None:
    pass


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_results_are_in_the_order_of_the_paths(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    paths = [Path("x" * length) for length in (3, 1, 4, 1, 5, 9, 2, 6)]
    assert list(parallel.map_paths(size, paths, list(range(8)), ignore)) == [3, 1, 4, 1, 5, 9, 2, 6]
    assert children(os.getpid()) == []


def test_progress_is_reported() -> None:
    reports: list[tuple[Path, float]] = []
    list(parallel.map_paths(size, [Path("a"), Path("b")], [1, 2], lambda path, share: reports.append((path, share))))
    assert sorted(reports) == [(Path("a"), 0.5), (Path("b"), 0.5)]


@pytest.mark.parametrize(("name", "reason"), [("die", "its reader process was killed"), ("refuse", "refused")])
def test_an_error_is_raised_in_its_turn(name: str, reason: str) -> None:
    results = parallel.map_paths(size, [Path("a"), Path(name), Path("b")], [0, 9, 0], ignore)
    assert next(results) == 1
    with pytest.raises(TracerError, match=rf"\A{name}: {reason}"):
        next(results)
    assert children(os.getpid()) == []


def test_the_death_of_all_helpers_is_reported() -> None:
    with pytest.raises(TracerError, match="die: its reader process was killed"):
        list(parallel.map_paths(size, [Path("a"), Path("die"), Path("die")], [0, 9, 9], ignore))


def test_closing_early_leaves_no_process() -> None:
    with closing(parallel.map_paths(size, [Path("a"), Path("long")], [0, 1], ignore)) as results:
        assert next(results) == 1
        assert len(children(os.getpid())) == 2
    assert children(os.getpid()) == []


PARENT = f"""
from pathlib import Path
from tests.{Path(__file__).stem} import ignore, size
from tracer.sources import parallel
print(*parallel.map_paths(size, [Path("long"), Path("long")], [0, 0], ignore))
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_helpers_end_with_their_parent(end: signal.Signals) -> None:
    root = Path(__file__).parent.parent
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=root, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(children(parent.pid)) == 2, 10)
    helpers = [Path(f"/proc/{helper}") for helper in children(parent.pid)]
    parent.send_signal(end)
    parent.wait(10)
    wait_until(lambda: not any(helper.exists() for helper in helpers), 10)


def test_events_are_the_same_as_on_one_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = list(inputs.expand((nova34(tmp_path), DIABLO)))
    alone: list[object] = []
    together: list[object] = []
    for into, limit in ((alone, 1 << 60), (together, 0)):
        monkeypatch.setattr(inputs, "PARALLEL_FROM", limit)
        for path, events in inputs.read_all(paths, Hints()):
            processes = {id(process): number for number, process in enumerate(events.processes)}
            into.append((path, [processes[id(event.process)] for event in events.events], astuple(events)))
    assert alone == together
    assert len(alone) == len(paths)
