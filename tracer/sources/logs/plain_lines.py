"""Lines of a text as the services wrote them: without colours, HTML and carriage returns."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

#: A line with its number in the text; several lines of one HTML line have the same.
Line = tuple[int, bytes]

_COLOUR = re.compile(rb"\x1b(?:\[[\d;:?]{0,20}[A-Za-z]|\][^\x07\x1b]{0,200}\x07|\(B)")
#: The same without the escape character, which a terminal shows as ^[ or a viewer drops.
_CARET_COLOUR = re.compile(rb"\^\[\[[\d;]{0,10}m")
_ENTITY = re.compile(rb"&(?:quot|gt|lt|amp|apos|nbsp|#\d{2,4}|#x[\da-fA-F]{2,4});")
_BREAK = re.compile(rb"<br ?/?>", re.IGNORECASE)
_TAG = re.compile(
    rb"</?(?:p|pre|code|div|span|tt|li|td|tr|b|i|em|strong|blockquote)"
    rb"(?: (?:class|style|id|lang)=\"[^\"<>]{0,200}\")*>",
    re.IGNORECASE,
)
#: Lines of a text that are examined for HTML.
_MAX_LINE = 1 << 14


def is_html(line: bytes) -> bool:
    """Return whether a line is escaped for HTML: it has entities or line breaks, and no other angle brackets."""
    line = line[:_MAX_LINE]
    if b"&" not in line and b"<" not in line:
        return False
    rest = _TAG.sub(b"", line) if b"<" in line else line
    breaks = _BREAK.search(rest) is not None
    rest = _BREAK.sub(b"", rest) if breaks else rest
    if b"<" in rest or b">" in rest:
        return False
    return breaks or _ENTITY.search(rest) is not None


def plain(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines as they were written; an HTML line with breaks becomes several."""
    for number, line in lines:
        if b"\r" in line:
            line = line.rstrip(b"\r").rpartition(b"\r")[2]  # what a terminal shows of a progress bar
        if b"\x1b" in line:
            line = _COLOUR.sub(b"", line)
        elif b"^[[" in line:
            line = _CARET_COLOUR.sub(b"", line)
        if is_html(line):
            for part in filter(None, _BREAK.split(line)):
                yield number, html.unescape(_TAG.sub(b"", part).decode("utf-8", "replace")).encode("utf-8", "replace")
        else:
            yield number, line
