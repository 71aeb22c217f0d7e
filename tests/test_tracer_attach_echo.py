"""``bootseq attach --echo``: a running service logs its SQL to its own file while attached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.victims import Victim
from tracer.cli import main
from tracer.sources.hooks import segments

pytest.importorskip("sqlalchemy")
pytest.importorskip("oslo_log")

#: A service with oslo.log and an engine of oslo.db, which sets the level of SQLAlchemy's logger.
SERVICE = """
import logging

import sqlalchemy
from oslo_config import cfg
from oslo_context import context
from oslo_db.sqlalchemy import engines
from oslo_log import log

conf = cfg.ConfigOpts()
log.register_options(conf)
conf(["--log-file", {file!r}])
log.setup(conf, "small")
engine = engines.create_engine("sqlite:///" + {database!r})
with engine.begin() as connection:
    connection.execute(sqlalchemy.text("CREATE TABLE instances (name TEXT)"))

def boot(name, request):
    context.RequestContext(request_id=request)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("INSERT INTO instances VALUES (:name)"), {{"name": name}})
    logging.getLogger("small").warning("booted %s", name)
    return name
"""


def bootseq(*arguments: object) -> Result:
    """Run a command, which must succeed."""
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


def import_service(folder: Path, victim: Victim) -> Path:
    """Import the service into the victim, and return its log file."""
    file = folder / "service.log"
    (folder / "small.py").write_text(SERVICE.format(file=str(file), database=str(folder / "small.db")))
    victim.ask(f"sys.path.insert(0, {str(folder)!r})")
    assert victim.ask("str(__import__('small'))").startswith("<module")
    return file


def sql_loggers(file: Path, request: str) -> list[str]:
    """Return the SQL loggers of the lines in the file with this request id."""
    return re.findall(rf" INFO (sqlalchemy\.engine\S*) \[.*?{request}", file.read_text())


@pytest.mark.parametrize("mode", ["serve", pytest.param("eventlet", marks=pytest.mark.slow)])
def test_statements_are_in_the_services_own_log_while_attached(mode: str, tmp_path: Path) -> None:
    """With the request's id, on an existing engine and connection; the detach restores everything."""
    capture = tmp_path / "capture"
    with Victim(mode) as victim:
        file = import_service(tmp_path, victim)
        assert victim.ask("sys.modules['small'].boot('before', 'req-1')") == "before"
        level = victim.ask("logging.getLogger('sqlalchemy.engine').level")
        victim.ask("remember()")
        bootseq("attach", "--pid", victim.pid, "--echo", "-o", capture)
        assert victim.ask("sys.modules['small'].boot('meanwhile', 'req-2')") == "meanwhile"
        assert "attributes restored" in bootseq("detach", capture).output
        assert victim.ask("sys.modules['small'].boot('after', 'req-3')") == "after"
        assert victim.ask("logging.getLogger('sqlalchemy.engine').level") == level
        assert victim.ask("differences()") == []
        assert victim.alive()
    assert sql_loggers(file, "req-1") == sql_loggers(file, "req-3") == []
    assert len(sql_loggers(file, "req-2")) >= 3  # BEGIN, the statement and its parameters, COMMIT
    text = file.read_text()
    assert text.count("INSERT INTO instances") == 1
    assert [text.count(f"booted {name}") for name in ("before", "meanwhile", "after")] == [1, 1, 1]
    assert "sql" in {event.kind for event in segments.read(capture).events}


def test_without_echo_the_log_has_no_statements(tmp_path: Path) -> None:
    with Victim() as victim:
        file = import_service(tmp_path, victim)
        bootseq("attach", "--pid", victim.pid, "-o", tmp_path / "capture")
        victim.ask("sys.modules['small'].boot('quiet', 'req-1')")
        bootseq("detach", tmp_path / "capture")
    assert sql_loggers(file, "req-1") == []
