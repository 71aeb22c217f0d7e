"""Records: one line of a log and the lines that go on with it, taken apart; oslo.log's formats of 2011 to now."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import NamedTuple

from tracer.sources.logs.memo import Memo
from tracer.sources.logs.texts import Buffer

#: What is looked at to learn whether something stands before the timestamps.
_SAMPLE = 1 << 16
#: Longer messages are cut: nothing that ties or explains stands so far in.
MAX_MESSAGE = 1 << 17
#: So much of a message tells whether anybody wants the rest of it.
MAX_OPENING = 24
#: A service's name, a file's, a container's or journald's before the timestamp.
_PREFIX = rb"(?P<prefix>[^\n]{1,160}?)"
_NO_PREFIX = rb"(?P<prefix>)"
_STAMP = rb"(?P<second>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)[.,](?P<fraction>\d{3,6})Z?"
_HEAD = (
    _STAMP
    + rb" (?:(?P<pid>\d{1,10}) )?(?P<level>DEBUG|INFO|AUDIT|WARNING|WARN|ERROR|CRITICAL|TRACE) (?P<logger>[^\s\[]+)"
    + rb"(?: \[(?P<ids>(?:-|None |req-|[0-9a-f]{8}-[0-9a-f]{4}-)[^\]\n]*)\])? ?"
)
#: The line that uWSGI writes of a request when it is done: the only one that has no oslo.log head.
_UWSGI = rb"\[uwsgi (?P<worker>\d{1,10})\] \S+ \[(?P<date>[^\]\n]{20,26})\] (?=\")"
_PLAIN = _NO_PREFIX + rb"(?:" + _HEAD + rb"|" + _UWSGI + rb")"
_PREFIXED = _PREFIX + rb"(?:" + _HEAD + rb"|" + _UWSGI + rb")"
#: What DEBUG lines end with: where in the source they were written, in 2011 the process too.
_ORIGIN = re.compile(
    r"(?: from \(pid=(?P<pid>\d{1,10})\))? (?P<function>[\w<>.]+) (?P<file>/\S+\.pyc?):(?P<line>\d{1,7})\s*\Z"
)
#: It stands in so many characters.
_MAX_ORIGIN = 400
_ID = re.compile(r"(?:req-)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")
_NAME = re.compile(r"(?:.*[/ ])?(?P<name>[\w.@-]+?)(?:\[(?P<pid>\d+)\])?[\s|:]*\Z")

#: Whom a record speaks of: its own and its caller's request id.
Ids = tuple[str | None, str | None]
_NOBODY: Ids = (None, None)


class Said(NamedTuple):
    """A message, and where in the source it was written; ``pid`` where that is told there."""

    message: str
    function: str = ""
    file: str = ""
    line: int = 0
    pid: int = 0


class Record:
    """One thing that was logged; ``time`` is nanoseconds since the epoch, ``prefix`` what stood before it."""

    __slots__ = ("_said", "ids", "level", "logger", "pid", "prefix", "time")

    def __init__(
        self, time: int, level: str, logger: str, message: str, pid: int = 0, request_id: str | None = None,
        global_request_id: str | None = None, prefix: str = "", function: str = "", file: str = "", line: int = 0,
    ) -> None:  # fmt: skip
        self.time, self.level, self.logger, self.pid, self.prefix = time, level, logger, pid, prefix
        self.ids = request_id, global_request_id
        self._said: Said | None = Said(message, function, file, line)

    @property
    def request_id(self) -> str | None:
        """Its own request's."""
        return self.ids[0]

    @property
    def global_request_id(self) -> str | None:
        """Its caller's."""
        return self.ids[1]

    @property
    def opening(self) -> str:
        """What the message begins with."""
        return self.said.message[:MAX_OPENING]

    @property
    def message(self) -> str:
        """What was logged, without where."""
        return self.said.message

    @property
    def function(self) -> str:
        """Where in the source it was logged."""
        return self.said.function

    @property
    def file(self) -> str:
        """The source's file."""
        return self.said.file

    @property
    def line(self) -> int:
        """The line there; 0 where it is not told."""
        return self.said.line

    @property
    def said(self) -> Said:
        """The message and its place in the source."""
        assert self._said is not None
        return self._said

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._fields() == other._fields()

    __hash__ = None  # type: ignore[assignment]

    def _fields(self) -> tuple[object, ...]:
        return self.time, self.level, self.logger, self.pid, self.prefix, self.ids, self.said[:4]


class Line(Record):
    """A record in a text: its message is decoded when somebody asks, which for most lines nobody does."""

    __slots__ = ("_data", "_end", "_start")

    def __init__(
        self, data: Buffer, start: int, end: int, time: int, level: str, logger: str, pid: int, ids: Ids, prefix: str
    ) -> None:
        self._data, self._start, self._end = data, start, end
        self.time, self.level, self.logger, self.pid, self.ids, self.prefix = time, level, logger, pid, ids, prefix
        self._said = None

    @property
    def opening(self) -> str:
        """What the message begins with."""
        return self._data[self._start : min(self._start + MAX_OPENING, self._end)].decode("utf-8", "replace")

    @property
    def said(self) -> Said:
        """The message and its place in the source."""
        if self._said is None:
            text = self._data[self._start : self._end].decode("utf-8", "replace")
            text = text.replace("\r\n", "\n").rstrip("\r\n\0 ")
            self._said = _placed(text) if self.level == "DEBUG" else Said(text)
        return self._said


def read(data: Buffer, offset: int = 0) -> Iterator[Record]:
    """The records of a text, in its order. ``offset``: seconds that its clock's zone is ahead of UTC."""
    heads = _heads(data)
    record = _Reader(data, offset).record
    before = next(heads, None)
    if before is None:
        return
    for match in heads:
        yield record(before, match.start())
        before = match
    yield record(before, len(data))


def _heads(data: Buffer) -> Iterator[re.Match[bytes]]:
    """A match for each record's head."""
    head = _head(data)
    first = re.compile(head).match(data)
    # Looking for a line feed is twice as fast as for the beginning of a line.
    others = re.compile(rb"\n" + head).finditer(data, first.end() if first is not None else 0)
    return others if first is None else chain([first], others)


def _head(data: Buffer) -> bytes:
    """The pattern of this text's heads. One that allows a prefix is slower, and would take quoted lines for records."""
    sample = b"\n" + data[:_SAMPLE]
    return _PLAIN if re.search(rb"\n" + _PLAIN, sample) or not re.search(rb"\n" + _PREFIXED, sample) else _PREFIXED


class _Reader:
    """What the parts of heads mean."""

    def __init__(self, data: Buffer, offset: int) -> None:
        self._data = data
        self._offset = offset
        self._seconds = Memo(self._second)
        self._fractions = Memo(lambda digits: int(digits.ljust(9, b"0")))
        self._words = Memo(lambda word: sys.intern(word.decode("utf-8", "replace")))
        self._ids = Memo(lambda bracket: _ids(bracket.decode("utf-8", "replace")))
        self._names = Memo(lambda prefix: _name(prefix.decode("utf-8", "replace")))
        self._pids = Memo(int)
        #: the latest time so far: what has one of whole seconds only is placed there
        self._last = 0

    def record(self, match: re.Match[bytes], end: int) -> Record:
        """The record whose head is ``match`` and whose text ends before ``end``."""
        prefix, second, fraction, pid, level, logger, ids, worker, date = match.groups()
        start = match.end()
        if end - start > MAX_MESSAGE:
            end = start + MAX_MESSAGE
        name, number = self._names[prefix]
        if worker is not None:
            time = self._last or _of_date(date.decode("utf-8", "replace"))
            return Line(self._data, start, end, time, "INFO", "uwsgi", int(worker), _NOBODY, name)
        self._last = time = self._seconds[second] + self._fractions[fraction]
        if pid is not None:
            number = self._pids[pid]
        words = self._words
        line = Line(
            self._data, start, end, time, words[level], words[logger], number,
            _NOBODY if ids is None else self._ids[ids], name,
        )  # fmt: skip
        if not number:
            line.pid = line.said.pid
        return line

    def _second(self, second: bytes) -> int:
        try:
            moment = datetime.fromisoformat(second[:16].decode()).replace(tzinfo=UTC)
        except ValueError:
            minute = 0  # the 99th of a month: the line is kept, and stands at the beginning
        else:
            minute = max(int(moment.timestamp()) - self._offset, 0)
        return (minute + int(second[17:])) * 1_000_000_000


def _of_date(date: str) -> int:
    """``22/Nov/2026:08:14:11 +0000``; 0 where it is no date."""
    try:
        return int(datetime.strptime(date, "%d/%b/%Y:%H:%M:%S %z").timestamp()) * 1_000_000_000
    except ValueError:
        return 0


def _name(prefix: str) -> tuple[str, int]:
    """The last word before the timestamp, which names a file, a container or a unit; and a process in brackets."""
    found = _NAME.fullmatch(prefix)
    return (found["name"], int(found["pid"] or 0)) if found else ("", 0)


def _ids(bracket: str) -> tuple[str | None, str | None]:
    """(own, caller's) id: the caller's or None stands first since 2023, the own one alone before."""
    first, _, others = bracket.partition(" ")
    second = others.partition(" ")[0]
    if first == "None":
        return (second if _ID.match(second) else None), None
    if not _ID.match(first):
        return None, None
    return (second, first) if second.startswith("req-") and _ID.match(second) else (first, None)


def _placed(text: str) -> Said:
    """A DEBUG line's message without its origin, which stands apart."""
    least = max(len(text) - _MAX_ORIGIN, 0)
    # Its file is the last word. To look for it from the end is ten times as fast as to search with the pattern.
    at = text.rfind(" ", least, max(text.rfind(" /", least), 0))
    if at < 0:
        return Said(text)
    begun = text.rfind(" from (pid=", least, at) if text.endswith(")", 0, at) else -1
    found = (_ORIGIN.match(text, begun) if begun >= 0 else None) or _ORIGIN.match(text, at)
    if found is None:
        return Said(text)
    return Said(
        text[: found.start()], sys.intern(found["function"]), sys.intern(found["file"]), int(found["line"]),
        int(found["pid"] or 0),
    )  # fmt: skip
