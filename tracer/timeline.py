"""A timeline: everything in a trace that names an id, from all services, in order of time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracer.correlation.log_lines import shortened_message
from tracer.model import PART, LogLine, Request, Step, Trace

#: The levels of entries, from the least grave.
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
#: What logs of 2011 call them.
_OLDER = {"AUDIT": "INFO", "WARN": "WARNING", "TRACE": "ERROR"}
#: Kinds of steps that log lines report at DEBUG, if at all.
_DETAILS = frozenset({"sql", "call", "handoff"})
#: An id may follow a dash, as in ``volume-…``; a word of everything needs none.
_EDGE = r"(?<![0-9A-Za-z])"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a timeline; ``time`` in nanoseconds since the epoch.

    ``request`` is the number of the request that it belongs to, 0 for none, ``address`` that of its step.
    """

    time: int
    host: str
    service: str
    level: str
    text: str
    request: int = 0
    address: str = ""
    kind: str = "log"
    logger: str = ""
    log_file: str = ""
    log_line: int = 0


class Subject:
    """The requests and ids that a word names; "" names everything.

    It is a server's name, a number of ``list``, a request id or the uuid of anything, of which a prefix will do.
    """

    def __init__(self, word: str, trace: Trace) -> None:
        requests = [*trace.boots, *trace.others]
        named = [request for request in requests if word in (request.server, str(request.number)) and word]
        # The ids that an entry has to name, unless all of its request is about them.
        words = {id_ for request in named for id_ in _ids(request, word)} - {""} if named else {word}
        self._names = re.compile("|".join(rf"{_EDGE}{re.escape(id_)}" for id_ in words) or "(?!)", re.I)
        self._numbers = {request.number for request in named} | {
            request.number for request in requests if self._is_about(request)
        }

    def _is_about(self, request: Request) -> bool:
        """Return whether all of a request is about the ids, not only the steps that name them."""
        ids = " ".join((request.uuid, request.request_id, *request.request_ids, request.operation))
        return self._names.search(ids) is not None

    def names(self, request: Request, step: Step) -> bool:
        """Return whether a step belongs to the subject; one that only stands for lines does not."""
        if step.name == PART:
            return False
        return request.number in self._numbers or self._names.search(_words_of(step)) is not None

    def names_line(self, line: LogLine) -> bool:
        """Return whether a log line of no request names the subject."""
        return self._names.search(f"{line.request_id} {line.message}") is not None


def _ids(request: Request, word: str) -> list[str]:
    """Return the ids to look for where ``word`` names a request: its instance's by name, its own by number."""
    return [request.uuid] if word == request.server and request.uuid else [request.request_id, *request.request_ids]


def _words_of(step: Step) -> str:
    return f"{step.name} {step.request_id} {step.global_request_id} {step.error} {step.attributes}"


def level_of(step: Step) -> str:
    """Return a step's level: a log line's own, else that at which a service would log it."""
    if step.kind in ("log", "ask"):
        return normal_level(step.text("level"))
    status = step.attributes.get("status")
    answer = status if isinstance(status, int) else 0
    if step.kind in _DETAILS:
        # An exception that leaves a function is often expected by its caller.
        return "DEBUG" if step.error is None else "WARNING"
    if step.error is not None or answer >= 500:
        return "ERROR"
    return "WARNING" if answer >= 400 else "INFO"


def normal_level(level: str) -> str:
    """Return a log's own word for a level as one of ``LEVELS``; INFO for unknown words."""
    level = _OLDER.get(level, level)
    return level if level in LEVELS else "INFO"


def entry(request: Request, step: Step, text: str) -> Entry:
    """Return the entry of a step, ``text`` unless it is a log line."""
    number = step.attributes.get("log_line")
    message = shortened_message(step) if step.kind in ("log", "ask") else text
    return Entry(
        step.start, step.host, step.service, level_of(step), message, request.number, step.address,
        step.kind, step.text("logger"), step.text("log_file"), number if isinstance(number, int) else 0,
    )  # fmt: skip


def entry_of_line(line: LogLine) -> Entry:
    """Return the entry of a log line that belongs to no request."""
    return Entry(
        line.time, line.host, line.service, normal_level(line.level), line.message,
        logger=line.logger, log_file=line.log_file, log_line=line.log_line,
    )  # fmt: skip
