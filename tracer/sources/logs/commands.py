"""Commands that a service ran, as oslo.concurrency logs their start and their exit code."""

from __future__ import annotations

import re

from tracer.events import Event
from tracer.model import Value
from tracer.sources import values
from tracer.sources.logs.process_log import ProcessLog
from tracer.sources.logs.records import Ids, Record

_RUNNING = re.compile(r"Running cmd \((?:subprocess|SSH)\): (?P<command>.*)\Z", re.DOTALL)
_RETURNED = re.compile(r"(?:CMD )?[\"'](?P<command>.*)[\"'] (?:returned: (?P<code>-?\d+)|failed)", re.DOTALL)
#: The prefix that oslo.concurrency adds to a command with limits.
_LIMITS = re.compile(r"\S*python[\d.]* -m oslo_concurrency\.prlimit (?:--\S+ )*-- ")


class CommandParser:
    """The parser of one process's commands."""

    def __init__(self, log: ProcessLog) -> None:
        self._log = log
        self._running: dict[tuple[Ids, str], Event] = {}

    def take(self, record: Record) -> bool:
        """Parse a record; return whether it reports a command."""
        if match := _RUNNING.match(record.message):
            command = _unlimited(values.text(match["command"]))
            arguments: list[Value] = list(command.split())
            event = self._log.add("command", _program(command), record, arguments=arguments)
            self._running[record.ids, match["command"]] = event
            return True
        if match := _RETURNED.match(record.message):
            running = self._running.pop((record.ids, match["command"]), None)
            if running is not None:
                running.end = max(record.time, running.start)
                if match["code"]:
                    running.attributes["exit_code"] = int(match["code"][:9])
            return running is not None
        return False


def _program(command: str) -> str:
    return command.split(None, 1)[0].rpartition("/")[2] if command.strip() else ""


def _unlimited(command: str) -> str:
    limits = _LIMITS.match(command)
    return command[limits.end() :] if limits else command
