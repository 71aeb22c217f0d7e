"""A span as another tracer recorded it, whatever file it was read from, and the checks of its fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tracer.model import Value
from tracer.sources import values

OTEL, OSPROFILER = "otel", "osprofiler"
CLIENT, SERVER, PRODUCER, CONSUMER, INTERNAL = "client", "server", "producer", "consumer", "internal"
#: OTLP's numbers of the kinds.
KINDS = ("", INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER)

#: Spans of one file; a boot has some hundreds.
MAX_SPANS = 500_000
#: Bytes of a file that is one JSON value.
MAX_DOCUMENT = 128 << 20
_MAX_TIME = 1 << 63
_STATEMENTS = frozenset({"db.query.text", "db.statement"})
_MAX_STATEMENT = 1 << 16
_ID = re.compile(r"[0-9a-f]{1,32}")


class InvalidSpanError(ValueError):
    """A span whose fields cannot be: it is skipped and counted."""


@dataclass(slots=True)
class Moment:
    """An event of a span: a log line, an exception."""

    time: int
    name: str
    attributes: dict[str, Value]


@dataclass(slots=True)
class ForeignSpan:
    """A span; ``start`` and ``end`` are nanoseconds since the epoch, ``end`` None while unfinished.

    ``error`` is None without an error. ``resource`` are the attributes of its process.
    """

    trace: str
    id: str
    parent: str
    name: str
    kind: str
    start: int
    end: int | None
    attributes: dict[str, Value]
    resource: dict[str, Value]
    scope: str = ""
    error: str | None = None
    moments: list[Moment] = field(default_factory=list)

    def text(self, *names: str) -> str:
        """Return the first of these attributes that it has, as text; "" without one."""
        for name in names:
            value = self.attributes.get(name)
            if value not in (None, ""):
                return str(value)
        return ""


def identifier(value: Any) -> str:
    """Return a trace's or span's id in hexadecimal, lower case; raise InvalidSpanError for any other value."""
    text = str(value).lower().replace("-", "") if isinstance(value, str) else ""
    if not _ID.fullmatch(text) or not text.strip("0"):
        raise InvalidSpanError("an id that is not a hexadecimal number")
    return text


def time(value: Any, unit: int = 1) -> int:
    """Return a time, a number or its text, in nanoseconds; raise InvalidSpanError if it is out of range."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 30:
        value = int(value)
    if isinstance(value, float) and value == value and abs(value) < _MAX_TIME:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value * unit < _MAX_TIME:
        raise InvalidSpanError("a time out of range")
    return value * unit


def mapping(value: Any) -> dict[str, Any]:
    """Return a JSON object; raise InvalidSpanError for any other value but a missing one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidSpanError("expected an object")
    return value


def sequence(value: Any) -> list[Any]:
    """Return a JSON array; raise InvalidSpanError for any other value but a missing one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidSpanError("expected an array")
    return value


def attribute(key: str, value: Value) -> Value:
    """Return an attribute's value with secrets masked, and cut; a statement is whole, and masked as one later."""
    if key in _STATEMENTS and isinstance(value, str):
        return value[:_MAX_STATEMENT]
    return values.masked(value, key)


def word(value: Any) -> str:
    """Return a text; raise InvalidSpanError for any other value but a missing one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidSpanError("expected a text")
    return value
