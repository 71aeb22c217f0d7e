"""Reading logs: each record goes to what understands its logger, and becomes a log line where nothing does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tracer.event import Events
from tracer.sources.logs import asked, carrot, messaging, records, requests, statements, texts
from tracer.sources.logs.commands import Commands
from tracer.sources.logs.records import Record
from tracer.sources.logs.service import Service

_SUFFIXES = (".gz", ".log", ".txt", ".out")
#: At DEBUG these tell how a library gets on, nothing of what the service does.
_NOISE = ("urllib3", "requests.packages", "stevedore", "amqp", "routes.middleware")


def read(path: Path, offset: int = 0) -> Events:
    """The events of one log; ``offset``: seconds that the zone of its clock is ahead of UTC."""
    found = Events()
    log = _Log(path)
    with texts.opened(path) as data:
        for record in records.read(data, offset):
            log.take(record)
        if not log.services:
            found.warnings.append(f"{path}: {'no line of it is of oslo.log' if len(data) else 'empty'}, left out")
    for service in log.services.values():
        service.finish()
        found.processes.append(service.process)
        found.events += service.events
    return found


class _Log:
    """One text and the processes that wrote it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.services: dict[tuple[str, int], Service] = {}
        self._tellers: dict[int, _Tellers] = {}
        self._only: dict[str, Service] = {}

    def take(self, record: Record) -> None:
        """Look at one record."""
        service = self._service(record)
        service.see(record)
        tellers = self._tellers.setdefault(id(service), _Tellers(service))
        if not tellers.take(record):
            service.add_line(record)

    def _service(self, record: Record) -> Service:
        """The process; the only one of a log whose lines do not say which, or where but some do (2011)."""
        name = record.prefix or name_of(self._path)
        only = self._only.get(name)
        if only is not None and (not record.pid or only.process.pid in (0, record.pid)):
            return only
        key = (name, record.pid)
        if key not in self.services:
            self.services[key] = Service(f"log {self._path} {name} {record.pid}", name, record.pid)
        self._only[name] = self.services[key]
        return self.services[key]


class _Tellers:
    """What understands some loggers' records, each with what it remembers of one process."""

    def __init__(self, service: Service) -> None:
        self._sql = statements.Statements(service)
        self._messaging = messaging.Messages(service)
        self._carrot = carrot.Messages(service)
        self._requests = requests.Requests(service)
        self._asked = asked.Asked(service)
        self._commands = Commands(service)

    def take(self, record: Record) -> bool:
        """Whether it was understood, or is noise."""
        logger = record.logger
        if logger.startswith("sqlalchemy.engine"):
            return self._sql.take(record)
        if logger.startswith(("oslo_messaging", "oslo.messaging")):
            return self._messaging.take(record)
        if logger.endswith(".rpc") or ".rpc." in logger:
            return self._carrot.take(record)
        if requests.speaks(logger):
            return self._requests.take(record)
        if asked.speaks(logger):
            return self._asked.take(record)
        if logger.endswith(("processutils", "nova.utils")):
            return self._commands.take(record)
        return record.level == "DEBUG" and logger.startswith(_NOISE)


def name_of(path: Path) -> str:
    """A log's name without its folder, its suffixes and the numbers of rotation."""
    name = path.name
    while True:
        stem, dot, last = name.rpartition(".")
        if not dot or not stem or not (f".{last}" in _SUFFIXES or last.isdigit()):
            return name
        name = stem


def logs_in(folder: Path) -> Iterable[Path]:
    """The files of a folder, and of those in it, that are named like logs."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and any(suffix in (".log", ".gz", ".txt") for suffix in path.suffixes)
    )
