"""Hooks read what the host's objects hold and ask them nothing; nothing of the host's outlives its last user."""

from __future__ import annotations

import gc
import sqlite3
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from patches import hooks, host_fields, http, recorder, sql
from tests.support.recording import Recorded, recording


class Asked:
    """Counts what it is asked for."""

    asked: list[str]

    def __init__(self) -> None:
        vars(self)["asked"] = []
        vars(self)["own"] = 1

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return self

    @property
    def computed(self) -> int:
        self.asked.append("computed")
        return 2

    def __eq__(self, other: object) -> bool:
        self.asked.append("eq")
        return True

    def __hash__(self) -> int:
        self.asked.append("hash")
        return 1

    def __len__(self) -> int:
        self.asked.append("len")
        return 1


class Slots:
    """Has a slot that is filled and one that is empty."""

    __slots__ = ("__weakref__", "empty", "full")
    shared = 4

    def __init__(self) -> None:
        self.full = 3


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    """SQL and HTTP."""
    with recording(tmp_path / "cap", "sql", "http") as found:
        yield found


def test_a_field_is_read_and_never_asked_for() -> None:
    """Dictionaries, slots and values of the class; no property, no method."""
    thing = Asked()
    assert (
        host_fields.field(thing, "own"),
        host_fields.field(thing, "computed"),
        host_fields.field(thing, "missing"),
    ) == (
        1,
        None,
        None,
    )
    assert thing.asked == []
    assert [host_fields.field(Slots(), name) for name in ("full", "empty", "shared", "missing")] == [3, None, 4, None]


def test_values_by_identity_keep_nothing_and_compare_nothing() -> None:
    """Equal objects have values of their own, which go with them."""
    known: host_fields.ByIdentity[int] = host_fields.ByIdentity()
    one, other = Asked(), Asked()
    known.set(one, 1)
    known.set(other, 2)
    known.set(object(), 3)
    assert (known.get(one), known.get(other), one.asked, other.asked) == (1, 2, [], [])
    gone = weakref.ref(one)
    del one
    assert gone() is None
    assert known.get(other) == 2


def test_a_cursor_is_not_asked_for_its_rows(recorded: Recorded) -> None:
    """SQLAlchemy does not read them after a SELECT; where a cursor merely keeps them they are recorded."""
    reads: list[int] = []

    class Cursor(sqlite3.Cursor):
        @property
        def rowcount(self) -> int:
            reads.append(1)
            return 1

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

    for factory, rows in ((Connection, -1), (sqlite3.Connection, 1)):
        connect = lambda factory=factory: sqlite3.connect(":memory:", factory=factory, check_same_thread=False)  # noqa: E731
        engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.StaticPool)
        with engine.connect() as connection:
            connection.execute(sa.text("create table t (x)"))
            reads.clear()
            connection.execute(sa.text("select 1")).all()
            assert reads == []
            connection.execute(sa.text("insert into t values (1)"))
        assert recorded.events("sql")[-1].attributes["rows"] == rows


def test_no_dialect_outlives_its_engine(recorded: Recorded) -> None:
    """Nor do the engine and its pool."""
    alive: list[weakref.ref[Any]] = []
    for _ in range(5):
        engine = sa.create_engine("sqlite://")
        with engine.connect() as connection:
            connection.exec_driver_sql("select 1")
        alive += [weakref.ref(engine), weakref.ref(engine.dialect), weakref.ref(engine.pool)]
        engine.dispose()
        del engine, connection
    gc.collect()
    assert [reference for reference in alive if reference() is not None] == []
    assert sql._engines == {}


def test_calls_that_the_host_makes_wrongly_switch_nothing_off(recorded: Recorded) -> None:
    """It handles the errors, however many; the next right call is recorded."""
    session = requests.Session()
    for _ in range(3 * hooks.MAX_FAILURES):
        with pytest.raises(AttributeError):
            session.send(object())  # type: ignore[arg-type]
    assert (http.http.enabled, http.http.failures) == (True, 0)


def test_failures_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five within a while switch a hook off; five in a long time do not."""
    tested = hooks.Hook("tested")
    try:
        clock = iter(range(0, 1 << 62, hooks.FORGOTTEN_AFTER // 3))
        monkeypatch.setattr(recorder, "clock", clock.__next__)
        for _ in range(20):
            tested.swallow(ValueError("ours"), blamed=True)
        assert (tested.enabled, tested.failures) == (True, 20)
        monkeypatch.setattr(recorder, "clock", iter(range(1 << 61, 1 << 62)).__next__)
        for _ in range(hooks.MAX_FAILURES):
            tested.swallow(ValueError("ours"), blamed=True)
        assert not tested.enabled
        tested.reset()
        for _ in range(20):
            tested.swallow(MemoryError(), blamed=True)
        assert (tested.enabled, tested.failures) == (True, 0)
    finally:
        del hooks.hooks["tested"]
