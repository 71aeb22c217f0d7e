"""Secrets of a raw log's lines, masked such that the lines stay readable to ingest."""

from __future__ import annotations

import json
import re
from typing import Any

from patches import masking
from tracer.anonymize.rows import Tables
from tracer.sources import values
from tracer.tap.message_file import masked

#: The source location at the end of a DEBUG line, which holds no secret, and a Python value before it.
_LOCATION = re.compile(r" [\w<>.]{1,100} /[^\s]{1,300}\.py:[0-9]+(?:\}\})?\s*\Z")
_LITERAL = re.compile(r"(?<=\s)\{[^\n]*\}")
#: Values that were masked with their quotes.
_MASKED_VALUE = re.compile(r"(\\*[\"'])(\s?:\s?)[bu]?\*\*\*(?=[,}\s]|\Z)")
_MASKED_ITEM = re.compile(r"([(\[]|(\\*[\"'])?, )\*\*\*(?=[,)\]])")


class LineMasking:
    """The masking of a text's lines, in order: keys and rows span several."""

    def __init__(self) -> None:
        self._keys = masking.OpenKeys()
        self._tables = Tables()

    def line(self, line: str) -> str:
        """Return a line without its secrets."""
        for column, text in self._tables.pairs(line):
            if masking.secret_key(column) and masking.may_be_secret(text):
                line = line.replace(text, masking.MASK)
        result = text_without_secrets(line)
        if self._keys.records or "-----BEGIN" in line:
            head, blank, last = ("", "", line) if "-----" in line else line.rpartition(" ")
            result = head + blank + self._keys.mask("", last, result[len(head) + len(blank) :])
        return result


def text_without_secrets(text: str) -> str:
    """Return a text, masked, with what is masked in it in quotes where values must stay readable."""
    result = masking.mask(text)
    if result is text:
        return text
    location = _LOCATION.search(text)
    body = text[: location.start()] if location is not None else text
    literal = _LITERAL.search(body)
    value = values.parse_literal(literal[0]) if literal is not None else None
    if literal is None or not _is_flat(value) or masked(value) != value:
        return _quoted(masking.mask(body)) + text[len(body) :]
    return masking.mask(body[: literal.start()]) + literal[0] + masking.mask(body[literal.end() :]) + text[len(body) :]


def _is_flat(value: Any) -> bool:
    """Return whether a value is a statement's parameters, of which each is a secret by itself or not."""
    return isinstance(value, dict) and not any(isinstance(inner, (dict, list)) for inner in value.values())


def _quoted(text: str) -> str:
    return _MASKED_ITEM.sub(_quoted_item, _MASKED_VALUE.sub(r"\1\2\1***\1", text))


def _quoted_item(match: re.Match[str]) -> str:
    """Return a masked item in the quotes of the one before it, which may be within a quoted text."""
    quote = match[2] or "'"
    return f"{match[1]}{quote}{masking.MASK}{quote}"


def object_without_secrets(value: dict[str, Any]) -> dict[str, Any]:
    """Return a line of JSON, masked; a copied message's connection is no database's."""
    clean = masked(value)
    if isinstance(value.get("connection"), str):
        clean["connection"] = masking.mask(value["connection"])
    return {key: _readable(inner) for key, inner in clean.items()}


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return _quoted(value) if masking.MASK in value and value != masking.MASK else value
    if isinstance(value, dict):
        return {key: _readable(inner) for key, inner in value.items()}
    return [_readable(inner) for inner in value] if isinstance(value, list) else value


def object_of(line: str) -> dict[str, Any] | None:
    """Return the JSON object that a line is, None for any other text."""
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
