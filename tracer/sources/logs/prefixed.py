"""Readers of prefixed lines: syslog's and journalctl's short ones, and those of Kubernetes' runtimes (CRI)."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
#: rsyslog's escapes of characters that would break a line.
_ESCAPED = re.compile(rb"#0(11|12|33)")
#: Lines of a text that are examined; journalctl begins with a header.
_FIRST = 4
_CRI_LINE = re.compile(
    rb"^(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (?P<stream>stdout|stderr) "
    rb"(?P<whole>[FP])(?::\S*)? (?P<message>[^\n]*)",
    re.MULTILINE,
)


def matches_syslog(sample: bytes) -> bool:
    """Return whether a text begins with syslog lines."""
    return any(_SYSLOG_LINE.match(line) for line in sample.split(b"\n", _FIRST)[:_FIRST])


def read_syslog(data: Buffer, clock: Clock) -> Iterator[Entry]:
    """Yield the entries of syslog lines; a line without a prefix, indented or not, continues the one before."""
    return blocks.split(data, _Heads(clock), MAX_MESSAGE)


class _Heads(blocks.Heads[Entry]):
    """The heads of syslog lines."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def find(self, block: bytes) -> Iterator[re.Match[bytes]]:
        """Yield a match for each line's head."""
        return _SYSLOG_LINE.finditer(block)

    def make(self, head: re.Match[bytes], end: int) -> Entry:
        """Build the entry of a line and the lines without a prefix behind it."""
        number = self.line
        self.line += 1 + head.string.count(b"\n", head.end(), end)
        return _entry(head, end, self._clock, number)

    def between(self, text: bytes) -> Iterator[Entry]:
        """Skip the lines."""
        self.line += text.count(b"\n")
        return iter(())


def _entry(match: re.Match[bytes], end: int, clock: Clock, number: int) -> Entry:
    rest = match.string[match.end() : min(end, match.end() + MAX_MESSAGE)]
    host, name, pid = (part.decode("utf-8", "replace") for part in match.group("host", "name") + (match["pid"] or b"",))
    message = rest.rstrip(b"\r\n").replace(b"\n" + b" " * len(match[0]), b"\n")
    if b"#0" in message:
        message = _ESCAPED.sub(lambda code: bytes([int(code[1], 8)]), message)
    return Entry(_time(match, clock), f"{host}/{name}", int(pid or 0), message, f"{host} {name} {pid}", line=number)


def _time(match: re.Match[bytes], clock: Clock) -> int:
    if match["short"]:
        return clock.of(match["short"].decode(), "%b %d %H:%M:%S")
    if match["unix"]:
        return times.of_seconds(float(match["unix"]))
    return clock.of((match["iso"] or match["full"] + (b"Z" if match["zone"] == b"UTC" else b"")).decode())


def matches_cri(sample: bytes) -> bool:
    """Return whether a text contains CRI lines."""
    return _CRI_LINE.search(sample) is not None


def read_cri(data: Buffer, clock: Clock) -> Iterator[Entry]:
    """Yield the entries of CRI lines, one per line or per part of a long line."""
    for number, match in ((number, _CRI_LINE.match(line)) for number, line in enumerate(blocks.lines(data), 1)):
        if match is not None:
            message = match["message"][:MAX_MESSAGE].rstrip(b"\r")
            time = clock.of(match["time"].decode())
            yield Entry(time, "", 0, message, match["stream"].decode(), cut=match["whole"] == b"P", line=number)
