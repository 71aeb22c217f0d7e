"""Secrets in texts, lists and commands: one set of rules for hooks, message copies, logs and what is imported.

A text is looked through for signs first, which most texts have none of. Then go, in this order: what has a secret's
shape, what programs are given, what stands behind a secret's name, and what was masked so, where it stands again.
Every step looks at each character a bounded number of times.
"""

from __future__ import annotations

import re
from typing import Any

from . import secret_commands, secret_named, secret_names, secret_shapes, secret_starts
from .secret_ends import MASK
from .secret_names import secret_key
from .secret_shapes import path_without_tokens
from .secret_statements import names_secret, without_literals, without_rows

__all__ = [
    "MASK", "arguments", "is_pair", "is_suspicious", "mask", "may_be_secret", "names_secret", "path_without_tokens",
    "secret_key", "secret_values", "without_secrets",
]  # fmt: skip

#: One of these, or a program's name, stands in every text that would be changed.
_TRIGGERS = secret_starts.least((
    *secret_names.WORDS, "pass", "pwd", "pw", "psk", "otp", "kek", "sig=", "sig%", 'sig"', "hmac", "authorization",
    "://", ":\\", "%2f%2f", "---", "ssh-", "ecdsa-", "gaaaa", "eyj", "$", "cloud-", "i2nsb3vk", "iyev", "q29udgvu",
    "ghp_", "gho_", "ghs_", "github_", "glpat", "hvs.", "hvb.", "xox", "==", "{sha", "{ssha", "{md5", "{smd5", "dhhc",
    "payload", "identified", "code=", ":key=", "secret", "nvmetlskey", "crypt", "key", "basic ", "into",
))  # fmt: skip
#: And one of these in each of those: fewer to look for in the ordinary text, which has none.
_SIGNS = secret_starts.least((
    "pass", "pw", "wd", "secret", "token", "uthor", "cred", "key", "_data", "r-data", "rdata", "e-data", "tents",
    "sonal", "inject", "ction_", "cookie", "auth", "fernet", "://", ":\\", "%2f", "---", "ssh-", "ecdsa-", "gaaaa",
    "eyj", "$", "==", "sig", "trust", " -", "'-", '"-', ";-", "commu", "bearer", "payl", "identified", "pin", "chap",
    "psk",
    "otp", "kek", "hmac", "cloud-", "i2nsb3vk", "iyev", "q29udgvu", "hvs.", "hvb.", "ghp_", "gho_", "ghs_", "github_",
    "glpat", "xox", "{s", "{m", "code=", "basic", "dhhc", "crypt", "d_user", "rtstool", "vault", "into", "xfrm", "<<<",
))  # fmt: skip

#: Words without a sign: a service's texts are made of the same ones, and to look them up is the fastest.
_harmless: set[str] = set()
_MAX_HARMLESS = 4096
#: Ids are longer, and never come again.
_MAX_WORD = 32
#: Numbers, times, addresses and ids have none of the signs.
_number = re.compile(r"[\[('\"]{0,2}(?:req-)?[0-9a-f][0-9a-f:.,/-]*(?:m?s|%)?[\])'\",.;:]{0,3}").fullmatch

#: Words that are no options although they begin as these do: oslo.log writes them for ids that there are none of. They
#: stand for a sign only of what programs are given.
_DASHES = frozenset(("-", "-]", "[-"))

_BLANKS = re.compile(r"(\s+)")
#: So many times a text may be quoted over and over.
_MAX_QUOTED = 3
#: What a text within another is written with.
_BACKSLASH = re.compile(r"\\([\"'`\\/nrt])")
_ENTITY = re.compile(r"&(lt|gt|amp|quot|apos|#39|#x27|#34);")
_MEANS = {
    "n": "\n", "r": "\r", "t": "\t", "lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'", "#39": "'",
    "#x27": "'", "#34": '"',
}  # fmt: skip
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")


def mask(text: str) -> str:
    """``text`` with its secrets masked; the very object where there are none."""
    return _masked(text, _MAX_QUOTED)


def _masked(text: str, quoted: int) -> str:
    if not is_suspicious(text):
        return text
    if quoted and "&" in text and ";" in text:
        plain = _unescaped(text, _ENTITY, quoted)
        if plain is not text:
            return plain
    masked = secret_shapes.without_shapes(text)
    masked = secret_commands.masked_line(masked, MASK)
    if "into" in masked.lower() or "[SQL: " in masked:
        masked = without_rows(masked)
    masked = secret_named.without_named(masked)
    if quoted and "%" in masked:
        masked = _unquoted(masked, quoted)
    if quoted and "\\" in masked:
        masked = _unescaped(masked, _BACKSLASH, quoted)
    return masked if masked != text else text


def _unquoted(text: str, quoted: int) -> str:
    """The words that are quoted as in URLs unquoted, if a secret stands in them then."""
    words = _BLANKS.split(text)
    for place, word in enumerate(words):
        if "%" in word and _ESCAPE.search(word):
            plain = unquote(word)
            masked = _masked(plain, quoted - 1)
            words[place] = word if masked == plain else masked
    return "".join(words)


def _unescaped(text: str, escapes: re.Pattern[str], quoted: int) -> str:
    """A text within a text (JSON in JSON, a repr) without its escapes, if a secret shows then; else as it is."""
    plain = escapes.sub(lambda escape: _MEANS.get(escape[1], escape[1]), text)
    masked = _masked(plain, quoted - 1)
    return text if masked == plain else masked


def is_suspicious(text: str) -> bool:
    """Whether a word or sign stands in ``text`` that tells secrets, even if the secret itself stands elsewhere."""
    words = text.split()
    if _harmless.issuperset(words):
        return False
    rest = [word for word in words if word not in _harmless and not _number(word)]
    signed = [word for word in rest if word not in _DASHES]
    lowered = " %s " % " ".join(signed).lower()
    if "%" in lowered:
        lowered += unquote(lowered)
    for sign in _SIGNS:
        if sign in lowered:
            break
    else:
        if len(_harmless) >= _MAX_HARMLESS:
            _harmless.clear()
        _harmless.update([word for word in signed if len(word) <= _MAX_WORD])
        if len(rest) == len(signed):
            return False
        if "%" not in text:
            return secret_commands.names_program(text)
    if "%" in text:
        text += " " + unquote(unquote(text))
    lowered = text.lower()
    for trigger in _TRIGGERS:
        if trigger in lowered:
            return True
    return secret_commands.names_program(text)


def without_secrets(statement: str) -> str:
    """A statement's text: one that names a secret loses its literals, any other those that look like one."""
    return without_literals(statement, mask)


def arguments(given: Any) -> list[Any]:
    """A command's arguments, each an exact str with its secrets masked, or as it is where it is no text."""
    parts = secret_commands.secret_parts(list(given))
    return [
        _argument(word, parts.get(place)) if type(word) is str else MASK if place in parts else word
        for place, word in enumerate(given)
    ]


def _argument(word: str, secret_from: int | None) -> str:
    if secret_from is None:
        return mask(word)
    return word[:secret_from] + MASK


def may_be_secret(value: Any) -> bool:
    """Return whether a value under a secret's name has anything to hide: None, True and whatever is empty have not."""
    return value is not None and value is not True and not (id(type(value)) in _EMPTY_TYPES and not value)


def is_pair(items: Any) -> bool:
    """Whether a list or tuple is a secret's name and the secret."""
    if len(items) != 2 or type(items[0]) is not str or not secret_key(items[0]):
        return False
    return may_be_secret(items[1]) and not is_method(items[1])


def is_method(value: Any) -> bool:
    """Whether a text is the name of a way to log in: lists of these are no pairs of a name and a secret."""
    return type(value) is str and value in secret_named.METHODS


#: Types whose empty values and zeros are no secrets, by identity: a metaclass may compare classes.
_EMPTY_TYPES = frozenset(map(id, (bool, str, bytes, int, float, dict, list, tuple, set, frozenset)))

#: Keys under which the name of a setting stands, and those under which its value does.
_NAMING = (
    "name", "key", "k", "option", "parameter", "param", "field", "variable", "header", "attribute", "property",
    "qom-type",
)  # fmt: skip
_VALUED = frozenset(("value", "val", "v", "data", "content", "default", "current", "new", "old", "payload", "text"))
_NONE: frozenset[str] = frozenset()


def secret_values(items: dict[Any, Any]) -> frozenset[str]:
    """Keys whose values are secrets by what stands beside them: ``{"name": "password", "value": …}``."""
    if "payload" in items and ("payload_content_type" in items or "payload_content_encoding" in items):
        return frozenset(("payload",))
    for key in _NAMING:
        name = items.get(key)
        if type(name) is str and secret_key(name):
            return _VALUED
    return _NONE


#: Bytes that are quoted as in URLs. urllib's own function would leave a table in the host's urllib.parse.
_PERCENTS = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def unquote(text: str) -> str:
    """Return ``text`` with its percent-encoded bytes decoded as UTF-8."""
    return _PERCENTS.sub(lambda match: bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace"), text)
