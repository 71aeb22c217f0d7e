"""The lease: hooks look at it as they record, once a second and at its end, and record nothing after it."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy

import patches
from patches import commands, control, lease, recorder
from tests.support.waiting import wait_until
from tracer.sources.hooks import segments


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A lease that holds for a minute."""
    made = tmp_path / "lease"
    made.touch()
    os.utime(made, (time.time() + 60,) * 2)
    yield made
    lease.let_go()


def test_holds_until_its_time_of_change(path: Path) -> None:
    assert 59 < lease.left(str(path)) <= 60
    os.utime(path, (time.time() - 1,) * 2)
    assert lease.left(str(path)) == 0


def test_one_that_is_gone_does_not_hold(path: Path) -> None:
    path.unlink()
    assert lease.left(str(path)) == 0


def test_is_looked_at_once_a_second(path: Path) -> None:
    ended: list[int] = []
    lease.hold(str(path), lambda: ended.append(1))
    now = recorder.clock()
    assert now >= lease.look_at
    lease.look(now)
    assert lease.look_at == now + 1_000_000_000
    path.unlink()
    lease.look(now + 1_000_000_000)
    assert ended == [1]
    assert now + (1 << 40) < lease.look_at


def test_without_one_nobody_looks() -> None:
    assert recorder.clock() < lease.look_at


def test_is_looked_at_when_it_ends(path: Path) -> None:
    """What is left of it is less than a second: then, and no later."""
    lease.hold(str(path), dict)
    os.utime(path, (time.time() + 0.5,) * 2)
    now = recorder.clock()
    lease.look(now)
    assert now < lease.look_at <= now + 500_000_000


engine = sqlalchemy.create_engine("sqlite://")

#: Each way to write an event; a step is open before.
WRITERS: dict[str, Callable[[int], object]] = {
    "begin": lambda step: recorder.begin("call", "x"),
    "finish": recorder.finish,
    "note": lambda step: recorder.note(step, ("key", "value")),
    "happened": lambda step: recorder.happened("call", "x"),
    "end of a command": lambda step: commands._execute_ends(step, None, FailedError()),
    "log": lambda step: logging.getLogger("bootseq-test").warning("x"),
    "ask": lambda step: logging.getLogger("ask").warning("x"),
    "statement": lambda step: select(),
    "call": lambda step: victim_points.add(1),
    "call that raises": lambda step: add_none(),
}
victim_points: Any = ModuleType("victim_points")
exec("def add(number): return number + 1", vars(victim_points))


def select() -> None:
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT 1"))


def add_none() -> None:
    with pytest.raises(TypeError):
        victim_points.add(None)


class FailedError(Exception):
    exit_code = 1


@pytest.fixture
def capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Recorded into by this process, with every hook."""
    monkeypatch.setattr(control, "drop", list)  # it would take patches out of this process
    sys.modules["victim_points"] = victim_points
    options = {"segment_size": 1 << 20, "cap": 1 << 30, "points": [("victim_points", ["*"], [])], "ask": ["ask"]}
    patches.install(str(tmp_path), options)
    yield tmp_path
    patches.uninstall()
    del sys.modules["victim_points"]


@pytest.mark.parametrize("writer", WRITERS)
def test_nothing_is_recorded_after_its_end(writer: str, capture: Path, path: Path) -> None:
    """Whoever records first looks, and what it would record is not recorded; nor is the end of what goes on."""
    step = recorder.begin("call", "open")
    WRITERS[writer](step)
    WRITERS[writer](recorder.begin("call", "open"))
    lease.hold(str(path), control.expire)
    path.unlink()
    before = contents(capture)
    WRITERS[writer](step)
    assert recorder.recorder is None
    recorder.finish(step)
    assert contents(capture) == before


def contents(capture: Path) -> dict[str, bytes]:
    """Segments and ask.log as they are now."""
    files = [*capture.rglob("*.seg"), *capture.glob("ask.log")]
    return {file.name: file.read_bytes() for file in files}


def test_a_call_in_flight_is_not_recorded_after_its_end(capture: Path, path: Path) -> None:
    """Of a call that began before only its beginning is known."""
    os.utime(path, (time.time() + 0.3,) * 2)
    lease.hold(str(path), control.expire)

    class Number:
        def __add__(self, other: object) -> int:
            wait_until(lambda: not lease.left(str(path)))
            return 7

    assert victim_points.add(Number()) == 7
    (call,) = segments.read(capture).events
    assert (call.name, call.end) == ("victim_points:add", None)
