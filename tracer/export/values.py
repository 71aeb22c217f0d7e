"""Values of steps as attributes that every format holds: clean texts, 64-bit numbers, lists of texts, else JSON."""

from __future__ import annotations

import json
from collections.abc import Container

from tracer.export.spans import Scalar
from tracer.model import Value

_MIN_INT, _MAX_INT = -(1 << 63), (1 << 63) - 1
#: Prefixes of attributes without a convention: a plain value, and a value as JSON.
PLAIN, JSON = "bootseq.attribute.", "bootseq.json."
# Made once: json.dumps makes an encoder for every value.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def text(value: str) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair becomes a question mark."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def as_json(value: Value) -> str:
    """Return a value as compact JSON."""
    return text(_encode(value))


def as_text(value: Value) -> str:
    """Return a value as the text that people read: strings as they are, the rest as JSON."""
    if isinstance(value, str):
        return text(value)
    # Most parameters are numbers, and JSON writes them so.
    return str(value) if type(value) is int else as_json(value)


def further(attributes: dict[str, Value], used: Container[str]) -> dict[str, Scalar | list[str]]:
    """Return the attributes that no convention names, under names of bootseq's own, sorted by these."""
    result: dict[str, Scalar | list[str]] = {}
    for name, value in attributes.items():
        if name in used:
            continue
        plain = _plain(value)
        if plain is None:
            result[JSON + text(name)] = as_json(value)
        else:
            result[PLAIN + text(name)] = plain
    return dict(sorted(result.items())) if len(result) > 1 else result


def _plain(value: Value) -> Scalar | list[str] | None:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if _MIN_INT <= value <= _MAX_INT else None
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return [text(str(item)) for item in value]
    return None
