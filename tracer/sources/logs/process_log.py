"""The log of one process: the events parsed from its records so far."""

from __future__ import annotations

from collections import Counter

from patches import masking
from tracer.events import Event, Process
from tracer.model import Value, participants
from tracer.model.service_names import PROGRAMS
from tracer.sources import values
from tracer.sources.logs import bodies, log_names, trace_ids
from tracer.sources.logs.records import Ids, Record

_FAILING = frozenset({"ERROR", "CRITICAL", "TRACE"})
#: Lines of these levels or above name an exception if they contain a traceback.
_QUIET = frozenset({"DEBUG", "INFO", "AUDIT"})
#: The most characters to which a traceback is collected.
_MAX_MESSAGE = 1 << 16


class ProcessLog:
    """A process's events in the order of the log, numbered from 1, without parents (correlation.witnesses.parents)."""

    def __init__(self, key: str, name: str, pid: int, clock: str = "", file: str = "") -> None:
        self._file = file
        host, _, program = name.rpartition("/")  # a journal has both
        self.process = Process(key, pid, host, program, clock=clock)
        self.events: list[Event] = []
        #: the last record with a request id of its own: lines without ids follow it closely
        self.last_with_id: Record | None = None
        #: private keys that are logged line by line, by logger
        self._keys = masking.OpenKeys()
        #: log lines with a traceback; the ids of the last one's records, and its empty lines at the end
        self._tracebacks: list[Event] = []
        self._traceback_ids: Ids | None = None
        self._empty_lines = 0
        #: the programs that the log's folder names: with the file's name, and as a whole; "" if it does not
        self.named = self.unit = ""
        #: record counts by logger
        self.loggers: Counter[str] = Counter()

    @property
    def is_named(self) -> bool:
        """Return whether the log's name or folder names the program."""
        name = self.process.argv
        return bool(participants.of_command(name) != "client" or self.named or log_names.program(name))

    def name(self, prefix: str) -> None:
        """Name the process, ``host/program`` or ``program``, unless its log does."""
        if not self.is_named:
            host, _, self.process.argv = prefix.rpartition("/")
            if host:
                self.process.host = self.process.clock = host

    def add(self, kind: str, name: str, record: Record, **attributes: Value) -> Event:
        """Add and return a step that begins with ``record``."""
        known: dict[str, Value] = {
            "request_id": record.request_id, "global_request_id": record.global_request_id, **attributes,
            "log_file": self._file or None, "log_line": record.log_line or None,
            **trace_ids.ids(record.head, record.message),
        }  # fmt: skip
        event = Event(
            self.process, len(self.events) + 1, 0, kind, name, 0, record.time,
            attributes={key: value for key, value in known.items() if value is not None}, witnesses=("logs",),
        )  # fmt: skip
        self.events.append(event)
        return event

    def add_line(self, record: Record) -> None:
        """Add a record that no parser understood as a log line."""
        if record.level in _FAILING and self._continue_traceback(record):
            return
        message = values.text(bodies.plain(record.message))
        if self._keys.records or masking.MASK in message:
            message = self._keys.mask(record.logger, record.message, message)
        attributes: dict[str, Value] = {
            "level": record.level, "logger": record.logger, "message": message,
            "file": record.file or None, "line": record.line or None, "function": record.function or None,
        }  # fmt: skip
        event = self.add("log", record.logger, record, **attributes)
        event.end = event.start
        self._traceback_ids = None
        if bodies.BEGIN in message and record.level not in _QUIET:
            self._begin_traceback(event, record)

    def _begin_traceback(self, event: Event, record: Record) -> None:
        self._tracebacks.append(event)
        self._traceback_ids, self._empty_lines = record.ids, 0

    def _continue_traceback(self, record: Record) -> bool:
        """Append a record that is a line of the last event's traceback; return whether it is one."""
        last = self.events[-1] if self.events else None
        if last is None or last.kind != "log" or last.name != record.logger or last.start != record.time:
            return False
        line = bodies.without_instance(record.message)
        # The message itself may hold another process's traceback, with the message's ids.
        is_own = self._traceback_ids is None or (self._traceback_ids != record.ids and not any(record.ids))
        if is_own and line.startswith(bodies.BEGIN):
            self._begin_traceback(last, record)
        elif self._traceback_ids != record.ids:
            return False
        text = str(last.attributes["message"])
        if not line.strip():
            self._empty_lines += 1
        elif len(text) < _MAX_MESSAGE:
            last.attributes["message"] = text + "\n" * (self._empty_lines + 1) + values.text(line)
            self._empty_lines = 0
        return True

    def finish(self) -> None:
        """Name the process by its log, folder or loggers, unless its name is a program's, and the exceptions."""
        for event in self._tracebacks:
            event.error = bodies.exception_of(str(event.attributes["message"])) or None
        name = self.process.argv
        if participants.of_command(name) == "client":
            program = self.named or log_names.program(name) or self._by_loggers() or self.unit
            self.process.argv = f"{program} ({name})" if program else name

    def _by_loggers(self) -> str:
        """Return the program whose own loggers wrote most, else the likely one of shared loggers, "" for neither."""
        for service_of in (participants.of_logger, participants.of_shared_logger):
            counts: Counter[str] = Counter()
            for logger, count in self.loggers.items():
                counts[service_of(logger)] += count
            service = next((service for service, _ in counts.most_common() if service), "")
            if service:
                return PROGRAMS[service]
        return ""
