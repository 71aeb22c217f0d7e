"""Records: a log line and the lines that continue it, parsed from oslo.log's default formats of 2011 to now."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import chain

from tracer.sources.logs import blocks
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.memo import Memo
from tracer.sources.logs.record_values import Body, parse_body
from tracer.sources.logs.times import Clock, Seconds

#: Bytes that are examined for a prefix before the timestamps.
_SAMPLE = 1 << 16
#: Longer messages are cut: nothing that links or explains is that far in.
MAX_MESSAGE = 1 << 17
#: The part of a message that decides whether a parser needs the rest.
_OPENING = rb"(?=(?P<opening>[^\n]{0,16}))"
#: A name before the timestamp: a service's, a file's, a container's or journald's.
_PREFIX = rb"(?P<prefix>[^\n]{1,160}?)"
_NO_PREFIX = rb"(?P<prefix>)"
_STAMP = rb"(?P<second>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)[.,](?P<fraction>\d{3,6})Z?"
#: The process if present, the level and the logger.
_SOURCE = rb"(?P<source>(?:\d{1,10} )?(?:DEBUG|INFO|AUDIT|WARNING|WARN|ERROR|CRITICAL|TRACE) [^\s\[]+)"
_HEAD = _STAMP + rb" " + _SOURCE + rb"(?: \[(?P<ids>(?:-|None |req-|[0-9a-f]{8}-[0-9a-f]{4}-)[^\]\n]*)\])? ?"
#: uWSGI's line for a finished request, by default or as DevStack and our own cloud configure it.
UWSGI = (
    rb"\[(?:uwsgi|pid:) (?P<worker>\d{1,10})(?:\|app: [^\]\n]{1,60})?\] [^\[\n]{1,300}"
    rb"\[(?P<date>[^\]\n]{20,26})\] (?=\"|[A-Z]{3,7} /)"
)
_PLAIN = _NO_PREFIX + rb"(?:" + _HEAD + rb"|" + UWSGI + rb")" + _OPENING
_PREFIXED = _PREFIX + rb"(?:" + _HEAD + rb"|" + UWSGI + rb")" + _OPENING
_ID = re.compile(r"(?:req-)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")
_NAME = re.compile(r"(?:.*[/ ])?(?P<name>[\w.@-]+?)(?:\[(?P<pid>\d+)\])?[\s|:\]]*\Z")

#: A record's own and its caller's request id.
Ids = tuple[str | None, str | None]
_NO_IDS: Ids = (None, None)
#: A record's process, level, logger, and the prefix of its timestamp.
Source = tuple[int, str, str, str]


class Record:
    """A logged record; ``time`` is in nanoseconds since the epoch, ``prefix`` the text before it.

    ``log_line`` is the number of its first line in the text read, 0 if unknown.

    ``opening`` is about 16 bytes of the message's first line, enough to decide whether a parser needs the rest.
    """

    __slots__ = ("_body", "ids", "log_line", "opening", "source", "time")

    def __init__(
        self, time: int, level: str, logger: str, message: str, pid: int = 0, request_id: str | None = None,
        global_request_id: str | None = None, prefix: str = "", function: str = "", file: str = "", line: int = 0,
        log_line: int = 0,
    ) -> None:  # fmt: skip
        self.time, self.log_line = time, log_line
        self.source: Source = (pid, level, logger, prefix)
        self.ids: Ids = (request_id, global_request_id)
        self.opening = message[:16].encode("utf-8", "replace")
        self._body: Body | None = Body(message, function, file, line)

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


class _PrefixedRecord(TextRecord):
    """A record in a text whose every line, also a continuation, has the same prefix."""

    __slots__ = ("_before",)

    def __init__(self, before: bytes, record: TextRecord) -> None:
        super().__init__(
            record._data, record._start, record._end, record.opening, record.time, record.source, record.ids,
            record.log_line,
        )  # fmt: skip
        self._before = before

    @property
    def body(self) -> Body:
        """Return the message and its source location."""
        if self._body is None:
            self._body = parse_body(
                self._data[self._start : self._end].replace(b"\n" + self._before, b"\n"), self.level
            )
        return self._body


def read(data: Buffer, clock: Clock) -> Iterator[Record]:
    """Yield the records of a text, in order."""
    return blocks.split(data, _Reader(clock, _head(blocks.beginning(data, _SAMPLE))), MAX_MESSAGE)


def _head(sample: bytes) -> bytes:
    """Return the pattern of this text's heads. One with a prefix is slower, and would match quoted lines."""
    sample = b"\n" + sample[:_SAMPLE]
    return _PLAIN if re.search(rb"\n" + _PLAIN, sample) or not re.search(rb"\n" + _PREFIXED, sample) else _PREFIXED


class _Reader(blocks.Heads[Record]):
    """The builder of records, with memos of the meaning of heads' parts."""

    edge = 0

    def __init__(self, clock: Clock, head: bytes) -> None:
        super().__init__()
        self._first, self._others = re.compile(head), re.compile(rb"\n" + head)
        self._clock = clock
        self._seconds = Seconds(clock)
        self._fractions = Memo(_fraction)
        self._sources = Memo(_source)
        self._ids = Memo(_ids)
        #: the latest time so far: a line with a time in whole seconds takes this one
        self._last = 0

    def find(self, block: bytes) -> Iterator[re.Match[bytes]]:
        """Yield a match for each record's head."""
        begun = self._first.match(block)
        # Searching for a line feed is twice as fast as for the start of a line.
        following = self._others.finditer(block, begun.end() if begun is not None else 0)
        return following if begun is None else chain([begun], following)

    def between(self, text: bytes) -> Iterator[Record]:
        """Skip the lines."""
        self.line += text.count(b"\n")
        return iter(())

    def make(self, head: re.Match[bytes], end: int) -> Record:
        """Build the record of a head."""
        prefix, second, fraction, source, ids, worker, date, opening = head.groups()
        data, start, number = head.string, head.end(), self.line
        self.line = number + 1
        if data.find(b"\n", start, end) >= 0:
            self.line += data.count(b"\n", start, end)
        if end - start > MAX_MESSAGE:
            end = start + MAX_MESSAGE
        if second is None:
            time = self._last or self._clock.of_access(date, data[start:end])
            known = int(worker), "INFO", "uwsgi", _name(prefix)[0]
            return TextRecord(data, start, end, opening, time, known, _NO_IDS, number)
        self._last = time = self._seconds[second] + self._fractions[fraction]
        known = self._sources[prefix + b"\n" + source if prefix else source]
        line = TextRecord(data, start, end, opening, time, known, _NO_IDS if ids is None else self._ids[ids], number)
        if prefix:
            line = _PrefixedRecord(prefix, line)
        if not known[0]:
            line.source = (line.body.pid, *known[1:])
        return line


def _fraction(digits: bytes) -> int:
    return int(digits.ljust(9, b"0"))


def _source(written: bytes) -> Source:
    """Parse ``PREFIX\\nPID LEVEL LOGGER``, of which the first two may be missing."""
    prefix, _, source = written.rpartition(b"\n")
    *pid, level, logger = source.decode("utf-8", "replace").split(" ")
    name, prefix_pid = _name(prefix)
    return int(pid[0]) if pid else prefix_pid, sys.intern(level), sys.intern(logger), name


def _name(prefix: bytes) -> tuple[str, int]:
    """Return the last word before the timestamp, which names a file, container or unit, and the process in brackets."""
    match = _NAME.fullmatch(prefix.decode("utf-8", "replace"))
    return (sys.intern(match["name"]), int(match["pid"] or 0)) if match else ("", 0)


def _ids(written: bytes) -> Ids:
    """Return (own, caller's) id: since 2023 the caller's or None precedes the own one, which was alone before."""
    bracket = written.decode("utf-8", "replace")
    first, _, others = bracket.partition(" ")
    second = others.partition(" ")[0]
    if first == "None":
        return (second if _ID.match(second) else None), None
    if not _ID.match(first):
        return None, None
    return (second, first) if second.startswith("req-") and _ID.match(second) else (first, None)
