"""Conditions on boots as people write them, ``release=34.0.0,day>=2026-11-01``, and as SQL."""

from __future__ import annotations

import re
from datetime import date

from tracer.errors import TracerError
from tracer.fleet.schema import BOOTS

_TERM = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*(<=|>=|!=|<>|=|<|>)\s*(.*?)\s*")
#: Columns that conditions may name by another word.
_ALIASES = {"duration_us": "dur_us"}
_NUMBERS = frozenset({"INTEGER", "BIGINT"})
#: Characters that engines read differently within a literal.
_UNSAFE = re.compile(r"[\x00-\x1f\\]")
EVERY = "true"


def sql(text: str) -> str:
    """Return a condition on a row of ``boots``: terms joined by commas, all of which must hold.

    A term is a column of the boots (release, host, day, ports, …) or a trait, an operator and a value.
    """
    return " AND ".join(map(_term, text.split(","))) if text.strip() else EVERY


def _term(text: str) -> str:
    match = _TERM.fullmatch(text)
    if match is None or not match[3] or _UNSAFE.search(text):
        raise TracerError(f"{text}: not a condition; write it as release=34.0.0, day<2026-11-01 or ports>=2")
    name, operator, value = match.groups()
    name, operator = _ALIASES.get(name, name), operator.replace("!=", "<>")
    if name == "day":
        return f"day {operator} DATE {literal(_day(value))}"
    kind = BOOTS.get(name)
    if kind in _NUMBERS:
        return f"{name} {operator} {_number(name, value)}"
    if kind == "TIMESTAMP":
        return f"{name} {operator} TIMESTAMP {literal(value)}"
    if kind == "VARCHAR":
        return f"{name} {operator} {literal(value)}"
    trait = f"traits[{literal(name)}]"
    if operator in ("=", "<>"):
        return f"{trait} {operator} {literal(value)}"
    return f"CAST({trait} AS DOUBLE) {operator} {_number(name, value)}"


def column(name: str) -> str:
    """Return a column of the boots or a trait as SQL."""
    if re.fullmatch(r"[A-Za-z_][\w.-]*", name) is None:
        raise TracerError(f"{name}: not the name of a column or trait")
    return name if name in BOOTS or name == "day" else f"traits[{literal(name)}]"


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise TracerError(f"day {value}: write it as 2026-11-01") from None


def _number(name: str, value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        raise TracerError(f"{name}: {value} is not a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise TracerError(f"{name}: {value} is not a number")
    return repr(int(number)) if number == int(number) else repr(number)


def literal(value: str) -> str:
    """Return a text as SQL."""
    return "'" + value.replace("'", "''") + "'"
