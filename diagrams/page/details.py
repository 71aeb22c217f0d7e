"""The details that the page of a boot shows of a step: a line of JSON for each step, and one for each statement."""

from __future__ import annotations

import json
import re

from diagrams.page.statements import laid_out
from tracer.model import Request, Value

#: Whole numbers up to here are the same in JavaScript.
_EXACT = 2**53
#: What HTML takes for no text: controls, surrogates, and the last two of each plane, which are no characters.
_FORBIDDEN = re.compile(
    "[\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(n + 0xFFFE)}{chr(n + 0xFFFF)}" for n in range(0, 0x110000, 0x10000))
    + "]"
)


def details(boot: Request) -> tuple[str, str]:
    """A line for each step, in the order of the tree: its attributes, its error, and the number of its statement.

    Beside them the statements, a line each: most are sent many times.
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
    return "\n".join(lines), "\n".join(map(to_json, laid_out(list(statements))))


def to_json(value: object) -> str:
    """Write JSON that a script element may contain: no ``<``, and escapes for what HTML forbids."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return text if text.isascii() else _FORBIDDEN.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _safe(value: Value) -> Value:
    """A value that JavaScript reads as it is: numbers that it would round, or does not know, become text."""
    if isinstance(value, dict):
        return {key: _safe(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_safe(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    # Compared before anything else: a whole number may be too large to become a float.
    return value if -_EXACT < value < _EXACT else str(value)
