"""What a record says: its message, and the place in the source that DEBUG lines end with."""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

#: What DEBUG lines end with: where in the source they were written, in 2011 the process too.
_ORIGIN = re.compile(
    r"(?: from \(pid=(?P<pid>\d{1,10})\))? (?P<function>[\w<>.]+) (?P<file>/\S+\.pyc?):(?P<line>\d{1,7})\s*\Z"
)
#: It stands in so many characters.
_MAX_ORIGIN = 400


class Body(NamedTuple):
    """A message, and where in the source it was written; ``pid`` where that is told there."""

    message: str
    function: str = ""
    file: str = ""
    line: int = 0
    pid: int = 0


def parse_body(text: bytes, level: str) -> Body:
    """What is written behind a record's head and on the lines that go on with it."""
    message = text.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\r\n\0 ")
    return _placed(message) if level == "DEBUG" else Body(message)


def _placed(text: str) -> Body:
    """A DEBUG line's message without its origin, which stands apart."""
    least = max(len(text) - _MAX_ORIGIN, 0)
    # Its file is the last word. To look for it from the end is ten times as fast as to search with the pattern.
    at = text.rfind(" ", least, max(text.rfind(" /", least), 0))
    if at < 0:
        return Body(text)
    begun = text.rfind(" from (pid=", least, at) if text.endswith(")", 0, at) else -1
    found = (_ORIGIN.match(text, begun) if begun >= 0 else None) or _ORIGIN.match(text, at)
    if found is None:
        return Body(text)
    return Body(
        text[: found.start()], sys.intern(found["function"]), sys.intern(found["file"]), int(found["line"]),
        int(found["pid"] or 0),
    )  # fmt: skip
