"""Values written in text as Python literals or JSON: safe parsing, and masking of secrets."""

from __future__ import annotations

import ast
import json
import math
import re
from functools import lru_cache

from patches import masking
from tracer.model import Value

#: Longer texts are not parsed.
MAX_LITERAL = 1 << 16
#: No service logs deeper values.
MAX_DEPTH = 40
#: Limits on texts and lists inside a value; longer ones are cut.
MAX_TEXT = 4000
MAX_ITEMS = 200

_DATE = re.compile(r"datetime\.datetime\((\d{1,6}(?:, ?\d{1,6}){2,7})\)|datetime\.date\((\d{4}, \d\d?, \d\d?)\)")
#: A flat dict or list of texts, integers, booleans and None, each in its only notation.
_QUOTED = r"'([^'\\\x00-\x1f]*)'"
_SCALAR = rf"(?:{_QUOTED}|(-?(?:0|[1-9][0-9]{{0,17}}))|(None|True|False))"
_PAIR = rf"{_QUOTED}: {_SCALAR}"
_FLAT_DICT = re.compile(rf"\{{(?:{_PAIR}(?:, {_PAIR})*)?\}}")
_FLAT_LIST = re.compile(rf"\[(?:{_SCALAR}(?:, {_SCALAR})*)?\]|\((?:{_SCALAR},(?: {_SCALAR}(?:, {_SCALAR})*)?)?\)")
_PAIRS, _SCALARS = re.compile(_PAIR), re.compile(_SCALAR)
_WORDS: dict[str, Value] = {"None": None, "True": True, "False": False}
_LONG = re.compile(r"\b(\d+)L\b")


def parse_literal(text: str) -> Value:
    """Parse a Python literal, with tuples as lists and dates as text; return None if ``text`` is not one."""
    if len(text) > MAX_LITERAL:
        return None
    # Dates and Python 2's long integers are not literals; most values contain neither.
    dated = _DATE.sub(_date, text) if "datetime.d" in text else text
    value = _flat(dated)
    if value is None:
        value = _literal(text)
    return value if value is not None else _literal(_LONG.sub(r"\1", dated))


def _flat(text: str) -> Value:
    """Parse a flat dict or list, six times as fast as Python's parser; return None for any other value."""
    if _FLAT_DICT.fullmatch(text):
        return {key: _scalar(*value) for key, *value in _PAIRS.findall(text)}
    if _FLAT_LIST.fullmatch(text):
        return [_scalar(*value) for value in _SCALARS.findall(text)]
    return None


def _scalar(quoted: str, number: str, word: str) -> Value:
    if number:
        return int(number)
    return _WORDS[word] if word else quoted


def _literal(text: str) -> Value:
    try:
        return plain(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def parse_json(text: str | bytes) -> Value:
    """Parse JSON; return None if ``text`` is not JSON."""
    try:
        return plain(json.loads(text))
    except (ValueError, RecursionError):
        return None


def plain(value: object, depth: int = 0) -> Value:
    """Return ``value`` reduced to JSON's types; other objects become text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth > MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {str(key): plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(inner, depth + 1) for inner in value]
    return str(value)


@lru_cache(maxsize=4096)
def _is_secret(key: str) -> bool:
    return masking.secret_key(key)


def masked(value: Value, key: str = "") -> Value:
    """Return ``value`` with secrets masked and its size limited to a step's; ``key`` is its name, if any."""
    if key and masking.may_be_secret(value) and _is_secret(key):
        return masking.MASK
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        secret = masking.secret_values(value)
        return {
            text(name): masking.MASK if name in secret and isinstance(inner, str) else masked(inner, name)
            for name, inner in list(value.items())[:MAX_ITEMS]
        }
    if isinstance(value, list):
        return _masked_list(value[:MAX_ITEMS])
    return value


def _masked_list(items: list[Value]) -> list[Value]:
    if masking.is_pair(items):
        return [items[0], masking.MASK]
    if len(items) > 2 and all(isinstance(item, str) for item in items):
        return [item[:MAX_TEXT] for item in masking.arguments(items)]
    return [masked(item) for item in items]


def text(value: str) -> str:
    """Return a text with secrets, known by names or shapes in it, masked; masked before it is cut."""
    if len(value) <= MAX_TEXT:
        return masking.mask(value)
    return masking.mask(value[: 2 * MAX_TEXT])[:MAX_TEXT]


def path(value: str) -> str:
    """Return a URL's path with the tokens in it masked."""
    return text(masking.path_without_tokens(value))


def _date(match: re.Match[str]) -> str:
    parts = [int(part) for part in (match[1] or match[2]).split(",")[:6]]
    day, clock = parts[:3], parts[3:]
    date = "-".join(f"{part:02}" for part in day)
    return f"'{date} {':'.join(f'{part:02}' for part in [*clock, 0, 0, 0][:3])}'" if clock else f"'{date}'"
