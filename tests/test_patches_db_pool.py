"""Connection pools: checkouts that waited are steps, those that connected are notes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from diagrams import DETAILS
from diagrams.sequence import fold
from diagrams.words import steps
from patches import db_pool
from tests.support.recording import failing, inside_step, recording
from tracer.correlation import addresses, links
from tracer.sources.hooks import segments

sqlalchemy = pytest.importorskip("sqlalchemy")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    """Yield an engine with a single connection, so that a second checkout has to wait."""
    engine_ = sqlalchemy.create_engine(
        f"sqlite:///{tmp_path / 'db'}",
        poolclass=sqlalchemy.pool.QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=0.1,
        connect_args={"check_same_thread": False},
    )
    yield engine_
    engine_.dispose()


def test_a_connection_that_was_opened_is_a_note_of_the_step_that_needed_it(tmp_path: Path, engine: Any) -> None:
    """It has no number of its own, and is shown among the statements."""
    with recording(tmp_path / "cap", "pool"), inside_step():
        engine.connect().close()
    (head,) = (head for head in links.build(segments.read(tmp_path / "cap").events).heads if head.children)
    addresses.assign([head], {})
    (noted,) = (child for child in head.children if child.kind == "wait")
    assert (noted.numbered, noted.address) == (False, "1/1")
    assert steps.note(noted).startswith("wait: database connection opened by QueuePool ")
    assert [fold.shown_notes([noted], detail) for detail in DETAILS] == [[], [], [], [noted]]


def test_only_the_checkout_that_connects_is_recorded(tmp_path: Path, engine: Any) -> None:
    with recording(tmp_path / "cap", "pool") as recorded:
        with inside_step() as step:
            engine.connect().close()
        for _ in range(5):
            engine.connect().close()
        event = recorded.single("wait")
        assert len(recorded.events()) == 2
    assert (event.name, event.parent, event.error) == ("sqlalchemy.pool:checkout", step, None)
    assert event.attributes == {
        "module": "sqlalchemy.pool",
        "class": "QueuePool",
        "function": "connect",
        "connected": True,
    }


def test_a_checkout_that_waits_is_a_step_as_long_as_the_wait(tmp_path: Path, engine: Any) -> None:
    held = engine.connect()
    with recording(tmp_path / "cap", "pool") as recorded:
        threading.Timer(0.02, held.close).start()
        before = time.monotonic_ns()
        engine.connect().close()
        waited = time.monotonic_ns() - before
        event = recorded.single("call")
    assert event.attributes["connected"] is False
    assert event.end is not None
    assert 10_000_000 <= event.end - event.start <= waited


def test_a_checkout_that_pings_the_database_is_not_recorded(tmp_path: Path, engine: Any) -> None:
    """If its milliseconds counted, the tree of a boot would depend on the load of the machine."""
    engine.connect().close()
    sqlalchemy.event.listen(engine, "checkout", lambda *_: time.sleep(0.02))
    with recording(tmp_path / "cap", "pool") as recorded:
        engine.connect().close()
        assert recorded.events() == []


def test_a_checkout_that_hangs_is_recorded(tmp_path: Path, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_pool, "LONG", 1_000_000)
    engine.connect().close()
    sqlalchemy.event.listen(engine, "checkout", lambda *_: time.sleep(0.02))
    with recording(tmp_path / "cap", "pool") as recorded:
        engine.connect().close()
        assert recorded.single("wait").attributes["connected"] is False


def test_a_checkout_that_times_out_is_recorded_with_its_error(tmp_path: Path, engine: Any) -> None:
    held = engine.connect()
    with recording(tmp_path / "cap", "pool") as recorded:
        with pytest.raises(sqlalchemy.exc.TimeoutError):
            engine.connect()
        event = recorded.single("call")
    held.close()
    assert str(event.error).startswith("TimeoutError: QueuePool limit of size 1")


def test_a_null_pool_is_not_recorded(tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'db'}", poolclass=sqlalchemy.pool.NullPool)
    with recording(tmp_path / "cap", "pool") as recorded:
        engine.connect().close()
        assert recorded.events() == []


def test_a_singleton_thread_pool_records_its_connection_once(tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.SingletonThreadPool)
    with recording(tmp_path / "cap", "pool") as recorded:
        engine.connect().close()
        engine.connect().close()
        assert recorded.single("wait").attributes["class"] == "SingletonThreadPool"
    engine.dispose()


def test_the_hooks_own_failures_do_not_reach_the_host(tmp_path: Path) -> None:
    with recording(tmp_path / "cap", "pool"), failing():
        for number in range(10):
            engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / str(number)}")
            with engine.connect() as connection:
                assert connection.execute(sqlalchemy.text("SELECT 1")).scalar() == 1
            engine.dispose()
        assert not db_pool.pool.enabled
