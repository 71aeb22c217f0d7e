"""A service: the process whose records are read, and the events that it is told to have had so far."""

from __future__ import annotations

from collections import Counter

from tracer.correlation import participants
from tracer.events import Event, Process
from tracer.model import Value
from tracer.sources import values
from tracer.sources.logs.records import Record

_FAILING = frozenset({"ERROR", "CRITICAL", "TRACE"})
_TRACEBACK = "Traceback (most recent call last)"
#: A line with more of a traceback than this gets no more of it.
_MAX_MESSAGE = 1 << 16


class ProcessLog:
    """Events in the order of the log, numbered from 1, without parents (see correlation.witnesses.parents)."""

    def __init__(self, key: str, name: str, pid: int, clock: str = "") -> None:
        host, _, program = name.rpartition("/")  # a journal tells both
        self.process = Process(key, pid, host, program, clock=clock)
        self.events: list[Event] = []
        #: the record in which an own request id stood last: lines without ids come just after
        self.last_with_id: Record | None = None
        #: how many records each participant's loggers wrote
        self.roles: Counter[str] = Counter()

    def add(self, kind: str, name: str, record: Record, **attributes: Value) -> Event:
        """A step that begins with ``record``."""
        known: dict[str, Value] = {
            "request_id": record.request_id, "global_request_id": record.global_request_id, **attributes,
        }  # fmt: skip
        event = Event(
            self.process, len(self.events) + 1, 0, kind, name, 0, record.time,
            attributes={key: value for key, value in known.items() if value is not None}, witnesses=("logs",),
        )  # fmt: skip
        self.events.append(event)
        return event

    def add_line(self, record: Record) -> None:
        """A record that tells nothing else, as what it is."""
        if record.level in _FAILING and self._goes_on(record):
            return
        said: dict[str, Value] = {
            "level": record.level, "logger": record.logger, "message": values.text(record.message),
            "file": record.file or None, "line": record.line or None, "function": record.function or None,
        }  # fmt: skip
        event = self.add("log", record.logger, record, **said)
        event.end = event.start

    def _goes_on(self, record: Record) -> bool:
        """Whether it is a line of the traceback that the line before began: oslo.log writes each as a record."""
        last = self.events[-1] if self.events else None
        if last is None or last.kind != "log" or last.name != record.logger or last.start != record.time:
            return False
        said = str(last.attributes["message"])
        if _TRACEBACK not in said and not record.message.startswith(_TRACEBACK):
            return False
        if len(said) < _MAX_MESSAGE:
            last.attributes["message"] = f"{said}\n{values.text(record.message)}"
        return True

    def finish(self) -> None:
        """Name the process by what speaks in it where its log's name says nothing."""
        if participants.of_command(self.process.argv) == "client":
            role = next((role for role, _ in self.roles.most_common() if role), "")
            program = _PROGRAMS.get(role)
            self.process.argv = f"{program} ({self.process.argv})" if program else self.process.argv


#: A name that tells the participant.
_PROGRAMS = {
    "API": "nova-api", "conductor": "nova-conductor", "scheduler": "nova-scheduler", "compute": "nova-compute",
    "placement": "placement-api", "identity": "keystone-api", "image": "glance-api", "network": "neutron-server",
    "volume": "cinder-volume",
}  # fmt: skip
