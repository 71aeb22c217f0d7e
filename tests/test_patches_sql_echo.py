"""SQL echo on existing engines: switched on, kept on against oslo.db and oslo.log, and exactly restored."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patches import sql_echo
from tests.support.recording import recording

sqlalchemy = pytest.importorskip("sqlalchemy")
LOGGER = logging.getLogger("sqlalchemy.engine")


class Statements(logging.Handler):
    """A handler for SQLAlchemy's part of the service's own log."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("sqlalchemy.engine"):
            self.texts.append(record.getMessage())

    def of(self, engine: Any, statement: str) -> bool:
        """Run the statement, and return whether it is in the log."""
        self.texts.clear()
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(statement))
        return statement in self.texts


@pytest.fixture
def service_log() -> Statements:
    handler = Statements()
    logging.getLogger().addHandler(handler)
    logging.getLogger("sqlalchemy").setLevel(logging.WARNING)
    return handler


@pytest.fixture
def engine() -> Iterator[Any]:
    engine_ = sqlalchemy.create_engine("sqlite://")
    yield engine_
    engine_.dispose()


def test_statements_of_an_existing_engine_are_logged_while_hooked(
    tmp_path: Path, service_log: Statements, engine: Any
) -> None:
    assert not service_log.of(engine, "SELECT 1")
    with recording(tmp_path, hooks=["echo"], echo=True):
        assert service_log.of(engine, "SELECT 2")
    assert not service_log.of(engine, "SELECT 3")
    assert LOGGER.level == logging.NOTSET


def test_echo_is_off_without_the_option(tmp_path: Path, service_log: Statements, engine: Any) -> None:
    with recording(tmp_path, hooks=["echo"]):
        assert not service_log.of(engine, "SELECT 1")


@pytest.mark.parametrize("connection_debug", [0, 50])
def test_the_level_that_oslo_db_sets_takes_effect_in_the_end(
    tmp_path: Path, service_log: Statements, engine: Any, connection_debug: int
) -> None:
    engines = pytest.importorskip("oslo_db.sqlalchemy.engines")
    with recording(tmp_path, hooks=["echo"], echo=True):
        late = engines.create_engine("sqlite://", connection_debug=connection_debug)
        assert service_log.of(late, "SELECT 1")
        assert service_log.of(engine, "SELECT 2")
    assert LOGGER.level == (logging.INFO if connection_debug else logging.WARNING)
    assert service_log.of(late, "SELECT 3") == bool(connection_debug)
    late.dispose()


def test_echo_stays_on_when_oslo_log_sets_default_levels(tmp_path: Path, service_log: Statements, engine: Any) -> None:
    cfg = pytest.importorskip("oslo_config.cfg")
    log = pytest.importorskip("oslo_log.log")
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    conf(["--log-file", str(tmp_path / "service.log")])
    root = logging.getLogger()
    with recording(tmp_path / "cap", hooks=["echo"], echo=True):
        log.setup(conf, "nova")
        root.addHandler(service_log)
        assert service_log.of(engine, "SELECT 1")
        assert "SELECT 1" in (tmp_path / "service.log").read_text()
    for handler in root.handlers:
        handler.close()


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.ERROR])
def test_the_hosts_own_level_is_restored(tmp_path: Path, engine: Any, service_log: Statements, level: int) -> None:
    LOGGER.setLevel(level)
    with recording(tmp_path, hooks=["echo"], echo=True):
        assert service_log.of(engine, "SELECT 1")
        assert LOGGER.level == min(level, logging.INFO)
    assert LOGGER.level == level


def test_a_level_set_meanwhile_takes_effect_in_the_end(tmp_path: Path, engine: Any, service_log: Statements) -> None:
    with recording(tmp_path, hooks=["echo"], echo=True):
        LOGGER.setLevel(logging.ERROR)
        assert service_log.of(engine, "SELECT 1")
        logging.getLogger("nova").setLevel("INFO")
    assert (LOGGER.level, logging.getLogger("nova").level) == (logging.ERROR, logging.INFO)


def test_an_invalid_level_is_refused(tmp_path: Path, engine: Any) -> None:
    with recording(tmp_path, hooks=["echo"], echo=True), pytest.raises(ValueError, match="LOUD"):
        LOGGER.setLevel("LOUD")
    assert sql_echo._wanted == {}


def test_a_connection_that_is_out_stays_silent_until_its_next_checkout(
    tmp_path: Path, service_log: Statements, engine: Any
) -> None:
    with engine.connect() as out, recording(tmp_path, hooks=["echo"], echo=True):
        out.execute(sqlalchemy.text("SELECT 1"))
        assert service_log.texts == []
        out.close()
        assert service_log.of(engine, "SELECT 2")
