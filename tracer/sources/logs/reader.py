"""Reader of logs: each record is passed to its logger's parser, and becomes a log line if that does not match."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path

from tracer.errors import TracerError
from tracer.events import Events
from tracer.model import participants
from tracer.sources import packing
from tracer.sources.logs import buffers, detect, http_client, http_server, log_names, rpc_carrot, rpc_oslo, sql
from tracer.sources.logs.blocks import Text
from tracer.sources.logs.commands import CommandParser
from tracer.sources.logs.detect import Hints
from tracer.sources.logs.memo import Memo
from tracer.sources.logs.process_log import ProcessLog
from tracer.sources.logs.records import Record
from tracer.sources.logs.skipped_lines import SkippedLines
from tracer.sources.logs.times import Clock

#: At DEBUG these log a library's internals, not the service's work.
_NOISE = ("urllib3", "requests.packages", "stevedore", "amqp", "routes.middleware")
#: DevStack's units that uWSGI serves.
_UNDER_UWSGI = re.compile(r"\bdevstack@(?:[\w-]+-api|keystone|placement)\b")
_NO_HINTS = Hints()

#: Process numbers below this one are those of containers, where each service has the same.
_CONTAINERS = 32
#: A text names at most so many processes; the lines of further ones count as the first one's.
_MAX_WRITERS = 5000
#: Records between two reports of progress.
_BATCH = 10_000

#: Parses a record, and returns whether it understood it.
RecordParser = Callable[[Record], bool]


def read(path: Path, hints: Hints = _NO_HINTS, on_progress: Callable[[float], None] = lambda share: None) -> Events:
    """Read the events of a log in any format; TracerError if it cannot be read.

    ``on_progress`` is called now and then with the share that has been read, from 0 to 1.
    """
    with buffers.opened(path) as data:
        return read_log(path, data, buffers.modified_at(path), hints, on_progress)


def read_log(path: Path, data: Text, modified: datetime, hints: Hints, on_progress: Callable[[float], None]) -> Events:
    """Read the events of a log that is open; ``modified`` bounds dates without a year."""
    result = Events()
    log = _LogFile(path)
    lost: Counter[str] = Counter()
    skipped = SkippedLines()
    clock = Clock(hints.zone, modified)
    try:
        records = detect.read(data, hints.formats, clock, lost, skipped)
        while log.take(islice(records, _BATCH)) is not None:
            on_progress(data.share)
    except TracerError as error:
        raise type(error)(f"{path}: {error}") from None
    if not log.process_logs:
        result.warnings.append(f"{path}: {'no line in a known log format' if len(data) else 'empty'}, skipped")
    result.warnings += [f"{path}: {fault}" for fault in (data.fault, data.short and buffers.SHORTENED) if fault]
    result.warnings += [f"{path}: skipped: {kind} ({count})" for kind, count in lost.items() if count]
    if log.process_logs and skipped.count:
        result.warnings.append(skipped.warning(path))
    result.damaged = data.short or data.fault not in ("", packing.CUT_OFF) or any(map(lost.__getitem__, detect.TORN))
    for process_log in log.process_logs:
        process_log.finish()
        result.processes.append(process_log.process)
        result.events += process_log.events
    return result


class _LogFile:
    """A log file and the processes that wrote it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = log_names.name_of(path)
        #: the programs that its folders name
        self._named, self._unit = log_names.of_folder(self._name, path), log_names.of_unit_folder(path)
        self._writers: dict[tuple[str, int], _ProcessParsers] = {}
        #: by name, process number and service, where one number is several services'
        self._services: dict[tuple[str, int, str], _ProcessParsers] = {}
        self._last: dict[str, _ProcessParsers] = {}
        #: the first process with each number, and whether its lines have a name before them
        self._numbers: dict[tuple[int, bool], _ProcessParsers] = {}

    @property
    def process_logs(self) -> list[ProcessLog]:
        """Return the processes' logs, in the order of their first records."""
        writers = dict.fromkeys((*self._writers.values(), *self._services.values()))
        return [writer.log for writer in writers if writer.log.loggers]

    def take(self, records: Iterable[Record]) -> Record | None:
        """Parse the records; return the last of them, None if there are none."""
        record = None
        for record in records:
            pid, _, logger, prefix = record.source
            writer = self._last.get(prefix or self._name)
            # Most records are of the same process as the record before.
            if writer is None or writer.log.process.pid != pid:
                writer = self._writer(record)
            log = writer.log
            service, take = writer.parsers_by_logger[logger]
            if writer.is_shared and service and service != writer.service:
                writer = self._of_service(service, writer, prefix or self._name)
                log, (_, take) = writer.log, writer.parsers_by_logger[logger]
            log.loggers[logger] += 1
            if record.ids[0]:
                log.last_with_id = record
            if not take(record):
                log.add_line(record)
        return record

    def _writer(self, record: Record) -> _ProcessParsers:
        """Return the record's process: the log's only one if its lines, or some of them (2011), do not name it.

        A uWSGI master writes what its workers log, and only some lines name the worker: all are one process.
        """
        name = record.prefix or self._name
        last = self._last.get(name)
        if last is not None and _UNDER_UWSGI.search(name):
            return last
        if last is not None and (not record.pid or last.log.process.pid in (0, record.pid)):
            last.log.process.pid = last.log.process.pid or record.pid
            return last
        key = (name, record.pid)
        if key not in self._writers:
            if len(self._writers) >= _MAX_WRITERS:
                return next(iter(self._writers.values()))
            self._writers[key] = self._twin(record) or self._new(name, record)
        self._last[name] = self._writers[key]
        return self._writers[key]

    def _twin(self, record: Record) -> _ProcessParsers | None:
        """Return the process with the same number of which only some lines have a name before them, and name it."""
        if record.pid < _CONTAINERS:
            return None
        if not record.prefix:
            return self._numbers.get((record.pid, True))
        twin = self._numbers.pop((record.pid, False), None)
        if twin is not None:
            twin.log.name(record.prefix)
            self._numbers[record.pid, True] = twin
        return twin

    def _new(self, name: str, record: Record) -> _ProcessParsers:
        # One file has one clock; a merged file has one per name in it.
        clock = f"{self._path} {record.prefix}".strip()
        log = ProcessLog(f"log {self._path} {name} {record.pid}", name, record.pid, clock, str(self._path))
        if not record.prefix:
            log.named, log.unit = self._named, self._unit
        writer = _ProcessParsers(log)
        self._numbers.setdefault((record.pid, bool(record.prefix)), writer)
        return writer

    def _of_service(self, service: str, writer: _ProcessParsers, name: str) -> _ProcessParsers:
        """Return the process of another service that has the same number, or none, in a text without names."""
        pid = writer.log.process.pid
        if not writer.service:
            writer.service = service
            return self._services.setdefault((name, pid, service), writer)
        other = self._services.get((name, pid, service))
        if other is None:
            process = writer.log.process
            other = _ProcessParsers(ProcessLog(f"{process.key} {service}", name, pid, process.clock, str(self._path)))
            other.service = service
            self._services[name, pid, service] = other
        self._last[name] = other
        return other


class _ProcessParsers:
    """A process's log, and the parsers of its records, which keep their state per process."""

    def __init__(self, log: ProcessLog) -> None:
        self.log = log
        #: the service whose own loggers it has
        self.service = ""
        #: it may be several services: nothing but loggers names it, and its number is a container's or missing
        self.is_shared = log.process.pid < _CONTAINERS and not log.is_named
        #: by logger: the service that alone has it, and the parser of its records
        self.parsers_by_logger: Memo[str, tuple[str, RecordParser]] = Memo(
            lambda logger: (participants.of_logger(logger), self._parser(logger))
        )
        self._sql = sql.SqlParser(log)
        self._rpc_oslo = rpc_oslo.OsloRpcParser(log)
        self._rpc_carrot = rpc_carrot.CarrotRpcParser(log)
        self._http_server = http_server.HttpServerParser(log)
        self._http_client = http_client.HttpClientParser(log)
        self._commands = CommandParser(log)

    def _parser(self, logger: str) -> RecordParser:
        if logger.startswith("sqlalchemy.engine"):
            return self._sql.take
        if logger.startswith(("oslo_messaging", "oslo.messaging")):
            return self._rpc_oslo.take
        if logger.endswith(".rpc") or ".rpc." in logger:
            return self._rpc_carrot.take
        if http_server.matches(logger):
            return self._http_server.take
        if http_client.matches(logger):
            return self._http_client.take
        if logger.endswith(("processutils", "nova.utils")):
            return self._commands.take
        return _is_noise if logger.startswith(_NOISE) else _is_unknown


def _is_noise(record: Record) -> bool:
    return record.level == "DEBUG"


def _is_unknown(record: Record) -> bool:
    return False
