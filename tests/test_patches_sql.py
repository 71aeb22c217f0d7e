"""SQL of real SQLAlchemy: statements are recorded with masked parameters, and run unchanged."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from patches import recorder, sql
from tests.support.recording import Recorded, inside_step, recording
from tracer.events import Event

SECRET = "Sq7-the-secret-Zk9"
metadata = sa.MetaData()
instances = sa.Table(
    "instances",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("uuid", sa.String),
    sa.Column("user_data", sa.Text),
    sa.Column("host", sa.String),
)


class Base(orm.DeclarativeBase):
    """The base of the models."""


class User(Base):
    """A model with a secret column."""

    __tablename__ = "users"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
    password: orm.Mapped[str]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """Yield an engine on a database in a file."""
    engine_ = sa.create_engine(f"sqlite:///{tmp_path}/nova_cell1.db")
    metadata.create_all(engine_)
    Base.metadata.create_all(engine_)
    yield engine_
    engine_.dispose()


@pytest.fixture
def recorded(tmp_path: Path, engine: sa.Engine) -> Iterator[Recorded]:
    """Yield a recording of SQL, begun after the engine was created."""
    with recording(tmp_path / "cap", "sql") as recording_:
        yield recording_


def statements(recorded: Recorded) -> list[tuple[Any, Any]]:
    """Return (text, parameters) of every statement."""
    return [(event.attributes["statement"], event.attributes["parameters"]) for event in events(recorded)]


def events(recorded: Recorded) -> list[Event]:
    """Return the events of statements."""
    return recorded.events("sql")


def capture_bytes(recorded: Recorded) -> bytes:
    """Return all bytes of the capture."""
    return b"".join(path.read_bytes() for path in (recorded.capture / "segments").iterdir())


def test_a_statement_has_text_parameters_rows_and_database(recorded: Recorded, engine: sa.Engine) -> None:
    """It is below the step that ran it."""
    with engine.begin() as connection, inside_step() as step:
        connection.execute(sa.insert(instances).values(id=1, uuid="u1", host=None))
        changed = connection.execute(sa.update(instances).values(host="c1").where(instances.c.id == 1))
        assert changed.rowcount == 1
        assert connection.execute(sa.select(instances.c.uuid)).all() == [("u1",)]
    insert, update, select = events(recorded)
    assert insert.attributes["statement"] == "INSERT INTO instances (id, uuid, host) VALUES (?, ?, ?)"
    assert insert.attributes["parameters"] == [1, "u1", None]
    assert update.attributes["rows"] == 1
    assert select.attributes["rows"] == -1  # SQLite does not report it
    assert {event.parent for event in (insert, update, select)} == {step}
    assert str(insert.attributes["database"]).endswith("nova_cell1.db")
    assert insert.end is not None
    assert insert.start <= insert.end <= update.start


def test_parameters_of_secrets_are_masked_by_their_names(recorded: Recorded, engine: sa.Engine) -> None:
    """In inserts, updates, comparisons, lists, by Core and by the ORM."""
    with engine.begin() as connection:
        connection.execute(sa.insert(instances).values(id=1, uuid="u1", user_data=SECRET))
        connection.execute(sa.update(instances).values(user_data=SECRET + "2").where(instances.c.user_data == SECRET))
        connection.execute(
            sa.select(instances).where(instances.c.user_data.in_([SECRET, "x"]), instances.c.id.in_([1, 2]))
        )
        connection.execute(sa.select(instances).where(instances.c.host == "c1", instances.c.user_data.like(SECRET)))
    with orm.Session(engine) as session:
        session.add(User(name="me", password=SECRET))
        session.flush()
        user = session.scalars(sa.select(User).where(User.password == SECRET)).one()
        assert user.password == SECRET
        user.password = SECRET + "3"
        session.commit()
    assert SECRET.encode() not in capture_bytes(recorded)
    parameters = [values for _, values in statements(recorded)]
    assert parameters == [
        [1, "u1", "***"], ["***", "***"], ["***", "***", 1, 2], ["c1", "***"], ["me", "***"], ["***"], ["***", 1],
    ]  # fmt: skip


def test_secrets_among_lists_of_values_are_masked_at_their_positions(recorded: Recorded, engine: sa.Engine) -> None:
    """IN lists of any length, before and after a secret."""
    for length in (1, 3):
        with engine.connect() as connection:
            query = sa.select(instances.c.id).where(
                instances.c.id.in_(list(range(length))),
                instances.c.user_data == SECRET,
                instances.c.host.in_(["a"] * length),
            )
            connection.execute(query).all()
    assert [values for _, values in statements(recorded)] == [[0, "***", "a"], [0, 1, 2, "***", "a", "a", "a"]]


def test_parameters_of_textual_sql_are_masked_by_their_columns(recorded: Recorded, engine: sa.Engine) -> None:
    """The names of its parameters may be arbitrary; literals are part of the text."""
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO users (name, password) VALUES (:a, :b)"), {"a": "me", "b": SECRET})
        connection.execute(sa.text("SELECT 1 FROM users WHERE name = :x AND password = :y"), {"x": "me", "y": SECRET})
        connection.exec_driver_sql("UPDATE users SET password = ? WHERE name = ?", (SECRET, "me"))
        connection.exec_driver_sql(f"SELECT '{SECRET}' FROM users WHERE password = '{SECRET}'")
        connection.exec_driver_sql("SELECT 'plain' FROM users")
    assert SECRET.encode() not in capture_bytes(recorded)
    assert [values for _, values in statements(recorded)] == [["me", "***"], ["me", "***"], ["***", "me"], [], []]
    assert statements(recorded)[-1][0] == "SELECT 'plain' FROM users"


def test_an_executemany_is_recorded_with_its_first_row(recorded: Recorded, engine: sa.Engine) -> None:
    """One statement, with the number of its rows."""
    with engine.begin() as connection:
        connection.execute(
            sa.insert(instances),
            [{"id": number, "uuid": f"u{number}", "user_data": SECRET, "host": "h"} for number in range(3)],
        )
    (event,) = events(recorded)
    assert event.attributes["parameters"] == [0, "u0", "***", "h"]
    assert event.attributes["rows"] == 3
    assert SECRET.encode() not in capture_bytes(recorded)


def test_the_parameters_of_a_multi_row_insert_are_masked_in_every_row(recorded: Recorded, engine: sa.Engine) -> None:
    """``insertmanyvalues`` repeats the names for every row."""
    with orm.Session(engine) as session:
        session.add_all([User(name=f"u{number}", password=SECRET) for number in range(3)])
        session.commit()
    assert SECRET.encode() not in capture_bytes(recorded)
    inserted = [values for text, values in statements(recorded) if text.startswith("INSERT")]
    assert [value for values in inserted for value in values] == ["u0", "***", "u1", "***", "u2", "***"]


def test_an_error_is_recorded_and_passed_on(recorded: Recorded, engine: sa.Engine) -> None:
    """SQLAlchemy wraps the driver's own exception object."""
    with engine.connect() as connection, pytest.raises(sa.exc.OperationalError) as raised:
        connection.exec_driver_sql("SELECT missing FROM nowhere")
    assert isinstance(raised.value.orig, sqlite3.OperationalError)
    (event,) = events(recorded)
    assert event.error == "OperationalError: no such table: nowhere"


def test_a_repeated_text_is_stored_once(recorded: Recorded, engine: sa.Engine) -> None:
    """Over many executions on several engines."""
    other = sa.create_engine("sqlite://")
    for used in (engine, other):
        with used.connect() as connection:
            for number in range(20):
                connection.execute(sa.text("SELECT :number"), {"number": number})
    other.dispose()
    assert capture_bytes(recorded).count(b"SELECT ?") == 1
    assert [bool(event.attributes.get("database")) for event in events(recorded)[::20]] == [True, False]
    assert len(events(recorded)) == 40


def test_the_request_id_is_that_of_the_transaction(recorded: Recorded, engine: sa.Engine) -> None:
    """enginefacade stores its context on the connection; the thread's own may be stale."""

    class Context:
        request_id = "req-own"
        global_request_id = "req-global"

    with engine.connect() as connection:
        connection.info["using_context"] = Context()
        connection.exec_driver_sql("SELECT 1")
        connection.info["using_context"] = None
        connection.exec_driver_sql("SELECT 2")
    first, second = events(recorded)
    assert (first.attributes["request_id"], first.attributes["global_request_id"]) == ("req-own", "req-global")
    assert second.attributes.get("request_id") is None


def test_the_hosts_own_echo_is_unchanged(
    recorded: Recorded, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sqlalchemy.engine")
    engine.echo = True
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT :a"), {"a": 1})
    engine.echo = False
    assert [message for message in caplog.messages if "SELECT" in message] == ["SELECT ?"]
    assert len(events(recorded)) == 1


def test_streams_are_recorded_and_raw_cursors_are_not(recorded: Recorded, engine: sa.Engine) -> None:
    """A raw cursor bypasses SQLAlchemy."""
    raw = engine.raw_connection()
    assert raw.cursor().execute("SELECT 1").fetchall() == [(1,)]
    raw.close()
    with engine.connect() as connection:
        result = connection.execution_options(yield_per=1).execute(sa.text("SELECT 1 UNION SELECT 2"))
        assert list(result.scalars()) == [1, 2]
    assert len(events(recorded)) == 1


@pytest.mark.parametrize("statement", ["SELECT 1", "SELECT missing"])
def test_the_hooks_own_failures_do_not_reach_the_host(
    recorded: Recorded, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """They are counted, and switch the hook off after a few."""

    def fail(*args: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(recorder.recorder, "write", fail)
    for _ in range(7):
        with engine.connect() as connection:
            if statement == "SELECT 1":
                assert connection.exec_driver_sql(statement).all() == [(1,)]
            else:
                with pytest.raises(sa.exc.OperationalError, match="no such column"):
                    connection.exec_driver_sql(statement)
    assert (sql.sql.failures, sql.sql.enabled) == ((5, False) if statement == "SELECT 1" else (7, True))
    sql.sql.failures, sql.sql.enabled = 0, True


def test_a_dialects_override_is_wrapped_once(tmp_path: Path) -> None:
    """Only an override that does not call its base, which is wrapped already; also in dialects imported later."""
    from sqlalchemy.dialects.mssql import pyodbc
    from sqlalchemy.dialects.mysql import mysqldb

    owners = mysqldb.MySQLDialect_mysqldb, pyodbc.MSDialect_pyodbc
    before = [vars(owner)["do_executemany"] for owner in owners]
    with recording(tmp_path / "cap", "sql"):
        changed = [vars(owner)["do_executemany"] is not own for owner, own in zip(owners, before, strict=True)]
        assert changed == [True, False]
    assert [vars(owner)["do_executemany"] for owner in owners] == before


class Cursor:
    """A cursor of a driver that is not installed."""

    rowcount = 1


class Compiled:
    """A statement compiled for drivers with named parameters."""

    positiontup = None


class Context:
    """An execution context without a connection."""

    compiled = Compiled()


@pytest.mark.parametrize("parameters", [{"host": "h", "user_data": SECRET}, {"host": "h", "p_1": SECRET}])
def test_named_parameters_are_masked(recorded: Recorded, parameters: dict[str, Any]) -> None:
    """PyMySQL and psycopg take dicts; they are masked by name and by column."""
    from sqlalchemy.engine.default import DefaultDialect

    name = list(parameters)[1]
    statement = f"UPDATE instances SET user_data=%({name})s WHERE instances.host = %(host)s"

    class Dialect(DefaultDialect):
        pass

    cursor: Any = Cursor()
    cursor.execute = lambda *args: None
    dialect: Any = Dialect()
    dialect.do_execute(cursor, statement, parameters, Context())
    assert statements(recorded) == [(statement, {"host": "h", name: "***"})]
