"""Templates of messages: a text with a field for each value, compiled to a regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tracer.model.patterns import UUID

_FIELD = re.compile(r"\{(\w*)\}")
#: Fields with a form of their own; others are any text.
_FORMS = {
    "instance": UUID, "seconds": r"\d+(?:\.\d+)?", "attempt": r"\d+", "attempts": r"\d+", "filter": r"\w+",
    "volume": r"[^\s:]+", "port": r"\S+", "node": r"[^\s,;()]+", "host": r"(?:Weigh\w* \[.*?\]|[^\s,;:()]+)",
}  # fmt: skip
#: oslo.log appends the exception to the line; a paste, dots or nothing.
_TAIL = r"\.?(?:…|\.{3})?(?:: (?P<raised>[A-Za-z_][\w.]*(?:: .*)?))?\s*\Z"
#: The first word of a text without a field in it.
_WORD = re.compile(r"[^\s{]+(?=\s|\Z)")


@cache
def compile_template(text: str) -> re.Pattern[str]:
    """Return the pattern that a whole message matches, with the template's fields as named groups."""
    parts: list[str] = []
    for literal, name in split(text.rstrip(".")):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(f"(?P<{name}>{_FORMS.get(name, '.*?')})" if name else ".*?")
    # Free text at the end is all that follows.
    tail = r"\s*\Z" if text.endswith("{reason}") else _TAIL
    return re.compile("".join(parts) + tail, re.DOTALL)


def split(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield each literal part of a template with the name of the field after it, None after the last."""
    offset = 0
    for match in _FIELD.finditer(text):
        yield text[offset : match.start()], match[1]
        offset = match.end()
    yield text[offset:], None


@cache
def longest(text: str) -> str:
    """Return the longest part of a template without a field in it."""
    return max((literal for literal, _ in split(text.rstrip("."))), key=len)


def first_word(text: str) -> str:
    """Return the word that every message of the template begins with, "" where it begins with a value."""
    match = _WORD.match(text)
    return match[0].rstrip(".:…") if match else ""
