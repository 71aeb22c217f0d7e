"""Reader of JSON lines as oslo.log's JSON and Fluentd formatters, journald and container runtimes write them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tracer.sources.logs import blocks, journal, times
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.entries import Entry
from tracer.sources.logs.format_strings import request_id
from tracer.sources.logs.records import MAX_MESSAGE
from tracer.sources.logs.times import Clock

#: Prefixes of an object in journalctl's json-seq and json-sse.
_MARKS = (b"\x1e", b"data: ")
#: The stream of texts that mix objects and other lines.
_TEXT = "text"
_TRACE_FIELDS = ("otelTraceID", "otelSpanID", "trace_id", "span_id")
#: Kinds of losses that are counted.
TORN, _CUT_OFF = "torn lines", "torn lines at the beginning or the end"
_TOO_LONG = "messages that journalctl -o json prints with --all only"

Fields = Mapping[str, Any]


def entry_of(line: bytes, clock: Clock) -> Entry | None:
    """Return the entry of a line that is such an object; None if it is not."""
    return _entry(_parsed(line), clock)


def matches(sample: bytes) -> bool:
    """Return whether any line of a text, whose last line may be cut, is such an object."""
    return any(b"{" in line and _entry(_parsed(line), Clock()) is not None for line in sample.split(b"\n"))


def read(data: Buffer, clock: Clock, lost: Counter[str]) -> Iterator[Entry]:
    """Yield the entries; torn lines are counted in ``lost``, other text is passed on: it may be oslo.log's."""
    torn = -1
    for number, line in enumerate(blocks.lines(data)):
        if torn >= 0:
            lost[TORN if torn else _CUT_OFF] += 1
        torn = -1
        line = line.strip(b"\r\0")
        fields = _parsed(line)
        entry = _entry(fields, clock) if fields else None
        if entry is not None:
            lost[_TOO_LONG] += entry.message is None
            entry.line = number + 1
            yield entry
        elif line.startswith((b"{", *_MARKS)):
            torn = number
        elif line:
            yield Entry(clock.last_time, "", 0, line, _TEXT, line=number + 1)
    if torn >= 0:
        lost[_CUT_OFF] += 1


def unwrap_messages(entries: Iterable[Entry], clock: Clock) -> Iterator[Entry]:
    """Yield the entries; one whose message is itself such an object of oslo.log's is replaced by its content."""
    for entry in entries:
        message = entry.message or b""
        inner = _entry(_parsed(message), clock) if message.startswith(b"{") else None
        if inner is not None:
            pid, time = inner.pid or entry.pid, inner.time or entry.time
            yield replace(inner, name=entry.name, stream=entry.stream, pid=pid, time=time, line=entry.line)
        else:
            yield entry


def _parsed(line: bytes) -> Fields | None:
    """Parse the object of a line, after a prefix or Fluentd's time and tag; return None if there is none."""
    for mark in _MARKS:
        line = line.removeprefix(mark)
    if not line.startswith(b"{"):
        line = b"{" + line.partition(b"\t{")[2]
    try:
        parsed = json.loads(line.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _entry(fields: Fields | None, clock: Clock) -> Entry | None:
    if not fields:
        return None
    if "__REALTIME_TIMESTAMP" in fields:
        return _of_journald(fields)
    if isinstance(fields.get("message"), str) and ("levelname" in fields or "funcname" in fields):
        return _of_oslo(fields, clock)
    if isinstance(fields.get("log"), str) and ("stream" in fields or "time" in fields):
        return _of_docker(fields, clock)
    return None


def _of_journald(fields: Fields) -> Entry | None:
    if "MESSAGE" not in fields:
        return None
    message = _bytes(fields["MESSAGE"])
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    return journal.entry(texts, None if message is None else message[:MAX_MESSAGE])


def _bytes(value: object) -> bytes | None:
    """Return a field that journalctl writes as text, as a list of bytes or as a list of these; None if omitted."""
    if isinstance(value, list):
        if value and isinstance(value[0], (str, list)):
            return _bytes(value[0])
        return bytes(byte for byte in value if isinstance(byte, int) and 0 <= byte < 256)
    return value.encode("utf-8", "replace") if isinstance(value, str) else None


def _of_docker(fields: Fields, clock: Clock) -> Entry:
    """Build the entry of a line, or of a part of a long line, which ends without a line feed."""
    message = _text(fields, "log").encode("utf-8", "replace")
    return Entry(clock.of(_text(fields, "time")), "", 0, message.rstrip(b"\r\n"), _text(fields, "stream") or _TEXT,
                 cut=not message.endswith(b"\n"))  # fmt: skip


def _of_oslo(fields: Fields, clock: Clock) -> Entry:
    """Build the entry of oslo.log's JSONFormatter, or of FluentFormatter, which omits the process."""
    context = fields.get("context")
    context = context if isinstance(context, dict) else {}
    traceback = _text(fields, "traceback")
    message = _text(fields, "message") + (f"\n{traceback}" if traceback else "")
    known = {
        "level": _text(fields, "levelname") or _text(fields, "level") or "INFO",
        "logger": _text(fields, "name"),
        "request_id": request_id(_text(context, "request_id")),
        "global_request_id": request_id(_text(context, "global_request_id")),
        "function": _text(fields, "funcname"),
        "file": _text(fields, "pathname") or _text(fields, "filename"),
        "line": _number(fields.get("lineno")),
        "message": message.encode("utf-8", "replace").decode()[:MAX_MESSAGE],  # JSON may contain lone surrogates
        "head": _trace_ids(fields),
    }
    time = times.of_seconds(fields.get("created")) or clock.of(_text(fields, "asctime") or _text(fields, "time"))
    present = {name: value for name, value in known.items() if value or name == "message"}
    clock.last_time = time
    return Entry(time, "", _number(fields.get("process")), b"", _TEXT, present)


def _trace_ids(fields: Fields) -> str:
    """Return OpenTelemetry's fields, of the object or of its ``extra``, as a format string writes them."""
    extra = fields.get("extra")
    both = {**extra, **fields} if isinstance(extra, dict) else fields
    return " ".join(f"{name}={_text(both, name)}" for name in _TRACE_FIELDS if name in both)


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32 else 0
