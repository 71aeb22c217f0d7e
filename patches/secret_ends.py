"""Ends of secrets that begin at an offset of a text: in quotes, in brackets, or with the word.

Each step continues from the end of the one before, so the cost of all together grows as the text does.
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
#: After these more names and values may follow, or the end of what contains them.
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
    """Return the end of the value that begins at ``start``; one that is cut off ends with the text."""
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


def _written_end(text: str, start: int, quote: str) -> int:
    """Return the end of the closing quote, written as the opening one was; two of them are one within."""
    offset = start
    while True:
        closing = text.find(quote, offset)
        if closing < 0:
            return len(text)
        offset = closing + len(quote)
        if closing == start or not text.startswith(quote, offset):
            return offset
        offset += len(quote)


def _plain_end(text: str, start: int) -> int:
    plain = _PLAIN.match(text, start)
    return plain.end() if plain is not None else start


def header_end(text: str, start: int) -> int:
    """Return the end of an Authorization or Cookie header's value; as of any value where it is quoted."""
    if _QUOTE.match(text, start) or _WRITTEN.match(text, start) or text[start : start + 1] in ("[", "{", "("):
        return value_end(text, start)
    header = _HEADER.match(text, start)
    return max(header.end() if header is not None else start, _plain_end(text, start))


def element_end(text: str, start: int) -> int:
    """Return the end of an XML element's text: the next tag; marked sections (CDATA) belong to it."""
    end = _ELEMENT_ENDS.search(text, start)
    return end.start() if end is not None else len(text)


def quoted_end(text: str, start: int, escapes: int, quote: str) -> int:
    """Return the end of the closing quote, which as many backslashes precede as the opening one (JSON within JSON)."""
    offset = start
    while True:
        closing = text.find(quote, offset)
        if closing < 0:
            return len(text)
        first = closing
        while first > offset and text[first - 1] == "\\":
            first -= 1
        offset = closing + 1
        if closing - first < escapes:
            return first  # what contains the text ends before it does
        if closing - first == escapes or (escapes == 0 and (closing - first) % 2 == 0):
            if first == start or not text.startswith("\\" * escapes + quote, offset):
                return offset
            offset += escapes + 1  # doubled, as SQL and CSV write a quote within quotes


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
