"""Heads of records in single lines: oslo.log's default formats with the dates of any release or site."""

from __future__ import annotations

import re
import sys

from tracer.sources.logs import times
from tracer.sources.logs.records import UWSGI, Source, TextRecord, ids_of
from tracer.sources.logs.times import Clock

_CLOCK = rb"\d\d:\d\d:\d\d"
_ISO = rb"\d{4}-\d\d-\d\d[ T]" + _CLOCK
_LEVEL = rb"(?:DEBUG|INFO|AUDIT|WARNING|WARN|ERROR|CRITICAL|TRACE)"
#: Patterns of dates, and how strptime reads them; "" is read by datetime.fromisoformat().
_DATES = {
    "iso": (_ISO, times.ISO),
    "slashes": (rb"\d{4}/\d\d/\d\d " + _CLOCK, "%Y/%m/%d %H:%M:%S"),
    "compact": (rb"\d{8}[ T]" + _CLOCK, "%Y%m%d %H:%M:%S"),
    "common": (rb"\d\d/[A-Z][a-z]{2}/\d{4}[: ]" + _CLOCK, "%d/%b/%Y:%H:%M:%S"),
    "words": (rb"\d\d[ -][A-Z][a-z]{2}[ -]\d{4} " + _CLOCK, "%d %b %Y %H:%M:%S"),
    "dots": (rb"\d\d\.\d\d\.\d{4} " + _CLOCK, "%d.%m.%Y %H:%M:%S"),
    "ctime": (rb"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d " + _CLOCK + rb" \d{4}", "%a %b %d %H:%M:%S %Y"),
    "syslog": (rb"[A-Z][a-z]{2} [ \d]\d " + _CLOCK, "%b %d %H:%M:%S"),
    "epoch": (rb"\d{10}", ""),
}
_FRACTION = rb"(?:[.,](?P<fraction>\d{1,9}))?"
_ZONE = rb" ?(?P<zone>Z|[+-]\d\d:?\d\d)?"
_DATE = rb"\[?(?:" + b"|".join(rb"(?P<%b>%b)" % (name.encode(), form) for name, (form, _) in _DATES.items()) + rb")"
_STAMP = _DATE + _FRACTION + _ZONE + rb"\]?"
_SOURCE = rb" +(?:\[?(?P<pid>\d{1,10})\]? +)?(?P<level>" + _LEVEL + rb") +(?P<logger>[^\s\[]{1,200})"
_IDS = rb"(?:\s*\[(?P<ids>(?:-|None |req-|[0-9a-f]{8}-[0-9a-f]{4}-)[^\]\n]{0,2000})\])? ?"
_HEAD = re.compile(_STAMP + _SOURCE + _IDS)
_UWSGI = re.compile(UWSGI)
#: A date at the beginning of a line, whatever follows.
_BEGINS_DATED = re.compile(_STAMP + rb"(?![\w.])")
#: A record's beginning, of which a terminal's width may have cut off the rest.
_BEGINS = re.compile(_STAMP + rb" +(?:\[?\d{1,10}\]? +)?(?:" + _LEVEL + rb"(?: |$)|[A-Z]{1,7}$)|" + UWSGI)
#: A record's beginning behind any text.
STRICT = rb"(?:" + _ISO + rb"(?:[.,]\d{3,6})?Z? (?:\d{1,10} )?" + _LEVEL + rb" [^\s\[]|\[(?:uwsgi|pid:) \d{1,10}[\]|])"
#: Lines of a journal or of syslog have no time of their own.
_UNTIMED = re.compile(
    rb"(?:(?P<pid>\d{1,10}) +)?(?P<level>" + _LEVEL + rb") +(?P<logger>[A-Za-z_]\w*(?:\.[\w.-]{1,200}|(?= \[)))" + _IDS
)


def begins(line: bytes, start: int) -> bool:
    """Return whether a record begins at the offset ``start``."""
    return _BEGINS.match(line, start) is not None


def begins_untimed(line: bytes, start: int) -> bool:
    """Return whether a record without a time of its own begins at the offset ``start``."""
    return _UNTIMED.match(line, start) is not None


def is_dated(line: bytes, start: int) -> bool:
    """Return whether a date is at the offset ``start``: the line is a log's, if not of a known one."""
    return _BEGINS_DATED.match(line, start) is not None


def record(text: bytes, clock: Clock, number: int, name: str, pid: int) -> TextRecord | None:
    """Build the record of a text that begins with a head; None if it does not."""
    match = _HEAD.match(text)
    if match is None:
        return _access(text, clock, number, name)
    clock.last_time = _time(match, clock)
    return _record(match, clock.last_time, number, name, pid)


def untimed_record(text: bytes, time: int, number: int, name: str, pid: int) -> TextRecord | None:
    """Build the record of a text that begins with a head without a time; None if it does not."""
    match = _UNTIMED.match(text)
    return _record(match, time, number, name, pid) if match is not None else None


def _record(match: re.Match[bytes], time: int, number: int, name: str, pid: int) -> TextRecord:
    level, logger = (sys.intern(match[group].decode("utf-8", "replace")) for group in ("level", "logger"))
    source: Source = int(match["pid"] or pid), level, logger, name
    text, start, ids = match.string, match.end(), match["ids"]
    result = TextRecord(
        text, start, len(text), text[start : start + 16].partition(b"\n")[0], time, source,
        (None, None) if ids is None else ids_of(ids), number,
    )  # fmt: skip
    if not source[0]:
        result.source = (result.body.pid, level, logger, name)
    return result


def _access(text: bytes, clock: Clock, number: int, name: str) -> TextRecord | None:
    match = _UWSGI.match(text)
    if match is None:
        return None
    start = match.end()
    time = clock.last_time or clock.of_access(match["date"], text[start:])
    source: Source = int(match["worker"]), "INFO", "uwsgi", name
    return TextRecord(text, start, len(text), text[start : start + 16], time, source, (None, None), number)


def _time(match: re.Match[bytes], clock: Clock) -> int:
    kind = next(name for name in _DATES if match[name] is not None)
    text = match[kind].decode()
    fraction = int((match["fraction"] or b"0").ljust(9, b"0"))
    if kind == "epoch":
        return int(text) * times.SECOND + fraction
    if kind == "common":
        text = text.replace(" ", ":")
    elif kind in ("compact", "words"):
        text = text.replace("T", " ").replace("-", " ")
    form, zone = _DATES[kind][1], match["zone"]
    if zone:
        text, form = text + zone.decode(), form if form == times.ISO else f"{form}%z"
    time = clock.of(text, form)
    return time + fraction if time else 0
