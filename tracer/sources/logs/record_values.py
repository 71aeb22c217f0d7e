"""A record's body: its message, and the source location at the end of DEBUG lines."""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

#: The end of DEBUG lines: their source location, in 2011 also the process.
_ORIGIN = re.compile(
    r"(?: from \(pid=(?P<pid>\d{1,10})\))? (?P<function>[\w<>.]+) (?P<file>/\S+\.pyc?):(?P<line>\d{1,7})\s*\Z"
)
#: The most characters it takes.
_MAX_ORIGIN = 400


class Body(NamedTuple):
    """A message and its source location; ``pid`` if the location contains it."""

    message: str
    function: str = ""
    file: str = ""
    line: int = 0
    pid: int = 0


def parse_body(text: bytes, level: str) -> Body:
    """Parse the text after a record's head, including the lines that continue it."""
    message = text.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\r\n\0 ")
    return _split_origin(message) if level == "DEBUG" else Body(message)


def _split_origin(text: str) -> Body:
    """Split a DEBUG line into its message and its source location."""
    least = max(len(text) - _MAX_ORIGIN, 0)
    # The file is the last word. Searching from the end is ten times as fast as searching with the pattern.
    start = text.rfind(" ", least, max(text.rfind(" /", least), 0))
    if start < 0:
        return Body(text)
    begun = text.rfind(" from (pid=", least, start) if text.endswith(")", 0, start) else -1
    match = (_ORIGIN.match(text, begun) if begun >= 0 else None) or _ORIGIN.match(text, start)
    if match is None:
        return Body(text)
    return Body(
        text[: match.start()], sys.intern(match["function"]), sys.intern(match["file"]), int(match["line"]),
        int(match["pid"] or 0),
    )  # fmt: skip
