"""The lease: hooks look at it as they record, at most once a second, and go when it has run out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patches import lease, steps


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A lease that holds for a minute."""
    made = tmp_path / "lease"
    made.touch()
    os.utime(made, (time.time() + 60,) * 2)
    yield made
    lease.let_go()


def test_holds_until_its_time_of_change(path: Path) -> None:
    assert lease.holds(str(path))
    os.utime(path, (time.time() - 1,) * 2)
    assert not lease.holds(str(path))


def test_one_that_is_gone_does_not_hold(path: Path) -> None:
    path.unlink()
    assert not lease.holds(str(path))


def test_is_looked_at_once_a_second(path: Path) -> None:
    ended: list[int] = []
    lease.hold(str(path), lambda: ended.append(1))
    now = steps.clock()
    assert now >= lease.look_at
    lease.look(now)
    assert lease.look_at == now + 1_000_000_000
    path.unlink()
    lease.look(now + 1_000_000_000)
    assert ended == [1]
    assert now + (1 << 40) < lease.look_at


def test_without_one_nobody_looks() -> None:
    assert steps.clock() < lease.look_at


def test_recording_looks(path: Path, tmp_path: Path) -> None:
    """Whatever opens a step or tells of one does."""
    ended: list[int] = []
    steps.start(str(tmp_path / "segments"), 1 << 16, 1 << 20, ())
    try:
        path.unlink()
        for record in (lambda: steps.begin("call", "x"), lambda: steps.happened("call", "x")):
            lease.hold(str(path), lambda: ended.append(1))
            record()
        assert ended == [1, 1]
    finally:
        steps.stop()
