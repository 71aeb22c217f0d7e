"""Reading logs: each record goes to what understands its logger, and becomes a log line where nothing does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from tracer.correlation import participants
from tracer.errors import TracerError
from tracer.events import Events
from tracer.sources.logs import buffers, detect, http_client, http_server, rpc_carrot, rpc_oslo, sql
from tracer.sources.logs.commands import CommandParser
from tracer.sources.logs.detect import Hints
from tracer.sources.logs.memo import Memo
from tracer.sources.logs.process_log import ProcessLog
from tracer.sources.logs.records import Record
from tracer.sources.logs.times import Clock

_SUFFIXES = (".gz", ".log", ".txt", ".out", ".export", ".jsonl", ".json")
#: At DEBUG these tell how a library gets on, nothing of what the service does.
_NOISE = ("urllib3", "requests.packages", "stevedore", "amqp", "routes.middleware")
_NO_HINTS = Hints()

#: After so many records it is on_progress how far the reading is.
_BATCH = 10_000

#: What looks at a record and says whether it understood it.
RecordParser = Callable[[Record], bool]


def read(path: Path, hints: Hints = _NO_HINTS, on_progress: Callable[[float], None] = lambda share: None) -> Events:
    """The events of one log, in whichever form it is. TracerError where it cannot be read.

    ``on_progress`` hears now and then which share of it has been read, from 0 to 1.
    """
    found = Events()
    log = _LogFile(path)
    lost: Counter[str] = Counter()
    with buffers.opened(path) as data:
        clock = Clock(hints.zone, buffers.modified_at(path))
        try:
            said = detect.read(data, hints.formats, clock, lost)
            while log.take(islice(said, _BATCH)) is not None:
                on_progress(data.share)
        except TracerError as error:
            raise type(error)(f"{path}: {error}") from None
        if not log.process_logs:
            found.warnings.append(f"{path}: {'no line of it is of oslo.log' if len(data) else 'empty'}, left out")
        found.warnings += [f"{path}: {fault}" for fault in (data.fault, data.short and buffers.SHORTENED) if fault]
    found.warnings += [f"{path}: left out of it: {what} ({count})" for what, count in lost.items() if count]
    found.damaged = data.short or data.fault not in ("", buffers.CUT_OFF) or any(map(lost.__getitem__, detect.TORN))
    for service in log.process_logs:
        service.finish()
        found.processes.append(service.process)
        found.events += service.events
    return found


class _LogFile:
    """One text and the processes that wrote it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = name_of(path)
        self._writers: dict[tuple[str, int], _ProcessParsers] = {}
        self._last: dict[str, _ProcessParsers] = {}

    @property
    def process_logs(self) -> list[ProcessLog]:
        """The processes in the order in which they first wrote."""
        return [writer.log for writer in self._writers.values()]

    def take(self, said: Iterable[Record]) -> Record | None:
        """Look at each record; the last of them."""
        record = None
        for record in said:
            pid, _, logger, prefix = record.source
            writer = self._last.get(prefix or self._name)
            # Most records are of the process that the one before was of.
            if writer is None or writer.log.process.pid != pid:
                writer = self._writer(record)
            service = writer.log
            if record.ids[0]:
                service.last_with_id = record
            role, take = writer.parsers_by_logger[logger]
            service.roles[role] += 1
            if not take(record):
                service.add_line(record)
        return record

    def _writer(self, record: Record) -> _ProcessParsers:
        """The process; the only one of a log whose lines do not say which, or where but some do (2011)."""
        name = record.prefix or self._name
        last = self._last.get(name)
        if last is not None and (not record.pid or last.log.process.pid in (0, record.pid)):
            last.log.process.pid = last.log.process.pid or record.pid
            return last
        key = (name, record.pid)
        if key not in self._writers:
            # One file has one clock; a merged one has that of each name in it.
            clock = f"{self._path} {record.prefix}".strip()
            self._writers[key] = _ProcessParsers(
                ProcessLog(f"log {self._path} {name} {record.pid}", name, record.pid, clock)
            )
        self._last[name] = self._writers[key]
        return self._writers[key]


class _ProcessParsers:
    """A process, and what understands its records: each teller with what it remembers of the process."""

    def __init__(self, log: ProcessLog) -> None:
        self.log = log
        #: by logger: the participant whose it is, and who takes its records
        self.parsers_by_logger: Memo[str, tuple[str, RecordParser]] = Memo(
            lambda logger: (participants.of_module(logger), self._parser(logger))
        )
        self._sql = sql.SqlParser(log)
        self._messaging = rpc_oslo.OsloRpcParser(log)
        self._carrot = rpc_carrot.CarrotRpcParser(log)
        self._requests = http_server.HttpServerParser(log)
        self._asked = http_client.HttpClientParser(log)
        self._commands = CommandParser(log)

    def _parser(self, logger: str) -> RecordParser:
        if logger.startswith("sqlalchemy.engine"):
            return self._sql.take
        if logger.startswith(("oslo_messaging", "oslo.messaging")):
            return self._messaging.take
        if logger.endswith(".rpc") or ".rpc." in logger:
            return self._carrot.take
        if http_server.matches(logger):
            return self._requests.take
        if http_client.matches(logger):
            return self._asked.take
        if logger.endswith(("processutils", "nova.utils")):
            return self._commands.take
        return _is_noise if logger.startswith(_NOISE) else _is_not_understood


def _is_noise(record: Record) -> bool:
    return record.level == "DEBUG"


def _is_not_understood(record: Record) -> bool:
    return False


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
        if path.is_file() and any(suffix in (".log", ".gz", ".txt", ".export") for suffix in path.suffixes)
    )
