"""Forms of message copies: firehose lines, RabbitMQ's tracing plugin, ``rabbitmqadmin get``, and pika's deliveries.

Each becomes the fields that ``bootseq tap`` writes: trace_key, exchange, routing_keys, payload, ts.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tracer.model import Value
from tracer.sources import values
from tracer.sources.broker import bodies
from tracer.sources.logs import blocks, times
from tracer.sources.logs.blocks import Buffer

Fields = dict[str, Any]

#: The longest text of ``rabbitmqadmin``, which is one JSON value or table.
_MAX_TEXT = 64 << 20
_TRACED = re.compile(
    rb"^={80}\n(?P<time>\d{4}-\d{1,2}-\d{1,2} \d{1,2}:\d\d:\d\d:\d{1,3}): Message (?P<type>published|received)\n",
    re.MULTILINE,
)
_HEADER = re.compile(r"^(?P<name>[A-Z][\w ]*): *(?P<value>.*)$", re.MULTILINE)
_PAYLOAD = re.compile(rb"^Payload: ?\n", re.MULTILINE)
_ERLANG_TEXT = re.compile(r'<<"((?:[^"\\]|\\.)*)">>')
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d\d):(\d\d)[:.,](\d{1,6})")
_SAMPLE = 1 << 16
#: Bytes of a head that may begin in one block and end in the next.
_RULE = 256
#: The firehose's own exchange, from which a program may have dumped its deliveries.
_FIREHOSE = "amq.rabbitmq.trace"
_COLUMNS = {"routing_key", "exchange", "payload"}


def matches(data: Buffer) -> bool:
    """Return whether a text begins with a message copy in any form."""
    sample = blocks.beginning(data, _SAMPLE)
    start = sample.lstrip()
    if _TRACED.match(start):
        return True
    if start.startswith(b"+--"):
        return next(_table(sample.decode("utf-8", "replace")), None) is not None
    if start.startswith(b"["):
        return b'"payload_encoding"' in sample and b'"routing_key"' in sample
    return fields_of(start.partition(b"\n")[0]) is not None


def read(data: Buffer) -> Iterator[tuple[int, Fields | None]]:
    """Yield each copy's number, its line's where it is one, and its fields, None for text that is no copy."""
    start = blocks.beginning(data, _SAMPLE).lstrip()
    if _TRACED.match(start):
        yield from enumerate(_traced_copies(data), 1)
    elif start.startswith((b"+--", b"[")):
        yield from enumerate(_got(blocks.part(data, 0, _MAX_TEXT).decode("utf-8", "replace")), 1)
    else:
        for number, line in enumerate(blocks.lines(data), 1):
            if line.strip(b"\0\r\n\t "):
                yield number, fields_of(line)


def _traced_copies(data: Buffer) -> Iterator[Fields | None]:
    """Yield the copies in the tracing plugin's text, of which each ends where the next one begins."""
    rest = b""
    for block in blocks.whole(data):
        rest += block
        heads = list(_TRACED.finditer(rest))
        for begun, following in pairwise(heads):
            yield _traced(begun, following.start())
        rest = rest[heads[-1].start() :][: blocks.MAX_LINE] if heads else rest[-_RULE:]
    head = _TRACED.match(rest)
    if head is not None:
        yield _traced(head, len(rest))


def fields_of(line: bytes) -> Fields | None:
    """Return the fields of a copy that is one JSON object in a line, None if it is none."""
    parsed = values.parse_json(line) if line.lstrip()[:1] == b"{" else None
    if not isinstance(parsed, dict):
        return None
    if "trace_key" in parsed and "payload" in parsed:
        return parsed
    if parsed.get("type") in ("published", "received") and "payload" in parsed:
        return _of_plugin(parsed)
    if "payload" in parsed and "routing_key" in parsed:
        return _of_queue(parsed)
    if isinstance(parsed.get("method"), dict) and "body" in parsed:
        return _of_delivery(parsed)
    return None


def _of_plugin(fields: Fields) -> Fields | None:
    """Return the fields of the tracing plugin's JSON, whose payload is in base64."""
    try:
        payload = base64.b64decode(str(fields["payload"]), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
    target = str(fields.get("exchange") or "") if fields["type"] == "published" else str(fields.get("queue") or "")
    return {
        **fields, "payload": payload, "ts": _seconds(str(fields.get("timestamp"))),
        "trace_key": f"{'publish' if fields['type'] == 'published' else 'deliver'}.{target}",
    }  # fmt: skip


def _traced(head: re.Match[bytes], end: int) -> Fields | None:
    """Return the fields of a copy in the tracing plugin's text."""
    text = head.string[head.end() : end]
    payload = _PAYLOAD.search(text)
    if payload is None:
        return None
    names = {
        match["name"]: match["value"] for match in _HEADER.finditer(text[: payload.start()].decode("utf-8", "replace"))
    }
    published = head["type"] == b"published"
    fields: Fields = {
        "trace_key": f"publish.{names.get('Exchange', '')}" if published else f"deliver.{names.get('Queue', '')}",
        "exchange": names.get("Exchange", ""), "routing_keys": _ERLANG_TEXT.findall(names.get("Routing keys", "")),
        "connection": names.get("Connection", ""), "ts": _seconds(head["time"].decode()),
        "payload": text[payload.end() :].decode("utf-8", "replace").rstrip("\n"),
    }  # fmt: skip
    if published and "Routed queues" in names:
        fields["routed_queues"] = _ERLANG_TEXT.findall(names["Routed queues"])
    return fields


def _seconds(text: str) -> float:
    match = _DATE.match(text)
    if match is None:
        return 0.0
    year, month, day, hour, minute, second, fraction = match.groups()
    try:
        start = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0
    # The plugin writes 7 for 7 milliseconds; other fractions have all their digits.
    return start + (int(fraction) / 1000 if len(fraction) <= 3 else int(fraction) / 1_000_000)


def _got(text: str) -> Iterator[Fields | None]:
    """Yield what ``rabbitmqadmin get`` printed, as JSON or as a table."""
    if text.lstrip().startswith("+--"):
        yield from (_of_queue(row) for row in _table(text))
        return
    try:
        parsed = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        yield None
        return
    for item in parsed if isinstance(parsed, list) else [parsed]:
        yield _of_queue(item) if isinstance(item, dict) and "payload" in item else None


def _table(text: str) -> Iterator[Fields]:
    """Yield the rows of a table; its border gives the columns, so that bars in a payload separate nothing."""
    lines = text.lstrip().split("\n")
    edges = [offset for offset, character in enumerate(lines[0]) if character == "+"]
    spans = [slice(left + 1, right) for left, right in pairwise(edges)]
    names = [lines[1][span].strip() for span in spans] if len(lines) > 1 else []
    if not _COLUMNS.issubset(names):
        return
    for line in lines[2:]:
        # A character of two columns' width shifts what is behind it: such a row is not certain.
        if all(line[edge : edge + 1] == "|" for edge in edges):
            yield dict(zip(names, (line[span].strip() for span in spans), strict=True))


def _of_queue(fields: Fields) -> Fields | None:
    """Return the fields of a message that waits in a queue: it was published, when is known from its body alone."""
    payload = fields.get("payload")
    if fields.get("payload_encoding") == "base64":
        try:
            payload = base64.b64decode(str(payload), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return None
    return _published(payload, str(fields.get("exchange") or ""), str(fields.get("routing_key") or ""), fields)


def _of_delivery(fields: Fields) -> Fields | None:
    """Return the fields of what pika's basic_get or basic_consume gave; the firehose's own are in the headers."""
    method = fields["method"]
    properties = fields.get("properties") if isinstance(fields.get("properties"), dict) else {}
    assert isinstance(properties, dict)
    exchange, key = str(method.get("exchange") or ""), str(method.get("routing_key") or "")
    times_known = {**properties, **fields}
    headers = properties.get("headers")
    if exchange != _FIREHOSE or not isinstance(headers, dict):
        return _published(fields["body"], exchange, key, times_known)
    copy = _published(fields["body"], str(headers.get("exchange_name") or ""), "", times_known)
    if copy is not None:
        copy |= {
            "trace_key": key,
            "routing_keys": headers.get("routing_keys"),
            "routed_queues": headers.get("routed_queues"),
        }
        copy["connection"] = str(headers.get("connection") or "")
    return copy


def _published(payload: object, exchange: str, key: str, fields: Fields) -> Fields | None:
    time = next((time for name in ("ts", "time", "timestamp") if (time := _time(fields.get(name)))), 0.0)
    time = time or _body_time(payload)
    if not time:
        return None
    return {
        "trace_key": f"publish.{exchange}", "exchange": exchange, "routing_keys": [key], "payload": payload, "ts": time,
        "redelivered": str(fields.get("redelivered")).lower() == "true",
    }  # fmt: skip


def _time(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return times.of_seconds(value) / times.SECOND
    return _seconds(value) if isinstance(value, str) else 0.0


def _body_time(payload: object) -> float:
    """Return when a notification was sent, else when the request of a message began, 0 if neither is known."""
    message: dict[str, Value] = bodies.unwrap(payload)  # type: ignore[arg-type]
    return _time(message.get("timestamp")) or _time(message.get("_context_timestamp"))
