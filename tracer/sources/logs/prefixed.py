"""syslog's lines and journalctl's short ones: time, host, program and process before what a service wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from tracer.sources.logs import blocks, times
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.entries import Entry
from tracer.sources.logs.records import MAX_MESSAGE
from tracer.sources.logs.times import Clock

_SYSLOG_LINE = re.compile(
    rb"^(?:<\d{1,3}>)?(?:"
    rb"(?P<short>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?)"
    rb"|(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d))"
    rb"|[A-Z][a-z]{2} (?P<full>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?) (?P<zone>[\w+:/-]{1,32})"
    rb"|(?P<unix>\d{10}\.\d{1,9})"
    rb") (?P<host>[\w.:-]{1,255}) (?P<name>[^\s\[\]:]{1,128})(?:\[(?P<pid>\d{1,10})\])?: ",
    re.MULTILINE,
)
#: What rsyslog writes for characters that would break a line.
_ESCAPED = re.compile(rb"#0(11|12|33)")
#: Where in a text such a line must come to tell its form; journalctl says first what it shows.
_FIRST = 4
_CRI_LINE = re.compile(
    rb"^(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (?P<stream>stdout|stderr) "
    rb"(?P<whole>[FP])(?::\S*)? (?P<said>[^\n]*)",
    re.MULTILINE,
)


def matches_syslog(sample: bytes) -> bool:
    """Whether a text begins with such lines."""
    return any(_SYSLOG_LINE.match(line) for line in sample.split(b"\n", _FIRST)[:_FIRST])


def read_syslog(data: Buffer, clock: Clock) -> Iterator[Entry]:
    """Its entries. Lines without a head of their own go on with the last one, indented by journalctl or not."""
    return blocks.split(data, _SYSLOG_LINE.finditer, partial(_entry, clock=clock), MAX_MESSAGE)


def _entry(match: re.Match[bytes], end: int, clock: Clock) -> Entry:
    rest = match.string[match.end() : min(end, match.end() + MAX_MESSAGE)]
    host, name, pid = (part.decode("utf-8", "replace") for part in match.group("host", "name") + (match["pid"] or b"",))
    message = rest.rstrip(b"\r\n").replace(b"\n" + b" " * len(match[0]), b"\n")
    if b"#0" in message:
        message = _ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), message)
    return Entry(_time(match, clock), f"{host}/{name}", int(pid or 0), message, f"{host} {name} {pid}")


def _time(match: re.Match[bytes], clock: Clock) -> int:
    if match["short"]:
        return clock.of(match["short"].decode(), "%b %d %H:%M:%S")
    if match["unix"]:
        return times.of_seconds(float(match["unix"]))
    return clock.of((match["iso"] or match["full"] + (b"Z" if match["zone"] == b"UTC" else b"")).decode())


def matches_cri(sample: bytes) -> bool:
    """Whether a text has such lines."""
    return _CRI_LINE.search(sample) is not None


def read_cri(data: Buffer, clock: Clock) -> Iterator[Entry]:
    """Its entries, a line each, or of a long one a part."""
    for match in (match for block in blocks.whole(data) for match in _CRI_LINE.finditer(block)):
        said = match["said"][:MAX_MESSAGE].rstrip(b"\r")
        time = clock.of(match["time"].decode())
        yield Entry(time, "", 0, said, match["stream"].decode(), cut=match["whole"] == b"P")
