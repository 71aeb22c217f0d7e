"""The details that the page of a boot shows: a line of JSON for each step, and one for each SQL statement."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from tracer.model import Request, Value

#: Whole numbers up to here are the same in JavaScript.
_EXACT = 2**53
#: Characters that HTML forbids: controls, surrogates, and the last two of each plane.
_FORBIDDEN = re.compile(
    "[\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(n + 0xFFFE)}{chr(n + 0xFFFF)}" for n in range(0, 0x110000, 0x10000))
    + "]"
)
#: Characters that are formatted in all, and of one statement: a hundred thousand take half a second.
_BUDGET, _MAX_STATEMENT = 300_000, 20_000


def details(boot: Request) -> tuple[str, str]:
    """Return one line per step, in the order of the tree: its attributes, its error, and the number of its statement.

    The second text has one line per statement; most are sent many times.
    """
    statements: dict[str, int] = {}
    lines = []
    for step in boot.walk():
        attributes = dict(step.attributes)
        statement = attributes.pop("statement", None)
        numbers = [statements.setdefault(statement, len(statements))] if isinstance(statement, str) else []
        if not numbers and statement is not None:
            attributes["statement"] = statement
        lines.append(to_json([_safe(attributes), step.error, *numbers]))
    return "\n".join(lines), "\n".join(map(to_json, format_statements(list(statements))))


def to_json(value: object) -> str:
    """Write JSON that a script element may contain: no ``<``, and escapes for what HTML forbids."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return text if text.isascii() else _FORBIDDEN.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _safe(value: Value) -> Value:
    """Return the value with numbers that JavaScript would round, or does not have, as text."""
    if isinstance(value, dict):
        return {key: _safe(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_safe(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    # Compared before anything else: a whole number may be too large to become a float.
    return value if -_EXACT < value < _EXACT else str(value)


def format_statements(statements: Iterable[str]) -> list[str]:
    """Return the statements with line breaks and indents; very long ones, and those beyond the budget, unchanged."""
    budget = _BUDGET
    texts = []
    for statement in statements:
        fits = len(statement) <= min(budget, _MAX_STATEMENT)
        budget -= len(statement) if fits else 0
        texts.append(_format(statement) if fits else statement)
    return texts


def _format(statement: str) -> str:
    # Imported late, because only pages need it.
    import sqlparse
    from sqlparse.exceptions import SQLParseError

    try:
        text = sqlparse.format(statement, reindent=True)
    except SQLParseError:  # nested too deeply
        return statement
    return text if _without_blanks(text) == _without_blanks(statement) else statement


def _without_blanks(text: str) -> str:
    return "".join(text.split())
