"""HTTP requests that a service answered: access lines, and the API framework's earlier lines on the request."""

from __future__ import annotations

import re
from collections import deque

from tracer.events import Event
from tracer.model import Value
from tracer.sources import values
from tracer.sources.logs.process_log import ProcessLog
from tracer.sources.logs.records import Record

_ACCESS = re.compile(
    r'"(?P<method>[A-Z]{3,7}) (?P<path>/\S*)(?: HTTP/[\d.]+)?" '
    r"(?:status: )?(?P<status>\d{3})\s+(?:len: )?(?:\d+|-)(?P<rest>.*)"
)
#: uWSGI's default line.
_UWSGI = re.compile(
    r"(?P<method>[A-Z]{3,7}) (?P<path>/\S*) => generated \d+ bytes in (?P<rest>\d+ msecs) "
    r"(?:via \S+ )?\(HTTP/[\d.]+ (?P<status>\d{3})\)"
)
_TOOK = re.compile(r"time: (?P<seconds>\d+\.\d+)|\b(?P<ms>\d+) ?ms(?:ecs)?\b|\A\s*(?P<bare>\d+\.\d+)\s*\Z")
_STARTING = re.compile(r'Starting request: \S+ "(?P<method>[A-Z]+) (?P<path>\S+)"')
_ACTION = re.compile(r"Action: '(?P<action>\w+)', calling method: (?P<method>.*?), body: (?P<body>.*)\Z", re.DOTALL)
_BOUND = re.compile(r"<bound method ([\w.]+)")
#: Nova 2011: a line at the request's arrival, another at its response.
_ARRIVES = re.compile(r"(?P<method>[A-Z]{3,7}) https?://[^/\s]+(?P<path>/\S*)\Z")
_RETURNED = re.compile(r"https?://[^/\s]+(?P<path>/\S*) returned with HTTP (?P<status>\d{3})")
#: Two lines about one request are at most this far apart, in nanoseconds.
_TOGETHER = 100_000_000
#: Log times are in whole milliseconds.
_BLUR = 3_000_000
#: So many requests are remembered for further lines about them.
_RECENT = 64
LOGGERS = ("uwsgi", "eventlet.wsgi", "werkzeug")
ENDS = (".requestlog", ".wsgi.server", ".wsgi", "wsgi_logging")


def matches(logger: str) -> bool:
    """Return whether the logger may log HTTP requests that a service answers."""
    return logger.startswith(LOGGERS) or logger.endswith(ENDS)


class HttpServerParser:
    """The parser of one process's incoming HTTP requests."""

    def __init__(self, log: ProcessLog) -> None:
        self._log = log
        #: the last requests, each with the logger that reported it first
        self._recent: deque[tuple[Event, str]] = deque(maxlen=_RECENT)
        #: requests without an answer yet, by path
        self._open: dict[str, deque[Event]] = {}
        self._under_way: dict[Event, None] = {}
        #: requests that were under way at the same time as others
        self._crowded: set[Event] = set()
        #: answered requests by the id of their answer's line
        self._closed: dict[str, Event] = {}
        #: attributes of requests, by id, from lines before the one that ends them
        self._pending: dict[str | None, dict[str, Value]] = {}

    def take(self, record: Record) -> bool:
        """Parse a record; return whether it reports a request answered."""
        if match := _ACCESS.search(record.message[:4000]) or _UWSGI.match(record.message[:4000]):
            self._done(match, record)
        elif match := _STARTING.match(record.message) or _ARRIVES.match(record.message):
            self._begin(self._add(match, record, record.time))
        elif match := _RETURNED.match(record.message):
            begun = self._begun(_path(match["path"]), record)
            if begun is not None:
                self._end(begun, record, int(match["status"]))
        elif match := _ACTION.match(record.message):
            self._pending[record.request_id] = _action(match)
            return True
        else:
            return False
        return True

    def _done(self, match: re.Match[str], record: Record) -> None:
        start = max(record.time - _took(match["rest"]), 0)
        known = self._same(match, record) or self._begun(_path(match["path"]), record, start)
        event = known or self._add(match, record, start)
        self._end(event, record, int(match["status"]))
        event.start = min(event.start, start)

    def _begin(self, event: Event) -> None:
        if self._under_way:
            # If these are several, they are crowded already.
            self._crowded.update((event, next(iter(self._under_way))))
        self._under_way[event] = None
        same = self._open.setdefault(str(event.attributes["path"]), deque())
        if len(same) == _RECENT:
            del self._under_way[same.popleft()]
        same.append(event)

    def _begun(self, path: str, record: Record, start: int | None = None) -> Event | None:
        """Remove and return the open request that a line ends: of its id, else the only one, or that of its ``start``.

        The context that writes the last lines may have an id of its own: cinder's and glance's did until 2017.
        """
        fitting = list(self._open.get(path, ()))
        own = [event for event in fitting if event.attributes.get("request_id") == record.request_id]
        if not own and start is not None and len(fitting) > 1:
            fitting = [event for event in fitting if abs(event.start - start) < _BLUR]
        if not own and len(fitting) != 1:
            return None
        event = (own or fitting)[0]
        self._open[path].remove(event)
        del self._under_way[event]
        if record.request_id:
            self._closed[record.request_id] = event
            if not own:
                event.attributes["closing_request_id"] = record.request_id
        return event

    def _same(self, match: re.Match[str], record: Record) -> Event | None:
        """Return the request that another logger reported just before: the application's line precedes the server's."""
        if record.request_id:
            closed = self._closed.pop(record.request_id, None)
            return closed if closed is not None and _is_same(closed, match, record) else None
        for entry in self._recent:
            event, logger = entry
            if logger != record.logger and _is_same(event, match, record):
                self._recent.remove(entry)
                return event
        return None

    def _add(self, match: re.Match[str], record: Record, start: int) -> Event:
        path = _path(match["path"])
        event = self._log.add(
            "http", f"{match['method']} {path}", record, side="server", method=match["method"], path=path,
            query=values.text(match["path"].partition("?")[2]) or None,
        )  # fmt: skip
        event.start = start
        self._recent.append((event, record.logger))
        return event

    def _end(self, event: Event, record: Record, status: int) -> None:
        event.end = max(record.time, event.start)
        event.attributes["status"] = status
        last = self._log.last_with_id
        near = last is not None and event.start - _BLUR <= last.time <= event.end
        if last is not None and near and "request_id" not in event.attributes and event not in self._crowded:
            own, caller = last.ids
            event.attributes["request_id"] = own
            if caller:
                event.attributes["global_request_id"] = caller
        own_id = event.attributes.get("request_id")
        event.attributes |= self._pending.pop(own_id if isinstance(own_id, str) else None, {})


def _is_same(event: Event, match: re.Match[str], record: Record) -> bool:
    """Return whether a line reports again a request that was answered just before."""
    if event.end is None or not 0 <= record.time - event.end < _TOGETHER:
        return False
    known = event.attributes
    answer = match["method"], _path(match["path"]), int(match["status"])
    return (known.get("method"), known.get("path"), known.get("status")) == answer


def _took(rest: str) -> int:
    match = _TOOK.search(rest)
    if match is None:
        return 0
    if match["ms"]:
        return int(match["ms"][:9]) * 1_000_000
    return int(float((match["seconds"] or match["bare"])[:20]) * 1_000_000_000)


def _path(path: str) -> str:
    return values.path(path.partition("?")[0])


def _action(match: re.Match[str]) -> dict[str, Value]:
    bound = _BOUND.search(match["method"])
    attributes: dict[str, Value] = {"action": bound[1] if bound else match["action"]}
    body = values.parse_json(match["body"])
    if body is not None:
        attributes["body"] = values.masked(body)
    return attributes
