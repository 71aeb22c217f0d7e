"""Exceptions in logged messages: the chain that a traceback shows, from the first cause to what was raised last."""

from __future__ import annotations

import ast
import re

_TRACEBACK = re.compile(r"(?:\A|\n)[ \t|+-]*Traceback \(most recent call last\):")
#: ``module.Name: text`` or ``Name``, at the start of a line.
_RAISED = re.compile(r"(?P<module>(?:[A-Za-z_]\w*\.)*)(?P<name>[A-Za-z_]\w*)(?::[ \t]*(?P<text>.*))?\Z", re.DOTALL)
#: oslo.messaging raises an exception of another process again under this name, in this module.
_REMOTE = re.compile(r"_Remote\Z")
#: The beginning of what is not part of an exception's text any more.
_CHAINED = re.compile(
    r"\n\s*(?:The above exception was the direct cause|During handling of the above exception|Traceback \(most recent)"
)
#: The name before a repeated text.
_SUMMARY = re.compile(r": [A-Za-z_][\w.]*: ")
#: The longest text of an exception that is looked at, and the longest traceback.
_MAX_TEXT, _MAX_TRACEBACK = 2000, 1 << 16


def opening(message: str) -> str:
    """Return a message's text before its traceback."""
    match = _TRACEBACK.search(message)
    return (message[: match.start()] if match else message).rstrip()


def split_summary(line: str) -> tuple[str, str]:
    """Split a line that ends in an exception's text from what oslo.log appends: its name, and the text again."""
    for summary in _SUMMARY.finditer(line):
        text, repeated = line[: summary.start()], line[summary.end() :].rstrip(". ")
        if repeated and text.rstrip(". ").endswith(repeated):
            return text, plain(line[summary.start() + 2 :])
    return line, ""


def plain(raised: str) -> str:
    """Return ``Name: text`` of ``module.Name_Remote: text``, on one line; "" where it is no exception."""
    match = _RAISED.match(raised.strip())
    if match is None or not (
        match["module"] or match["name"][0].isupper() or match["name"].endswith(("Error", "error"))
    ):
        return ""
    name = _REMOTE.sub("", match["name"])
    text = (match["text"] or "").partition("\n")[0].strip()
    return f"{name}: {text}" if text else name


def chain(message: str) -> list[str]:
    """Return the exceptions of the tracebacks in a message, in the order in which they were raised."""
    _, *bodies = _TRACEBACK.split(message)
    return [error for body in bodies if (error := _last_line(body))]


def _last_line(body: str) -> str:
    """Return the exception at the end of a traceback: the first line after the frames, which are indented."""
    body = _CHAINED.split(body[:_MAX_TRACEBACK], maxsplit=1)[0]
    lines = body.split("\n")
    frames = [index for index, line in enumerate(lines) if line.startswith(("  ", "\t"))]
    for line in lines[frames[-1] + 1 if frames else 0 :]:
        if line.strip() and (error := plain(line[:_MAX_TEXT])):
            return error
    return ""


def listed(text: str) -> list[str]:
    """Return the exception at the end of a printed list of lines: ``[u'Traceback …', u'Name: text\\n']``."""
    if not text.startswith("[") or "Traceback" not in text:
        return []
    lines = _items(text)
    error = plain(lines[-1]) if lines else ""
    return [error] if error else []


def _items(text: str) -> list[str]:
    try:
        value = ast.literal_eval(text)
        return [str(item) for item in value] if isinstance(value, list) else []
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        quoted = re.findall(r"u?'((?:[^'\\]|\\.)*)'|u?\"((?:[^\"\\]|\\.)*)\"", text)
        return [(single or double).replace("\\n", "\n").strip() for single, double in quoted[-1:]]
