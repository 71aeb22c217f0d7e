"""The lease: hooks check it as they record, once a second and at its end; after its end they record nothing."""

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
    """Yield a lease that is valid for a minute."""
    lease_file = tmp_path / "lease"
    lease_file.touch()
    os.utime(lease_file, (time.time() + 60,) * 2)
    yield lease_file
    lease.let_go()


def test_a_lease_is_valid_until_its_modification_time(path: Path) -> None:
    assert 59 < lease.left(str(path)) <= 60
    os.utime(path, (time.time() - 1,) * 2)
    assert lease.left(str(path)) == 0


def test_a_removed_lease_is_not_valid(path: Path) -> None:
    path.unlink()
    assert lease.left(str(path)) == 0


def test_a_lease_is_checked_once_a_second(path: Path) -> None:
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


def test_without_a_lease_there_is_no_check() -> None:
    assert recorder.clock() < lease.look_at


def test_a_lease_is_checked_when_it_ends(path: Path) -> None:
    """Less than a second is left: the next check is at the end, not a second from now."""
    lease.hold(str(path), dict)
    os.utime(path, (time.time() + 0.5,) * 2)
    now = recorder.clock()
    lease.look(now)
    assert now < lease.look_at <= now + 500_000_000


engine = sqlalchemy.create_engine("sqlite://")

#: Every way to write an event; the argument is an open step.
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
    """Record this process with every hook."""
    monkeypatch.setattr(control, "drop", list)  # it would take patches out of this process
    sys.modules["victim_points"] = victim_points
    options = {"segment_size": 1 << 20, "cap": 1 << 30, "points": [("victim_points", ["*"], [])], "ask": ["ask"]}
    patches.install(str(tmp_path), options)
    yield tmp_path
    patches.uninstall()
    del sys.modules["victim_points"]


@pytest.mark.parametrize("writer", WRITERS)
def test_nothing_is_recorded_after_the_end_of_the_lease(writer: str, capture: Path, path: Path) -> None:
    """The first writer checks the lease, and writes nothing; open steps stay open."""
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
    """Return the present bytes of the segments and ask.log."""
    files = [*capture.rglob("*.seg"), *capture.glob("ask.log")]
    return {file.name: file.read_bytes() for file in files}


def test_a_call_in_flight_at_the_end_of_the_lease_stays_open(capture: Path, path: Path) -> None:
    os.utime(path, (time.time() + 0.3,) * 2)
    lease.hold(str(path), control.expire)

    class Number:
        def __add__(self, other: object) -> int:
            wait_until(lambda: not lease.left(str(path)))
            return 7

    assert victim_points.add(Number()) == 7
    (call,) = segments.read(capture).events
    assert (call.name, call.end) == ("victim_points:add", None)
