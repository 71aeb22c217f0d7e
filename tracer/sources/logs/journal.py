"""journald's export format: entries of fields, a line each or with their length, an empty line between them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from tracer.sources.logs import blocks, times
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.entries import Entry
from tracer.sources.logs.records import MAX_MESSAGE

#: journald's own files; these are for journalctl to read.
MAGIC = b"LPKSHHRH"
_BEGIN = re.compile(rb"^__(?:CURSOR|REALTIME_TIMESTAMP)=", re.MULTILINE)
_NEXT = re.compile(rb"(?<=\n)__(?:CURSOR|REALTIME_TIMESTAMP)=")
_LINE_END = re.compile(rb"\n")
_LEVELS = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG")
_UNIT = re.compile(r"(?P<name>.+)\.service\Z")
_MAX_NAME = 64
#: What is counted as lost.
TORN, _CUT_OFF = "torn fields", "torn fields at the end"
#: Fields that say something; others (a core dump may be one) are stepped over.
WANTED = frozenset(
    """
    MESSAGE PRIORITY SYSLOG_IDENTIFIER SYSLOG_PID LOGGER LOGGER_NAME LOGGER_LEVEL REQUEST_ID CODE_FILE CODE_LINE
    CODE_FUNC CONTAINER_NAME _COMM _HOSTNAME _LINE_BREAK _PID _SYSTEMD_UNIT _STREAM_ID _TRANSPORT
    _SOURCE_REALTIME_TIMESTAMP __REALTIME_TIMESTAMP
    """.split()  # noqa: SIM905 - a list of words
)


def matches(sample: bytes) -> bool:
    """Whether a text is such an export."""
    return _BEGIN.search(sample) is not None


def read(data: Buffer, lost: Counter[str]) -> Iterator[Entry]:
    """Its entries. A torn field, counted in ``lost``, ends its entry; reading goes on with the next that begins."""
    view, at, fields = _View(data), 0, dict[str, bytes]()
    while at < len(data):
        end = view.line_end(at)
        if end == at:
            yield from _entry(fields)
            fields, at = {}, at + 1
            continue
        name, sign, _ = view.part(at, min(end, at + _MAX_NAME)).partition(b"=")
        start, stop = (at + len(name) + 1, end) if sign else view.sized(end)
        if stop < 0:
            yield from _entry(fields)
            fields, at = {}, view.next_entry(at + 1)
            lost[TORN if at < len(data) else _CUT_OFF] += 1
            continue
        word = name.decode("ascii", "replace")
        if word in WANTED:
            fields[word] = view.part(start, min(stop, start + MAX_MESSAGE))
        at = stop + 1
    yield from _entry(fields)


class _View:
    """Any part of an export by its place; what stands near the last one is at hand."""

    def __init__(self, data: Buffer) -> None:
        self._data = data
        self._base, self._near = 0, b""

    def part(self, start: int, stop: int) -> bytes:
        """Some bytes, a message's at most."""
        if not self._base <= start <= stop <= self._base + len(self._near):
            self._go(start)
        return self._near[start - self._base : stop - self._base]

    def _go(self, at: int) -> None:
        if not self._base <= at < self._base + len(self._near):
            self._base, self._near = at, blocks.part(self._data, at, at + blocks.PIECE)
        elif self._base < at:
            more = self._base + len(self._near)
            self._base, self._near = (
                at,
                self._near[at - self._base :] + blocks.part(self._data, more, more + blocks.PIECE),
            )

    def line_end(self, at: int) -> int:
        """Where the line feed after ``at`` is; else the text's end."""
        return self._search(_LINE_END, at)

    def next_entry(self, at: int) -> int:
        """Where the next entry begins; else the text's end."""
        return self._search(_NEXT, at)

    def _search(self, what: re.Pattern[bytes], at: int) -> int:
        while at < len(self._data):
            if not self._base <= at < self._base + len(self._near):
                self._go(at)
            found = what.search(self._near, at - self._base)
            if found is not None:
                return self._base + found.start()
            end = self._base + len(self._near)
            if not self._near or end >= len(self._data):
                break
            at = max(at + 1, end - _MAX_NAME)  # what is looked for may begin here
            self._base, self._near = at, blocks.part(self._data, at, at + blocks.PIECE)
        return len(self._data)

    def sized(self, end: int) -> tuple[int, int]:
        """(begin, end) of a field whose length stands in eight bytes after its name; an end of -1 where it is torn."""
        start = end + 9
        stop = start + int.from_bytes(self.part(end + 1, start), "little")
        whole = stop < len(self._data) and blocks.part(self._data, stop, stop + 1) == b"\n"
        return start, stop if whole else -1


def _entry(fields: dict[str, bytes]) -> Iterator[Entry]:
    told = {name: value.decode("utf-8", "replace") for name, value in fields.items() if name != "MESSAGE"}
    if "MESSAGE" in fields:
        yield entry(told, fields["MESSAGE"])


def entry(fields: Mapping[str, str], message: bytes | None) -> Entry:
    """What journald's fields say, whichever way they were written out."""
    stream = fields.get("_STREAM_ID", "") if fields.get("_TRANSPORT", "stdout") == "stdout" else ""
    pid = fields.get("_PID", "") or fields.get("SYSLOG_PID", "")
    return Entry(
        times.of_microseconds(fields.get("_SOURCE_REALTIME_TIMESTAMP"))
        or times.of_microseconds(fields.get("__REALTIME_TIMESTAMP")),
        _name(fields),
        _number(pid),
        message,
        f"{stream} {pid}" if stream else "",
        _known(fields),
        cut=fields.get("_LINE_BREAK") == "line-max",
    )


def _known(fields: Mapping[str, str]) -> dict[str, object]:
    """What oslo.log's and Python's own handler tell of a record in fields; nothing where neither wrote it."""
    logger = fields.get("LOGGER_NAME") or fields.get("LOGGER")
    if not logger:
        return {}
    level = fields.get("LOGGER_LEVEL") or _LEVELS[min(_number(fields.get("PRIORITY", "6")), len(_LEVELS) - 1)]
    told = {
        "logger": logger, "level": level, "request_id": fields.get("REQUEST_ID"),
        "file": fields.get("CODE_FILE"), "function": fields.get("CODE_FUNC"),
        "line": _number(fields.get("CODE_LINE", "")),
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}


def _name(fields: Mapping[str, str]) -> str:
    """The unit or the container, as ``host/unit``; what ran by itself is called as its program."""
    unit = _UNIT.match(fields.get("_SYSTEMD_UNIT", ""))
    name = unit["name"] if unit and not unit["name"].startswith(("user@", "docker", "podman")) else ""
    name = fields.get("CONTAINER_NAME") or name or fields.get("SYSLOG_IDENTIFIER") or fields.get("_COMM") or "journal"
    return f"{fields['_HOSTNAME']}/{name}" if fields.get("_HOSTNAME") else name


def _number(digits: str) -> int:
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else 0
