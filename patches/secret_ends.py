"""Where a secret ends that begins at some place of a text: in quotes, in brackets, or with the word.

Each step goes on where the one before ended, so what all of them take together grows as the text does.
"""

from __future__ import annotations

import re

MASK = "***"
_QUOTE = re.compile(r"[bBuUrR]{0,2}(\\*)([\"'`])")
#: Quotes as HTML, a URL and JSON write them; the closing one is written as the opening one was.
_WRITTEN = re.compile(
    r"[bu]?((?:&(?:amp;)?(?:quot|apos|#0?3[49]|#x2[27]);|%(?:25)?2[27]|\\+u002[27]|\\+x2[27]))", re.IGNORECASE
)
_BRACKETS = re.compile(r"[\[\](){}\"']")
#: Behind these more names and values may follow, or the end of what holds them.
_SIGNS = r",;&'\"\\})\](\[{<>|"
_PLAIN = re.compile(
    r"(?:(?:bearer|basic|token|digest|negotiate)\s{1,8}(?=\S))?"
    r"(?:[^\s" + _SIGNS + r"]+"
    r"|["
    + _SIGNS
    + r"]{1,16}(?=[^\s"
    + _SIGNS
    + r"])(?!(?:amp;)?\w{1,64}[\"'\\]{0,4}[=:]|/\w|(?:lt|gt|quot|apos|#\d\d);))*",
    re.IGNORECASE,
)
#: The value of an Authorization header: a scheme, then a word, or pairs that commas part.
_PAIR = r"[\w.-]{1,64}=(?:\\{0,32}\"[^\"\n]{0,2000}\"?|[^\s,;'\"]*)"
_HEADER = re.compile(
    r"(?:[A-Za-z][\w-]{1,24}[ \t]{1,4})?(?:" + _PAIR + r"|[^\s,;'\"]*)(?:[,;][ \t]{0,4}" + _PAIR + r")*"
)
_ELEMENT_ENDS = re.compile(r"(?:<|&lt;|\\{1,8}u003c)(?!!)|\Z", re.IGNORECASE)
#: A YAML block: the sign that begins it, and the lines that are indented.
_BLOCK = re.compile(
    r"[|>](?:[+-]\d?|\d[+-]?)?(?:(?=[\n\\])|[ \t][^\n\\]*)(?:(?:\n|\\+n)(?:[ \t](?:[^\n\\]|\\(?!n))*|(?=\n|\\+n)))*"
)


def value_end(text: str, start: int) -> int:
    """Where the value ends that begins at ``start``; one that is cut off ends with the text."""
    if text.startswith(MASK, start) and not text[start + 3 : start + 4].isalnum():
        return start + 3
    written = _WRITTEN.match(text, start)
    if written is not None:
        return _written_end(text, written.end(), written[1])
    quote = _QUOTE.match(text, start)
    if quote is not None:
        end = quoted_end(text, quote.end(), len(quote[1]), quote[2])
        return _plain_end(text, end) if text[end : end + 1].isalnum() else end
    sign = text[start : start + 1]
    if sign in ("[", "{", "("):
        end = _bracketed_end(text, start)
        follows = text[end : end + 1]
        return _plain_end(text, end) if follows and follows not in ",;:&'\"\\})]>" and not follows.isspace() else end
    if sign in ("|", ">"):
        block = _BLOCK.match(text, start)
        if block is not None:
            return block.end()
    return _plain_end(text, start)


def _written_end(text: str, at: int, quote: str) -> int:
    """Behind the closing quote, written as the opening one was; two of them are one within."""
    begun = at
    while True:
        end = text.find(quote, at)
        if end < 0:
            return len(text)
        at = end + len(quote)
        if end == begun or not text.startswith(quote, at):
            return at
        at += len(quote)


def _plain_end(text: str, start: int) -> int:
    plain = _PLAIN.match(text, start)
    return plain.end() if plain is not None else start


def header_end(text: str, start: int) -> int:
    """Where the value of an Authorization or Cookie header ends; as a value where it is quoted."""
    if _QUOTE.match(text, start) or _WRITTEN.match(text, start) or text[start : start + 1] in ("[", "{", "("):
        return value_end(text, start)
    header = _HEADER.match(text, start)
    return max(header.end() if header is not None else start, _plain_end(text, start))


def element_end(text: str, start: int) -> int:
    """Where the text of an XML element ends: at the next tag; marked sections (CDATA) belong to it."""
    found = _ELEMENT_ENDS.search(text, start)
    return found.start() if found is not None else len(text)


def quoted_end(text: str, at: int, escapes: int, quote: str) -> int:
    """Behind the closing quote, which has as many backslashes before it as the opening one (JSON within JSON)."""
    begun = at
    while True:
        found = text.find(quote, at)
        if found < 0:
            return len(text)
        first = found
        while first > at and text[first - 1] == "\\":
            first -= 1
        at = found + 1
        if found - first < escapes:
            return first  # what the text stands in ends before it does
        if found - first == escapes or (escapes == 0 and (found - first) % 2 == 0):
            if first == begun or not text.startswith("\\" * escapes + quote, at):
                return at
            at += escapes + 1  # doubled, as SQL and CSV write a quote within quotes


def _bracketed_end(text: str, start: int) -> int:
    depth = 0
    sign = _BRACKETS.search(text, start)
    while sign is not None:
        end = sign.end()
        if sign[0] in "\"'":
            escapes = 0
            while text[sign.start() - 1 - escapes] == "\\":
                escapes += 1
            end = quoted_end(text, end, escapes, sign[0])
        else:
            depth += 1 if sign[0] in "[({" else -1
            if depth == 0:
                return end
        sign = _BRACKETS.search(text, end)
    return len(text)
