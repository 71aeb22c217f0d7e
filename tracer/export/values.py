"""Values of steps as attributes that every format holds: clean texts, 64-bit numbers, lists of texts, else JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tracer.export.spans import Scalar
from tracer.model import Value

_MIN_INT, _MAX_INT = -(1 << 63), (1 << 63) - 1
#: Prefixes of attributes without a convention: a plain value, and a value as JSON.
PLAIN, JSON = "bootseq.attribute.", "bootseq.json."


def text(value: str) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair becomes a question mark."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def as_json(value: Value) -> str:
    """Return a value as compact JSON."""
    return text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def as_text(value: Value) -> str:
    """Return a value as the text that people read: strings as they are, the rest as JSON."""
    return text(value) if isinstance(value, str) else as_json(value)


def further(attributes: dict[str, Value], used: Iterable[str]) -> dict[str, Scalar | list[str]]:
    """Return the attributes that no convention names, under names of bootseq's own."""
    result: dict[str, Scalar | list[str]] = {}
    for name in attributes.keys() - set(used):
        value = attributes[name]
        plain = _plain(value)
        if plain is None:
            result[JSON + text(name)] = as_json(value)
        else:
            result[PLAIN + text(name)] = plain
    return dict(sorted(result.items()))


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
