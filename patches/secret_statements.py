"""Literals in a statement's text: all in a statement that names a secret, else those that look like one."""

from __future__ import annotations

import re
from typing import Callable

from . import secret_names
from .secret_ends import MASK

_LITERAL = re.compile(r"'(?:[^']|'')*(?:'|\Z)")
#: With backslashes before quotes only the server knows the end of a literal.
_FIRST_TO_LAST = re.compile(r"'.*'|'.*\Z", re.DOTALL)
_DOUBLE = re.compile(r"((?:=|\bby|\bpassword|\blike)\s{0,8})\"[^\"]*(?:\"(?!\.)|\Z)", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|--[ \t][^\n]*", re.DOTALL)
_DOLLARS = re.compile(r"\$(\w{0,20})\$.*?(?:\$\1\$|\Z)", re.DOTALL)
#: Rows without names of columns, of tables of people.
_UNNAMED = re.compile(r"\binto\s{1,8}\W?\w*(?:user|account|member|login|person)\w*\W?\s{1,8}values", re.IGNORECASE)
_IDENTIFIED = re.compile(r"\bidentified\s", re.IGNORECASE)


def without_literals(statement: str, mask: Callable[[str], str]) -> str:
    """Return the statement's text without its secrets; ``mask`` masks a text."""
    if "--" in statement or "/*" in statement:
        statement = _COMMENT.sub(lambda comment: mask(comment[0]), statement)
    if not any(sign in statement for sign in "'\"$"):
        return statement
    if not names_secret(statement):
        return _LITERAL.sub(lambda literal: _masked_literal(literal[0], mask), statement)
    if "\\'" in statement:
        statement = _FIRST_TO_LAST.sub("'%s'" % MASK, statement)
    statement = _DOLLARS.sub(MASK, _LITERAL.sub("'%s'" % MASK, statement))
    return _DOUBLE.sub(r'\1"%s"' % MASK, statement)


def _masked_literal(literal: str, mask: Callable[[str], str]) -> str:
    """Return a literal unchanged unless its value contains a secret."""
    if "''" not in literal[1:-1]:
        return mask(literal)
    value = literal[1:].replace("''", "'")
    masked = mask(value)
    return literal if masked == value else "'" + masked.rstrip("'").replace("'", "''") + "'"


#: A statement within a text: its beginning up to the rows, or up to what is compared and assigned.
_INSERT = re.compile(r"\b(?:insert\s{1,4}(?:ignore\s{1,4})?into|replace\s{1,4}into)\s[^;\n]{0,4000}", re.IGNORECASE)
_VALUES = re.compile(r"\bvalues\b", re.IGNORECASE)
#: The end of SQLAlchemy's errors.
_FAILED = re.compile(
    r"\[SQL: (?P<statement>[^\n]{0,8000})\]\s{0,4}(?:\\n)?\[parameters: (?P<values>[(\[{][^\n]{0,20000}?)(?:\]|\Z)",
    re.DOTALL,
)
_USES = re.compile(r"\b(?:set|where|values)\b", re.IGNORECASE)


def without_rows(text: str) -> str:
    """Return ``text`` without the literals and parameters of its statements that insert or compare secrets."""
    if "into" not in text.lower() and "[SQL: " not in text:
        return text
    text = _INSERT.sub(_without_row, text)
    return _FAILED.sub(_without_parameters, text) if "[parameters: " in text else text


def _without_row(match: re.Match[str]) -> str:
    statement = match[0]
    values = _VALUES.search(statement)
    if values is None or not names_secret(statement[: values.end()]):
        return statement
    rows = statement[values.end() :]
    if "\\'" in rows:
        return statement[: values.end()] + _FIRST_TO_LAST.sub("'%s'" % MASK, rows)
    return statement[: values.end()] + _LITERAL.sub("'%s'" % MASK, rows)


def _without_parameters(match: re.Match[str]) -> str:
    """Mask all parameters if one is a secret: their order depends on a text that may be cut."""
    statement = match["statement"]
    uses = _USES.search(statement)
    inserts = statement[:8].upper().startswith(("INSERT", "REPLACE"))
    about = statement if inserts or uses is None else statement[uses.start() :]
    if not names_secret(about):
        return match[0]
    start = match.start("values") - match.start()
    return match[0][:start] + MASK + match[0][start + len(match["values"]) :]


def names_secret(statement: str) -> bool:
    """Return whether a statement is about secrets."""
    if secret_names.names_one(statement):
        return True
    lowered = statement.lower()
    return ("into" in lowered and _UNNAMED.search(statement) is not None) or (
        "identified" in lowered and _IDENTIFIED.search(statement) is not None
    )
