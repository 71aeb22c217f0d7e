"""Answers of OTLP receivers: how many items they rejected, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tracer.text import printable

#: Fields of ExportTraceServiceResponse and ExportLogsServiceResponse, and of their partial_success.
_PARTIAL, _REJECTED, _MESSAGE = 1, 1, 2
_VARINT, _BYTES = 0, 2
_QUOTED = 300


@dataclass(frozen=True)
class PartialSuccess:
    """A receiver's report on what it accepted only in part; without ``rejected`` items the message is a warning."""

    rejected: int = 0
    message: str = ""


def partial_success(body: bytes, type_: str) -> PartialSuccess:
    """Return the report of an answer, JSON or protobuf; an empty one where it has none, or cannot be read."""
    try:
        rejected, message = _of_json(body) if "json" in type_ else _of_protobuf(body)
    except (ValueError, TypeError, AttributeError, RecursionError, IndexError):
        return PartialSuccess()
    return PartialSuccess(rejected, printable(message[:_QUOTED]))


def _of_json(body: bytes) -> tuple[int, str]:
    partial = (json.loads(body or b"{}") or {}).get("partialSuccess") or {}
    rejected = partial.get("rejectedSpans") or partial.get("rejectedLogRecords") or 0
    return int(rejected), str(partial.get("errorMessage") or "")


def _of_protobuf(body: bytes) -> tuple[int, str]:
    rejected, message = 0, ""
    for number, value in _fields(body):
        if number != _PARTIAL or not isinstance(value, bytes):
            continue
        for inner, content in _fields(value):
            if inner == _REJECTED and isinstance(content, int):
                rejected = content
            elif inner == _MESSAGE and isinstance(content, bytes):
                message = content.decode("utf-8", "replace")
    return rejected, message


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the numbers and texts of a small message; ValueError for any other field."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        value, position = _varint(data, position)
        if tag & 7 == _BYTES:
            yield tag >> 3, data[position : position + value]
            position += value
        elif tag & 7 == _VARINT:
            yield tag >> 3, value
        else:
            raise ValueError("unexpected type of field")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # the last byte of a number
            return value, position
        shift += 7
