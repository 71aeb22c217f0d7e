"""What looks like a secret: names of things whose values are secret, and the shapes of secrets in free text."""

from __future__ import annotations

import re

MASK = "***"

#: Parts of names, in lower case: what stands under such a name is secret, wherever that is.
_WORDS = (
    "passw", "passphrase", "pass_phrase", "adminpass", "admin_pass", "rescue_pass", "new_pass", "pswd", "secret",
    "token", "authoriz", "credential", "private_key", "privatekey", "public_key", "publickey", "user_data",
    "userdata", "key_data", "contents", "personality", "injected_files", "connection_info", "cookie", "x-auth",
    "fernet", "access_key", "api_key", "apikey", "ssh_key", "ssl_key", "encryption_key", "encrypted_key", "chappass",
    "configdrive_data",
)  # fmt: skip

#: Whether a name (of a parameter, column, header, key) is a secret's; ``_1`` and the like are SQLAlchemy's suffixes.
secret_key = re.compile(
    "|".join(_WORDS)
    + r"|(?<!com)(?<!by)pass(?![a-z])|_pwd(?![a-z])|private|encryption|connection(?:_\d+)?$|^value(?:_+m?\d+)*$",
    re.IGNORECASE,
).search

#: A name in lowered text (a fourth of what IGNORECASE takes) with what stands between it and its value in JSON,
#: Python, a query, a header or a command line.
_HEAD = re.compile(
    r"(?:" + "|".join(_WORDS) + r"|\bpass(?=[\"'\\ ]*[:=])|_pass\b|\bpwd\b)[\w.-]{0,40}"
    r"(?:[\"'\\]{0,8}\s{0,8}(?:[:=]|%3d)>?\s{0,8}"
    r"|[\"'\\]{1,8}\s{0,8},\s{0,8}(?=[\\bu]{0,3}[\"'])"
    r"|(?P<space>\s{1,8})(?=[^\s-]))"
)
_SHAPES = re.compile(
    r"-----BEGIN[^-]{0,40}-----.*?(?:-----END[^-]{0,40}-----|\Z)"
    r"|\b(?:ssh-\w{3,10}|ecdsa-sha2-\w{1,20}) [A-Za-z0-9+/=]{16,}"
    r"|\bgAAAA[\w=-]{20,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|\$(?:2[aby]|[156y]|scrypt|pbkdf2[\w-]{0,10})\$[^\s'\",]+"
    r"|(?<=://)[^\s/@'\"?#]{0,256}:[^\s'\"]{0,256}(?=@)",
    re.DOTALL,
)
#: And one of these in every text in which there is such a shape.
_SHAPE_SIGNS = ("://", "$", "eyJ", "gAAAA", "ssh-", "ecdsa-", "-----BEGIN")
#: One of these stands in every text that would be changed: looking for them is ten times cheaper.
_TRIGGERS = _WORDS + ("pass", "pwd", "://", "---", "ssh-", "ecdsa-", "gaaaa", "eyj", "$")
#: And one of these in each of those: half as many to look for in the ordinary text, which has none.
_SIGNS = (
    "pass", "wd", "secret", "token", "uthor", "cred", "_key", "ekey", "ckey", "ikey", "_data", "rdata", "tents",
    "sonal", "inject", "ction_", "cookie", "x-a", "fernet", "://", "---", "ssh-", "ecdsa-", "gaaaa", "eyj", "$",
)  # fmt: skip

_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_QUOTE = re.compile(r"[bBuUrR]{0,2}(\\*)([\"'])")
_BRACKETS = re.compile(r"[\[\](){}\"']")
#: Neither quoted nor bracketed: up to a space, or to a sign that more names and values, or the end, may follow.
_PLAIN = re.compile(
    r"(?:(?:bearer|basic|token|digest|negotiate)\s+)?(?:[^\s,;&'\"\\})\]]|[,;'\"\\})\]](?=[^\s,;&'\"\\})\]])(?!\w+[=:]))*",
    re.IGNORECASE,
)
_NOTHING = frozenset(("None", "null", "True", "true", "False", "false", ""))


def mask(text: str) -> str:
    """``text`` with its secrets masked; the very object where there are none."""
    if not is_suspicious(text):
        return text
    for sign in _SHAPE_SIGNS:
        if sign in text:
            text = _SHAPES.sub(MASK, text)
            break
    return _named(text)


def is_suspicious(text: str) -> bool:
    """Whether a word or sign stands in ``text`` that tells secrets, even if the secret itself stands elsewhere."""
    lowered = text.lower()
    for sign in _SIGNS:
        if sign in lowered:
            break
    else:
        return False
    for trigger in _TRIGGERS:  # noqa: SIM110 - a generator would double what this takes
        if trigger in lowered:
            return True
    return False


def _named(text: str) -> str:
    """Mask what stands behind a secret's name."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a Turkish İ becomes two characters
        lowered = text.translate(_LOWER)
    parts = []
    at = 0
    head = _HEAD.search(lowered)
    while head is not None:
        start = head.end()
        end = _value_end(text, start) if head["space"] is None or _is_option(text, head.start()) else start
        value = text[start:end]
        parts.append(text[at:start])
        parts.append(value if value in _NOTHING else MASK)  # a word that is followed by a space has no value here
        at = end
        head = _HEAD.search(lowered, at)
    parts.append(text[at:])
    return "".join(parts)


def _is_option(text: str, at: int) -> bool:
    """Whether the word around ``at`` begins with a dash: only an option's value stands behind a mere space."""
    while at > 0 and (text[at - 1].isalnum() or text[at - 1] in "-_"):
        at -= 1
    return text[at : at + 1] == "-"


def _value_end(text: str, start: int) -> int:
    """Where the value ends that begins at ``start``; one that is cut off ends with the text."""
    quote = _QUOTE.match(text, start)
    if quote is not None:
        return _quoted_end(text, quote.end(), len(quote[1]), quote[2])
    if text[start : start + 1] in ("[", "{", "("):
        return _bracketed_end(text, start)
    plain = _PLAIN.match(text, start)
    return plain.end() if plain is not None else start


def _quoted_end(text: str, at: int, escapes: int, quote: str) -> int:
    """Behind the closing quote, which has as many backslashes before it as the opening one (JSON within JSON)."""
    while True:
        found = text.find(quote, at)
        if found < 0:
            return len(text)
        first = found
        while first > at and text[first - 1] == "\\":
            first -= 1
        if found - first == escapes or (escapes == 0 and (found - first) % 2 == 0):
            return found + 1
        at = found + 1


def _bracketed_end(text: str, start: int) -> int:
    depth = 0
    sign = _BRACKETS.search(text, start)
    while sign is not None:
        end = sign.end()
        if sign[0] in "\"'":
            escapes = 0
            while text[sign.start() - 1 - escapes] == "\\":
                escapes += 1
            end = _quoted_end(text, end, escapes, sign[0])
        else:
            depth += 1 if sign[0] in "[({" else -1
            if depth == 0:
                return end
        sign = _BRACKETS.search(text, end)
    return len(text)
