"""Hooks read fields of the host's objects without running their code, and keep no reference to them."""

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


class Watched:
    """An object that records every access."""

    accesses: list[str]

    def __init__(self) -> None:
        vars(self)["accesses"] = []
        vars(self)["own"] = 1

    def __getattr__(self, name: str) -> Any:
        self.accesses.append(name)
        return self

    @property
    def computed(self) -> int:
        self.accesses.append("computed")
        return 2

    def __eq__(self, other: object) -> bool:
        self.accesses.append("eq")
        return True

    def __hash__(self) -> int:
        self.accesses.append("hash")
        return 1

    def __len__(self) -> int:
        self.accesses.append("len")
        return 1


class Slots:
    """An object with a filled and an empty slot."""

    __slots__ = ("__weakref__", "empty", "full")
    shared = 4

    def __init__(self) -> None:
        self.full = 3


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    """Yield a recording of SQL and HTTP."""
    with recording(tmp_path / "cap", "sql", "http") as recording_:
        yield recording_


def test_a_field_is_read_and_never_accesses_for() -> None:
    """Dictionaries, slots and values of the class; no property, no method."""
    thing = Watched()
    assert (
        host_fields.field(thing, "own"),
        host_fields.field(thing, "computed"),
        host_fields.field(thing, "missing"),
    ) == (
        1,
        None,
        None,
    )
    assert thing.accesses == []
    assert [host_fields.field(Slots(), name) for name in ("full", "empty", "shared", "missing")] == [3, None, 4, None]


def test_a_mapping_by_identity_keeps_no_object_alive_and_compares_none() -> None:
    """Equal objects have separate values, which are dropped with them."""
    known: host_fields.ByIdentity[int] = host_fields.ByIdentity()
    first, other = Watched(), Watched()
    known.set(first, 1)
    known.set(other, 2)
    known.set(object(), 3)
    assert (known.get(first), known.get(other), first.accesses, other.accesses) == (1, 2, [], [])
    gone = weakref.ref(first)
    del first
    assert gone() is None
    assert known.get(other) == 2


def test_a_cursor_is_not_accesses_for_its_rows(recorded: Recorded) -> None:
    """SQLAlchemy does not read it after a SELECT; a plain stored rowcount is recorded."""
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


def test_invalid_calls_of_the_host_do_not_switch_a_hook_off(recorded: Recorded) -> None:
    """They are the host's errors, in any number."""
    session = requests.Session()
    for _ in range(3 * hooks.MAX_FAILURES):
        with pytest.raises(AttributeError):
            session.send(object())  # type: ignore[arg-type]
    assert (http.http.enabled, http.http.failures) == (True, 0)


def test_old_failures_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five failures within a short time switch a hook off; five over a long time do not."""
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
