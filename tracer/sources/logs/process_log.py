"""The log of one process: the events parsed from its records so far."""

from __future__ import annotations

from collections import Counter

from patches import masking
from tracer.events import Event, Process
from tracer.model import Value, participants
from tracer.model.service_names import PROGRAMS
from tracer.sources import values
from tracer.sources.logs import log_names
from tracer.sources.logs.records import Record

_FAILING = frozenset({"ERROR", "CRITICAL", "TRACE"})
_TRACEBACK = "Traceback (most recent call last)"
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
        #: the programs that the log's folder names: with the file's name, and as a whole; "" if it does not
        self.named = self.unit = ""
        #: record counts by logger
        self.loggers: Counter[str] = Counter()

    @property
    def is_named(self) -> bool:
        """Return whether the log's name or folder names the program."""
        name = self.process.argv
        return bool(participants.of_command(name) != "client" or self.named or log_names.program(name))

    def add(self, kind: str, name: str, record: Record, **attributes: Value) -> Event:
        """Add and return a step that begins with ``record``."""
        known: dict[str, Value] = {
            "request_id": record.request_id, "global_request_id": record.global_request_id, **attributes,
            "log_file": self._file or None, "log_line": record.log_line or None,
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
        message = values.text(record.message)
        if self._keys.records or masking.MASK in message:
            message = self._keys.mask(record.logger, record.message, message)
        attributes: dict[str, Value] = {
            "level": record.level, "logger": record.logger, "message": message,
            "file": record.file or None, "line": record.line or None, "function": record.function or None,
        }  # fmt: skip
        event = self.add("log", record.logger, record, **attributes)
        event.end = event.start

    def _continue_traceback(self, record: Record) -> bool:
        """Append a record that is a line of the last event's traceback; return whether it is one."""
        last = self.events[-1] if self.events else None
        if last is None or last.kind != "log" or last.name != record.logger or last.start != record.time:
            return False
        text = str(last.attributes["message"])
        if _TRACEBACK not in text and not record.message.startswith(_TRACEBACK):
            return False
        if len(text) < _MAX_MESSAGE:
            last.attributes["message"] = f"{text}\n{values.text(record.message)}"
        return True

    def finish(self) -> None:
        """Name the process by its log, the log's folder or its loggers, unless its name is a program's already."""
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
