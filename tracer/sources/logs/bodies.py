"""Bodies of records: message, source location at the end of DEBUG lines, exception of a traceback."""

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


BEGIN = "Traceback (most recent call last)"
#: Written before each line of a traceback: of an instance since 2012, of any in 2011.
_INSTANCE = re.compile(r"\[instance: [^\]\n]{1,80}\](?: |\Z)")
_TRACE = re.compile(r"^\([\w.]{1,200}\): TRACE: ?", re.MULTILINE)
#: The exception's line: its class, with or without a module, and its first line of text.
_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w{0,100}\.){0,12}(?P<name>[A-Za-z_]\w{0,100})(?:: ?(?P<text>[^\n]*))?\Z")
_REMOTE = "_Remote"
#: Separate the tracebacks of a chain, the last of which is of the exception that was raised.
_CHAIN = ("During handling of the above exception", "The above exception was the direct cause")
_MAX_ERROR = 1000


def without_instance(line: str) -> str:
    """Return a traceback's line without the instance before it."""
    return _INSTANCE.sub("", line, count=1) if line.startswith("[instance: ") else line


def plain(message: str) -> str:
    """Return a message without what Nova wrote before the lines of its traceback in 2011."""
    return _TRACE.sub("", message).rstrip("\n") if "): TRACE:" in message else message


def exception_of(message: str) -> str:
    """Return the exception that ends a message's last traceback, ``Name: text`` without a module; "" without one."""
    _, begin, text = message.rpartition(BEGIN)
    if not begin:
        return ""
    for line in text.split("\n")[1:]:
        line = without_instance(line)
        if not line or line[0].isspace() or line.startswith(("|", "+", *_CHAIN)):
            continue
        match = _EXCEPTION.match(line.rstrip())
        if match is None:
            return ""
        name = match["name"].removesuffix(_REMOTE)
        return (f"{name}: {match['text']}" if match["text"] else name)[:_MAX_ERROR]
    return ""
