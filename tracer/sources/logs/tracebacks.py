"""Tracebacks in logs: their lines without what the logger wrote before them, and the exception that they end with."""

from __future__ import annotations

import re

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
