"""Records: a log line and the lines that continue it."""

from __future__ import annotations

import re

from tracer.sources.logs.bodies import Body, parse_body

#: Longer messages are cut: nothing that links or explains is that far in.
MAX_MESSAGE = 1 << 17
#: Bytes before a message in which its line begins.
_MAX_HEAD = 1000
#: uWSGI's line for a finished request, by default or as DevStack and our own cloud configure it.
UWSGI = (
    rb"\[(?:uwsgi|pid:) (?P<worker>\d{1,10})(?:\|app: [^\]\n]{1,60})?\] [^\[\n]{1,300}"
    rb"\[(?P<date>[^\]\n]{20,26})\] (?=\"|[A-Z]{3,7} /)"
)
_ID = re.compile(r"(?:req-)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")

#: A record's own and its caller's request id.
Ids = tuple[str | None, str | None]
NO_IDS: Ids = (None, None)
#: A record's process, level, logger, and the prefix of its timestamp.
Source = tuple[int, str, str, str]


class Record:
    """A logged record; ``time`` is in nanoseconds since the epoch, ``prefix`` the text before it.

    ``log_line`` is the number of its first line in the text read, 0 if unknown.

    ``opening`` is about 16 bytes of the message's first line, enough to decide whether a parser needs the rest.
    """

    __slots__ = ("_body", "_head", "ids", "log_line", "opening", "source", "time")

    def __init__(
        self, time: int, level: str, logger: str, message: str, pid: int = 0, request_id: str | None = None,
        global_request_id: str | None = None, prefix: str = "", function: str = "", file: str = "", line: int = 0,
        log_line: int = 0, head: str = "",
    ) -> None:  # fmt: skip
        self.time, self.log_line = time, log_line
        self.source: Source = (pid, level, logger, prefix)
        self.ids: Ids = (request_id, global_request_id)
        self.opening = message[:16].encode("utf-8", "replace")
        self._body: Body | None = Body(message, function, file, line)
        self._head = head

    @property
    def pid(self) -> int:
        """Return the process's number, 0 if unknown."""
        return self.source[0]

    @property
    def level(self) -> str:
        """Return the level, DEBUG to CRITICAL; AUDIT and TRACE are from 2011."""
        return self.source[1]

    @property
    def logger(self) -> str:
        """Return the logger's name."""
        return self.source[2]

    @property
    def prefix(self) -> str:
        """Return the name before the timestamp."""
        return self.source[3]

    @property
    def request_id(self) -> str | None:
        """Return the id of its own request."""
        return self.ids[0]

    @property
    def global_request_id(self) -> str | None:
        """Return the id of its caller's request."""
        return self.ids[1]

    @property
    def message(self) -> str:
        """Return the message without the source location."""
        return self.body.message

    @property
    def head(self) -> str:
        """Return the text of its first line before the message, "" where no text precedes it."""
        return self._head

    @property
    def function(self) -> str:
        """Return the function that logged it."""
        return self.body.function

    @property
    def file(self) -> str:
        """Return the source file."""
        return self.body.file

    @property
    def line(self) -> int:
        """Return the source line, 0 if unknown."""
        return self.body.line

    @property
    def body(self) -> Body:
        """Return the message and its source location."""
        assert self._body is not None
        return self._body

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._fields() == other._fields()

    __hash__ = None  # type: ignore[assignment]

    def _fields(self) -> tuple[object, ...]:
        return self.time, self.source, self.ids, self.body[:4]


class TextRecord(Record):
    """A record in a text: its message is decoded on first access, which for most lines never happens."""

    __slots__ = ("_data", "_end", "_start")

    def __init__(
        self, data: bytes, start: int, end: int, opening: bytes, time: int, source: Source, ids: Ids, log_line: int
    ) -> None:
        self._data, self._start, self._end, self.opening = data, start, end, opening
        self.time, self.source, self.ids, self.log_line = time, source, ids, log_line
        self._body = None

    @property
    def body(self) -> Body:
        """Return the message and its source location."""
        if self._body is None:
            self._body = parse_body(self._data[self._start : self._end], self.level)
        return self._body

    @property
    def head(self) -> str:
        """Return the text of its first line before the message."""
        start = self._data.rfind(b"\n", max(self._start - _MAX_HEAD, 0), self._start) + 1
        return self._data[start : self._start].decode("utf-8", "replace")


def ids_of(written: bytes) -> Ids:
    """Return (own, caller's) id: since 2023 the caller's or None precedes the own one, which was alone before."""
    bracket = written.decode("utf-8", "replace")
    first, _, others = bracket.partition(" ")
    second = others.partition(" ")[0]
    if first == "None":
        return (second if _ID.match(second) else None), None
    if not _ID.match(first):
        return None, None
    return (second, first) if second.startswith("req-") and _ID.match(second) else (first, None)
