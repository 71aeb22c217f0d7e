"""Secrets that follow their names in free text: assigned, in pairs, as options, in elements, in sentences."""

from __future__ import annotations

import re

from . import secret_ends, secret_names, secret_starts
from .secret_ends import MASK

#: Names that take a value only where it is assigned to them without a blank.
_STRICT = r"(?<![a-z])(?:sig|kek|otp|totp|psk|hmac|pin)(?![a-z])|signature|(?<=[?&])code(?==)|(?<=:)key(?==)"
_NAME = re.compile(
    r"(?P<strict>" + _STRICT + r")"
    r"|(?P<header>(?:set-)?cookie|authorization)"
    r"|(?P<barbican>payload(?=[\"'\\&]))"
    r"|(?P<sql>\bidentified\s{1,8}(?:with\s{1,8}\S{1,64}\s{1,8}(?:by|as)|by)(?:\s{1,8}password)?"
    r"|\bset\s{1,8}password\s{1,8}for\s{1,8}[^\s=]{1,128})"
    r"|(?:(?:secret|access|api|private|encryption|auth|shared)[ _-]key|"
    + "|".join(map(re.escape, secret_names.WORDS))
    + r"|(?<![a-z])(?:pw|pwd)(?![a-z])"
    r"|(?<!com)(?<!by)(?<!sur)pass(?=[\"'\\ ]{0,8}[:=])|(?:_|-)pass\b)"
)
#: Names in a word of a text that take a value although they are no name by themselves, or whatever their end is.
_IN_WORD = re.compile(
    r"(?<![a-z])(?:kek|t?otp|psk|hmac)(?![a-z])|signature|(?<=[?&])code(?==)|(?<=:)key(?==)|payload_content_|identified\Z"
)
_MORE = re.compile(r"(?:access|api|private|encryption|auth|shared)[_-]key|authorization|(?<![a-z])pwd?(?![a-z])")
#: The first character that may follow a name and its tail, and signs of an element.
_FOLLOWS = "\"'`\\&%:=,.)<>"
_TAGS = ("<", "&lt;", "u003c")
_TAIL = re.compile(r"[\w.-]*")

_Q = r"(?:\\{0,64}[\"'`]|&(?:amp;)?(?:quot|apos|#0?3[49]|#x2[27]);|%(?:25)?2[27]|\\{1,64}u002[27]|\\{1,64}x2[27])"
_S = r"(?:[ \t]|%20|\\{1,32}[nt](?![a-z0-9]))"
#: A value may be on the next line where it is quoted, or indented and alone there.
_NEXT_LINE = r"(?:\r?\n[ \t]{1,40}(?=[\"'{\[]|[^\s:=]{1,200}(?:\s|\Z)))?"
#: Settings whose values have another name: ``"name": "password", "value": "x"``, ``-n auth.password -v x``.
_LINK = (
    r"(?:" + _Q + r"{1,8}\s{0,8},\s{0,8}(?:" + _Q + r"{1,8}\w{1,20}" + _Q + r"{1,8}\s{0,4}:\s{0,4}"
    + _Q + r"{0,8}[^\"',{}\\]{0,60}" + _Q + r"{0,8},\s{0,8}){0,2}" + _Q + r"{1,8}(?:value|val|data|v|default|content)"
    + _Q + r"{1,8}\s{0,4}[:=]\s{0,4}"
    r"|" + _Q + r"{0,8},?\s{1,4}" + _Q + r"{0,4}(?:-v|--value)" + _Q + r"{0,4}(?:=|,?\s{1,4})"
    r"|" + _Q + r"{0,8}[.,:)]?\s{1,4}(?:(?:with|has|and|to)\s(?:the\s)?)?value:?\s{1,4}"
    r"|,[^\s'\"]{0,120}?\bdata="
    r"|(?:<|&lt;)/[\w:]{1,30}(?:>|&gt;)\s{0,8}(?:<|&lt;)(?:value|val|data|string|text)(?:>|&gt;))"
)  # fmt: skip
_ASSIGNED = (
    _Q
    + r"{0,8}(?:"
    + _S
    + r"{0,40}(?:[:=]{1,2}>?|=>|%(?:25)?3[ad]|&#61;|\\{1,8}u003[ad])"
    + _S
    + r"{0,8}"
    + _NEXT_LINE
    + r")"
)
_BEHIND = re.compile(
    r"(?P<link>" + _LINK + r")"
    r"|(?P<assigned>" + _ASSIGNED + r")"
    r"|(?P<pair>" + _Q + r"{1,8}\s{0,8},\s{0,8}(?=[bu]{0,2}" + _Q + r"))"
    r"|(?P<element>(?:\s[^<>]{0,200})?(?:>|&gt;|\\{1,8}u003e))"
    r"|(?P<sentence>" + _Q + r"{0,4}(?:\s{1,4}(?:is|was|to|set to|changed to|reset to|string|of value))?\s{1,8}(?=\S))"
)
_OPENS_TAG = re.compile(r"(?:<|&lt;|\\{1,8}u003c)(?:[\w-]{1,30}:)?[\w.-]{0,40}\Z")
#: And those whose values precede: ``"value": "x", "name": "password"``.
_BEFORE = re.compile(
    r"([\"'](?:value|val|data|default)[\"']\s{0,4}:\s{0,4}|(?:-v|--value)[ =])([\"']?[^\s\"',]{1,400}[\"']?)"
    r"(,?\s{1,4}(?:[\"'](?:name|key|option)[\"']\s{0,4}:\s{0,4}[\"']|(?:-n|--name)[ =])([\w.-]{1,60}))"
)
#: One of these is in each of them.
_BEFORE_SIGNS = ('"val', "'val", '"data', "'data", '"default', "'default", "-v", "--value")

_NOTHING = frozenset(
    ("None", "null", "True", "true", "False", "false", "", "YES", "yes", "NO", "no", "on", "off", "NULL", "nil", MASK)
)
#: Keystone's ways to log in.
METHODS = frozenset(
    ("password", "token", "totp", "application_credential", "external", "mapped", "oauth1", "saml2", "openid", "x509")
)
#: Words with which a sentence continues where a value would be.
_PROSE = frozenset(
    """
    a about access already an and are as at auth authentication be been being but by can cannot could created
    credential credentials did do does empty error expected expired failed failure for found from had has have
    header if in incorrect invalid is it key length mismatch missing must no none not of on only or parameter
    password request required secret should that the there this to token too type unable unauthorized unexpected
    unknown user value was were will with would wrong you your
    """.split()  # noqa: SIM905 - a list of words
)
_WORD = re.compile(r"[^\s\"'`,;)\]}<]{1,400}")
_LETTERS = re.compile(r"[A-Z]?[a-z.'_-]+|[A-Z]+|[a-z-]+[.:]?")
#: No secret: numbers, times, versions, addresses, paths, ids of requests, assignments, calls, ordinals.
_NO_SECRET = re.compile(
    r"[\d.:/%-]+[a-z]{0,2}|%\W?\w|%\(\w+\)s|\?+|\$\d+"
    r"|[/\[({<=-].*|\w+[=(].*|req-.*|v\d.*|http.*|\*+.*|\d{1,4}[a-z]{1,3}"
)
#: A parameter of a statement.
_PARAMETER = re.compile(r"%s|%\(\w+\)s|\?|\$\d+|:[a-z_]+(?:_\d+)?")
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
#: A part of a ``rbd:`` name.
_PART = re.compile(r"(?:\\:|[^\s:'\",;\\])*")
_FLOW = re.compile(r"0x[0-9a-f]+(?:/(?:0x[0-9a-f]+|-1))?", re.IGNORECASE)
_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
#: Values that are masked wherever they recur in the text.
_MAX_AGAIN = 4
_EDGES = "\"'\\.,;:"


class _Head:
    """A secret's name in a text, and how its value follows it: ``value`` is the offset of that."""

    __slots__ = ("behind", "kind", "name_end", "start", "value")

    def __init__(self, start: int, name_end: int, kind: str, behind: str, value: int) -> None:
        self.start, self.name_end, self.kind, self.behind, self.value = start, name_end, kind, behind, value


def without_named(text: str, words: list[str]) -> str:
    """Return ``text`` without what follows secrets' names, each of which begins in one of ``words``."""
    if has_value_before(text):
        text = _BEFORE.sub(_before, text)
    lowered = text.lower()
    if len(lowered) != len(text):  # a Turkish İ becomes two characters
        lowered = text.translate(_LOWER)
    parts: list[str] = []
    again: list[str] = []
    copied = 0
    starts = secret_starts.offsets_in_words(secret_names.STARTS, lowered, text, words)
    head, after = _head(lowered, starts, 0)
    while head is not None:
        start, end = _value(text, lowered, head)
        value = text[start:end]
        if end > start and value not in _NOTHING and not (head.behind == "pair" and value.strip("\"'\\") in METHODS):
            parts.append(text[copied:start])
            parts.append(MASK)
            copied = end
            if len(again) < _MAX_AGAIN and _is_telling(value):
                again.append(value.strip(_EDGES))
        head, after = _head(lowered, starts, max(after, end))
    parts.append(text[copied:])
    masked = "".join(parts)
    for value in again:
        masked = masked.replace(value, MASK)
    return masked


def may_begin(word: str) -> bool:
    """Return whether a word of a text, in lower case, may contain or begin a secret's name that takes a value."""
    is_element = any(sign in word for sign in _TAGS)
    for start in secret_starts.offsets(secret_names.STARTS, word):
        if _IN_WORD.match(word, start):
            return True
        match = secret_names.NAMED.match(word, start) or _MORE.match(word, start)
        if match is not None:
            tail = _TAIL.match(word, match.end())
            end = tail.end() if tail is not None else match.end()
            name = word[max(0, start - 9) : end].rstrip(".-")
            follows = end == len(word) or word[end] in _FOLLOWS
            if follows and (is_element or not secret_names.is_about(name)):
                return True
    return False


def has_value_before(text: str) -> bool:
    """Return whether ``text`` may contain a value that precedes its name."""
    return any(sign in text for sign in _BEFORE_SIGNS)


def _before(match: re.Match[str]) -> str:
    return match[1] + MASK + match[3] if secret_names.secret_key(match[4]) else match[0]


def _is_telling(value: str) -> bool:
    """Return whether a value recurs nowhere by chance."""
    core = value.strip(_EDGES)
    return 8 <= len(core) <= 256 and not core.isalpha() and not core.isdigit() and not core.startswith(("/", "***"))


def _head(lowered: str, starts: list[int], offset: int) -> tuple[_Head | None, int]:
    """Return the next secret's name from ``offset`` on that a value may follow, and the offset after it."""
    name = secret_starts.search(_NAME, lowered, starts, offset)
    while name is not None:
        kind = name.lastgroup or ""
        tail = _TAIL.match(lowered, name.end())
        end = tail.end() if tail is not None and kind not in ("sql", "strict", "barbican") else name.end()
        while end > name.end() and lowered[end - 1] in ".-":
            end -= 1
        behind = _BEHIND.match(lowered, end)
        if behind is not None and _takes_value(lowered, name, kind, end, behind):
            return _Head(name.start(), end, kind, behind.lastgroup or "", behind.end()), behind.end()
        name = secret_starts.search(_NAME, lowered, starts, max(end, name.end()))
    return None, len(lowered)


def _takes_value(lowered: str, name: re.Match[str], kind: str, end: int, behind: re.Match[str]) -> bool:
    how = behind.lastgroup
    if kind == "strict":
        return how == "assigned" and (behind[0][:1] not in " \t:" or "=" in behind[0])
    if kind == "barbican":
        return how == "assigned" and "payload_content_" in lowered
    if kind == "sql":
        return how in ("sentence", "assigned")
    if how == "element":
        return _OPENS_TAG.search(lowered, max(0, name.start() - 80), name.start()) is not None and not behind[
            0
        ].endswith(("/>", "/&gt;"))
    return not secret_names.is_about(lowered[max(0, name.start() - 9) : end])


def _value(text: str, lowered: str, head: _Head) -> tuple[int, int]:
    """Return the start and end of the value; the same offset twice where there is none."""
    start = head.value
    parameter = _PARAMETER.match(text, start)
    if parameter is not None and not text[parameter.end() : parameter.end() + 1].isalnum():
        return start, start
    if head.behind == "element":
        return start, secret_ends.element_end(text, start)
    if head.behind == "sentence" and head.kind != "sql":
        if _is_option(text, head.start):
            return (start, start) if text[start] == "-" else (start, secret_ends.value_end(text, start))
        return _in_sentence(text, lowered, head)
    if head.kind == "header" and ":" in lowered[head.name_end : start]:
        if _FLOW.match(text, start):
            return start, start
        return start, secret_ends.header_end(text, start)
    if head.kind == "header" and _FLOW.match(text, start):
        return start, start
    if lowered[head.start : head.start + 4] == "key=":
        part = _PART.match(text, start)
        return start, part.end() if part is not None else start
    end = secret_ends.value_end(text, start)
    if head.behind == "assigned" and _goes_on(text, head, start):
        return start, start
    return start, end


def _goes_on(text: str, head: _Head, start: int) -> bool:
    """Return whether a sentence follows a colon: ``invalid token: the signature does not match``."""
    if text[start - 1 : start] not in (" ", "\t") or ":" not in text[head.name_end : start]:
        return False
    word = _WORD.match(text, start)
    if (
        word is not None
        and word[0].isdigit()
        and len(word[0]) < 4
        and text[head.start : head.name_end].lower() == "pass"
    ):
        return True  # of tests
    return (
        word is not None and word[0].lower().rstrip(":.") in _PROSE and text[word.end() : word.end() + 1] in (" ", "")
    )


def _is_option(text: str, offset: int) -> bool:
    """Return whether the word around ``offset`` begins with a dash."""
    while offset > 0 and (text[offset - 1].isalnum() or text[offset - 1] in "-_"):
        offset -= 1
    return text[offset : offset + 1] == "-"


def _in_sentence(text: str, lowered: str, head: _Head) -> tuple[int, int]:
    """Return the value that follows the name in a sentence: quoted, or unlike a word of one."""
    start = head.value
    weak = lowered.startswith(("token", "cookie", "credential", "secret", "contents", "commun", "trust"), head.start)
    quote = text[start]
    if quote in "\"'`" or text.startswith(("\\'", '\\"', "&quot;", "&#39;"), start):
        end = secret_ends.value_end(text, start)
        inner = text[start:end].strip("\"'`\\")
        inner = inner.replace("&quot;", "").replace("&#39;", "")
        if " " in inner and weak:
            return start, start
        return (start, end) if not weak or _is_random(inner, lowered, head) else (start, start)
    word = _WORD.match(text, start)
    if word is None:
        return start, start
    end = word.end()
    while end > start and text[end - 1] in ".:!?":
        end -= 1
    return (start, end) if _is_random(text[start:end], lowered, head) else (start, start)


def _is_random(word: str, lowered: str, head: _Head) -> bool:
    """Return whether a word is no word of a sentence, and no number, address, path or name of a thing."""
    if _UUID.fullmatch(word):
        return lowered.startswith("token", head.start)
    if len(word) < 4 or _LETTERS.fullmatch(word) or _NO_SECRET.fullmatch(word):
        return False
    has_digit = any(map(str.isdigit, word))
    mixed = word != word.lower() and word != word.upper() and not word.istitle()
    if lowered.startswith(("token", "secret", "cookie"), head.start) and len(word) < 10:
        return False
    return has_digit or mixed or any(sign in word for sign in "!@#$%^&*+~")
