"""Records: one line of a log and the lines that go on with it, taken apart; oslo.log's formats of 2011 to now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from tracer.sources.logs.texts import Buffer

#: What is looked at to learn whether something stands before the timestamps.
_SAMPLE = 1 << 16
#: Longer messages are cut: nothing that ties or explains stands so far in.
MAX_MESSAGE = 1 << 17
#: A service's name, a file's, a container's or journald's before the timestamp.
_PREFIX = rb"(?P<prefix>[^\n]{1,160}?)"
_STAMP = rb"(?P<minute>\d{4}-\d\d-\d\d[ T]\d\d:\d\d):(?P<second>\d\d)[.,](?P<fraction>\d{3,6})Z?"
_HEAD = (
    _STAMP
    + rb" (?:(?P<pid>\d{1,10}) )?(?P<level>DEBUG|INFO|AUDIT|WARNING|WARN|ERROR|CRITICAL|TRACE) (?P<logger>[^\s\[]+)"
    + rb"(?: \[(?P<ids>(?:-|None |req-|[0-9a-f]{8}-[0-9a-f]{4}-)[^\]\n]*)\])? ?"
)
#: The line that uWSGI writes of a request when it is done: the only one that has no oslo.log head.
_UWSGI = rb"\[uwsgi (?P<worker>\d{1,10})\] \S+ \[(?P<date>[^\]\n]{20,26})\] (?=\")"
_HEADS = re.compile(rb"^(?:" + _HEAD + rb"|" + _UWSGI + rb")", re.MULTILINE)
_PREFIXED = re.compile(rb"^" + _PREFIX + rb"(?:" + _HEAD + rb"|" + _UWSGI + rb")", re.MULTILINE)
#: What DEBUG lines end with: where in the source they were written, in 2011 the process too.
_ORIGIN = re.compile(
    r"(?: from \(pid=(?P<pid>\d{1,10})\))? (?P<function>[\w<>.]+) (?P<file>/\S+\.pyc?):(?P<line>\d{1,7})\s*\Z"
)
_ID = re.compile(r"(?:req-)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")
_NAME = re.compile(r"(?:.*[/ ])?(?P<name>[\w.@-]+?)(?:\[(?P<pid>\d+)\])?[\s|:]*\Z")


@dataclass(slots=True)
class Record:
    """One thing that was logged; ``time`` is nanoseconds since the epoch, ``prefix`` what stood before it."""

    time: int
    level: str
    logger: str
    message: str
    pid: int = 0
    request_id: str | None = None
    global_request_id: str | None = None
    prefix: str = ""
    function: str = ""
    file: str = ""
    line: int = 0


def read(data: Buffer, offset: int = 0) -> Iterator[Record]:
    """The records of a text, in its order. ``offset``: seconds that its clock's zone is ahead of UTC."""
    heads = _heads(data)
    times = _Times(offset)
    before = None
    for match in heads.finditer(data):
        if before is not None:
            yield _record(before, data[before.end() : min(match.start(), before.end() + MAX_MESSAGE)], times)
        before = match
    if before is not None:
        yield _record(before, data[before.end() : before.end() + MAX_MESSAGE], times)


def _heads(data: Buffer) -> re.Pattern[bytes]:
    """The pattern of this text's heads. One that allows a prefix is slower, and would take quoted lines for records."""
    sample = data[:_SAMPLE]
    return _HEADS if _HEADS.search(sample) or not _PREFIXED.search(sample) else _PREFIXED


class _Times:
    """Timestamps as nanoseconds: a minute is worked out once, since thousands of lines share it."""

    def __init__(self, offset: int) -> None:
        self._minutes: dict[bytes, int] = {}
        self._offset = offset
        #: the latest so far: what has a time of whole seconds only is placed there
        self.last = 0

    def of(self, match: re.Match[bytes]) -> int:
        minute, second, fraction = match.group("minute", "second", "fraction")
        start = self._minutes.get(minute)
        if start is None:
            start = self._minutes[minute] = self._start(minute)
        self.last = start + int(second) * 1_000_000_000 + int(fraction.ljust(9, b"0"))
        return self.last

    def of_date(self, date: str) -> int:
        """``22/Nov/2026:08:14:11 +0000``; 0 where it is no date."""
        try:
            return int(datetime.strptime(date, "%d/%b/%Y:%H:%M:%S %z").timestamp()) * 1_000_000_000
        except ValueError:
            return 0

    def _start(self, minute: bytes) -> int:
        try:
            moment = datetime.fromisoformat(minute.decode()).replace(tzinfo=UTC)
        except ValueError:
            return 0  # the 99th of a month: the line is kept, and stands at the beginning
        return max(int(moment.timestamp()) - self._offset, 0) * 1_000_000_000


def _record(match: re.Match[bytes], rest: bytes, times: _Times) -> Record:
    message = rest.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\r\n\0 ")
    prefix = (match.groupdict().get("prefix") or b"").decode("utf-8", "replace")
    if match["worker"]:
        time = times.last or times.of_date(match["date"].decode("utf-8", "replace"))
        return Record(time, "INFO", "uwsgi", message, int(match["worker"]), prefix=_name(prefix)[0])
    name, prefix_pid = _name(prefix)
    record = Record(
        times.of(match),
        match["level"].decode(),
        match["logger"].decode("utf-8", "replace"),
        message,
        int(match["pid"] or prefix_pid),
        prefix=name,
    )
    if match["ids"]:
        record.request_id, record.global_request_id = _ids(match["ids"].decode("utf-8", "replace"))
    if record.level == "DEBUG":
        _take_origin(record)
    return record


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


def _take_origin(record: Record) -> None:
    found = _ORIGIN.search(record.message[-400:])
    if found is None:
        return
    record.message = record.message[: len(record.message) - len(found[0])]
    record.function, record.file, record.line = found["function"], found["file"], int(found["line"])
    record.pid = record.pid or int(found["pid"] or 0)
