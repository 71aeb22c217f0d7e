"""Secrets in texts, lists and commands: one set of rules for hooks, message copies, logs and what is imported.

The words of a text decide which steps it needs; most texts need none. The steps mask, in this order: what has a
secret's shape, what programs are given, the rows of statements, and what follows a secret's name, there and where it
is repeated. Every step visits each character a bounded number of times.
"""

from __future__ import annotations

import re
from typing import Any

from . import secret_commands, secret_escapes, secret_named, secret_shapes, secret_signs
from .secret_ends import MASK
from .secret_keys import OpenKeys
from .secret_names import secret_key
from .secret_shapes import path_without_tokens
from .secret_statements import names_secret, without_literals, without_rows

__all__ = [
    "MASK", "OpenKeys", "arguments", "is_pair", "is_suspicious", "mask", "may_be_secret", "names_secret",
    "path_without_tokens", "secret_key", "secret_values", "without_secrets",
]  # fmt: skip

_BLANKS = re.compile(r"(\s+)")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
#: So many times a text may be escaped over and over.
_MAX_ESCAPED = 3


def mask(text: str) -> str:
    """Return ``text`` with its secrets masked; the very object where there are none."""
    return _masked(text, _MAX_ESCAPED)


def _masked(text: str, escaped: int) -> str:
    steps = secret_signs.steps(text)
    if not steps:
        return text
    if escaped and "&" in text and ";" in text:
        masked = _masked_plain(text, secret_escapes.without_entities(text), escaped)
        if masked is not text:
            return masked
    masked = text
    if steps & secret_signs.SHAPES:
        masked = secret_shapes.without_shapes(masked, secret_signs.words(masked, secret_signs.SHAPES))
    if steps & secret_signs.PROGRAMS:
        masked = secret_commands.masked_line(masked, MASK)
    if steps & secret_signs.ROWS:
        masked = without_rows(masked)
    if steps & secret_signs.NAMES:
        masked = secret_named.without_named(masked, secret_signs.words(masked, secret_signs.NAMES))
    if escaped and "%" in masked:
        masked = _unquoted(masked, escaped)
    if escaped and "\\" in masked:
        masked = _masked_plain(masked, secret_escapes.without_backslashes(masked), escaped)
    return masked if masked != text else text


def _unquoted(text: str, escaped: int) -> str:
    """Return ``text`` with those words decoded that show a secret once they are."""
    words = _BLANKS.split(text)
    for index, word in enumerate(words):
        if "%" in word and _ESCAPE.search(word):
            words[index] = _masked_plain(word, secret_escapes.unquote(word), escaped)
    return "".join(words)


def _masked_plain(text: str, plain: str, escaped: int) -> str:
    """Return ``plain``, which is ``text`` decoded, without the secrets that show in it; ``text`` if there are none."""
    masked = _masked(plain, escaped - 1)
    return text if masked == plain else masked


def is_suspicious(text: str) -> bool:
    """Return whether a word or sign in ``text`` hints at secrets, if only in another part of a message."""
    return secret_signs.is_hinted(text)


def without_secrets(statement: str) -> str:
    """Return a statement's text without its literals if it names a secret, else without those that look like one."""
    return without_literals(statement, mask)


def arguments(words: Any) -> list[Any]:
    """Return a command's arguments, each a str with its secrets masked, or as it is if it is not text."""
    parts = secret_commands.secret_parts(list(words))
    return [
        _argument(word, parts.get(index)) if type(word) is str else MASK if index in parts else word
        for index, word in enumerate(words)
    ]


def _argument(word: str, secret_from: int | None) -> str:
    if secret_from is None:
        return mask(word)
    return word[:secret_from] + MASK


def may_be_secret(value: Any) -> bool:
    """Return whether a value under a secret's name has anything to hide: None, True and empty values have not."""
    return value is not None and value is not True and not (id(type(value)) in _EMPTY_TYPES and not value)


def is_pair(items: Any) -> bool:
    """Return whether a list or tuple is a secret's name and the secret."""
    if len(items) != 2 or type(items[0]) is not str or not secret_key(items[0]):
        return False
    return may_be_secret(items[1]) and not is_method(items[1])


def is_method(value: Any) -> bool:
    """Return whether a text is the name of a way to log in: lists of these are no pairs of a name and a secret."""
    return type(value) is str and value in secret_named.METHODS


#: Types whose empty values and zeros are no secrets, by identity: a metaclass may compare classes.
_EMPTY_TYPES = frozenset(map(id, (bool, str, bytes, int, float, dict, list, tuple, set, frozenset)))

#: Keys of the name of a setting, and those of its value.
_NAMING = (
    "name", "key", "k", "option", "parameter", "param", "field", "variable", "header", "attribute", "property",
    "qom-type",
)  # fmt: skip
_VALUED = frozenset(("value", "val", "v", "data", "content", "default", "current", "new", "old", "payload", "text"))
_NONE: frozenset[str] = frozenset()


def secret_values(items: dict[Any, Any]) -> frozenset[str]:
    """Return the keys whose values are secrets because of others: ``{"name": "password", "value": …}``."""
    if "payload" in items and ("payload_content_type" in items or "payload_content_encoding" in items):
        return frozenset(("payload",))
    for key in _NAMING:
        name = items.get(key)
        if type(name) is str and secret_key(name):
            return _VALUED
    return _NONE
