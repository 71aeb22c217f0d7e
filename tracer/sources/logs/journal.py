"""Reader of journald's export format: entries of fields, one per line or with a length, separated by empty lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from tracer.sources.logs import blocks, times
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.entries import Entry
from tracer.sources.logs.records import MAX_MESSAGE

#: Begins journald's own files, which only journalctl can read.
MAGIC = b"LPKSHHRH"
_BEGIN = re.compile(rb"^__(?:CURSOR|REALTIME_TIMESTAMP)=", re.MULTILINE)
_NEXT = re.compile(rb"(?<=\n)__(?:CURSOR|REALTIME_TIMESTAMP)=")
_LINE_END = re.compile(rb"\n")
_LEVELS = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG")
_UNIT = re.compile(r"(?P<name>.+)\.service\Z")
_MAX_NAME = 64
#: Kinds of losses that are counted.
TORN, _CUT_OFF = "torn fields", "torn fields at the end"
#: Fields that are used; others (a core dump may be among them) are skipped.
WANTED = frozenset(
    """
    MESSAGE PRIORITY SYSLOG_IDENTIFIER SYSLOG_PID LOGGER LOGGER_NAME LOGGER_LEVEL REQUEST_ID CODE_FILE CODE_LINE
    CODE_FUNC CONTAINER_NAME _COMM _HOSTNAME _LINE_BREAK _PID _SYSTEMD_UNIT _STREAM_ID _TRANSPORT
    _SOURCE_REALTIME_TIMESTAMP __REALTIME_TIMESTAMP
    """.split()  # noqa: SIM905 - a list of words
)


def matches(sample: bytes) -> bool:
    """Return whether a text is a journal export."""
    return _BEGIN.search(sample) is not None


def read(data: Buffer, lost: Counter[str]) -> Iterator[Entry]:
    """Yield the entries. A torn field, counted in ``lost``, ends its entry; reading continues with the next entry."""
    view, offset, fields = _View(data), 0, dict[str, bytes]()
    while offset < len(data):
        end = view.line_end(offset)
        if end == offset:
            yield from _entry(fields)
            fields, offset = {}, offset + 1
            continue
        name, sign, _ = view.part(offset, min(end, offset + _MAX_NAME)).partition(b"=")
        start, stop = (offset + len(name) + 1, end) if sign else view.sized(end)
        if stop < 0:
            yield from _entry(fields)
            fields, offset = {}, view.next_entry(offset + 1)
            lost[TORN if offset < len(data) else _CUT_OFF] += 1
            continue
        word = name.decode("ascii", "replace")
        if word in WANTED:
            fields[word] = view.part(start, min(stop, start + MAX_MESSAGE))
        offset = stop + 1
    yield from _entry(fields)


class _View:
    """Access to an export by offset, with the surroundings of the last access cached."""

    def __init__(self, data: Buffer) -> None:
        self._data = data
        self._base, self._near = 0, b""

    def part(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to ``stop``, at most a message's."""
        if not self._base <= start <= stop <= self._base + len(self._near):
            self._load(start)
        return self._near[start - self._base : stop - self._base]

    def _load(self, offset: int) -> None:
        if not self._base <= offset < self._base + len(self._near):
            self._base, self._near = offset, blocks.part(self._data, offset, offset + blocks.PIECE)
        elif self._base < offset:
            more = self._base + len(self._near)
            self._base, self._near = (
                offset,
                self._near[offset - self._base :] + blocks.part(self._data, more, more + blocks.PIECE),
            )

    def line_end(self, offset: int) -> int:
        """Return the offset of the next line feed, or the text's end."""
        return self._search(_LINE_END, offset)

    def next_entry(self, offset: int) -> int:
        """Return the offset of the next entry, or the text's end."""
        return self._search(_NEXT, offset)

    def _search(self, pattern: re.Pattern[bytes], offset: int) -> int:
        while offset < len(self._data):
            if not self._base <= offset < self._base + len(self._near):
                self._load(offset)
            match = pattern.search(self._near, offset - self._base)
            if match is not None:
                return self._base + match.start()
            end = self._base + len(self._near)
            if not self._near or end >= len(self._data):
                break
            offset = max(offset + 1, end - _MAX_NAME)  # a match may begin here
            self._base, self._near = offset, blocks.part(self._data, offset, offset + blocks.PIECE)
        return len(self._data)

    def sized(self, end: int) -> tuple[int, int]:
        """Return (start, end) of a field with its length in eight bytes after its name; the end is -1 if it is torn."""
        start = end + 9
        stop = start + int.from_bytes(self.part(end + 1, start), "little")
        whole = stop < len(self._data) and blocks.part(self._data, stop, stop + 1) == b"\n"
        return start, stop if whole else -1


def _entry(fields: dict[str, bytes]) -> Iterator[Entry]:
    texts = {name: value.decode("utf-8", "replace") for name, value in fields.items() if name != "MESSAGE"}
    if "MESSAGE" in fields:
        yield entry(texts, fields["MESSAGE"])


def entry(fields: Mapping[str, str], message: bytes | None) -> Entry:
    """Build an entry from journald's fields, from any output format."""
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
    """Return the record's fields as written by oslo.log's or Python's journal handler; {} if neither wrote it."""
    logger = fields.get("LOGGER_NAME") or fields.get("LOGGER")
    if not logger:
        return {}
    level = fields.get("LOGGER_LEVEL") or _LEVELS[min(_number(fields.get("PRIORITY", "6")), len(_LEVELS) - 1)]
    known = {
        "logger": logger, "level": level, "request_id": fields.get("REQUEST_ID"),
        "file": fields.get("CODE_FILE"), "function": fields.get("CODE_FUNC"),
        "line": _number(fields.get("CODE_LINE", "")),
    }  # fmt: skip
    return {name: value for name, value in known.items() if value}


def _name(fields: Mapping[str, str]) -> str:
    """Return ``host/unit`` or ``host/container``, with the program's name for a process outside both."""
    unit = _UNIT.match(fields.get("_SYSTEMD_UNIT", ""))
    name = unit["name"] if unit and not unit["name"].startswith(("user@", "docker", "podman")) else ""
    name = fields.get("CONTAINER_NAME") or name or fields.get("SYSLOG_IDENTIFIER") or fields.get("_COMM") or "journal"
    return f"{fields['_HOSTNAME']}/{name}" if fields.get("_HOSTNAME") else name


def _number(digits: str) -> int:
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else 0
