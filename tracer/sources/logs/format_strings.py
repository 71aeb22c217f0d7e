"""Regular expressions for the output of oslo.log's format strings and log_date_format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tracer.sources.logs import times

#: oslo.log's defaults.
DATE = "%Y-%m-%d %H:%M:%S"
SUFFIX = "%(funcName)s %(pathname)s:%(lineno)d"
#: Fields for the source location of a record.
ORIGIN = ("funcName", "pathname", "lineno")

_PIECE = re.compile(r"%(?:(?P<percent>%)|\((?P<name>\w+)\)[#0 +-]*(?P<width>\d*)(?:\.\d+)?[a-zA-Z])")
#: A colour as an escape sequence, in a config or in a line.
_COLOUR = re.compile(r"\x1b\[[\d;]{0,10}m")
_PAINT = r"(?:\x1b\[[\d;]{0,10}m){0,3}"
_ID = r"(?:req-[\w-]{1,80}|[0-9a-f-]{36}|None|-)?"
#: Patterns of fields; any other field extends to the end of its bracket or line at most.
_FIELDS = {
    "isotime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?",
    "created": r"\d{1,10}(?:\.\d{1,9})?",
    "msecs": r"\d{1,3}(?:\.\d{1,20})?",
    "levelname": r"[A-Z]{1,8}",
    "name": r"[\w.:-]{1,200}",
    "process": r"\d{1,10}",
    "lineno": r"\d{1,7}",
    "funcName": r"[\w<>.]{1,200}",
    "pathname": r"/[^\s:]{1,400}",
    "request_id": _ID,
    "global_request_id": _ID,
    "instance": r"(?:\[instance: [^\]\n]{1,80}\] ?)?",
    "color": _PAINT,
    "reset_color": _PAINT,
}
_OTHER = r"[^\]\n]{0,300}?"
_NAMED = {"asctime", "isotime", "created", "msecs", "levelname", "name", "process", "request_id", "global_request_id",
         *ORIGIN}  # fmt: skip
#: Fields directly before the message are part of it: the instance is preserved, colours are removed.
_OF_MESSAGE = ("instance", "color", "reset_color")
_TIMES = {"asctime", "isotime", "created"}
_REQUEST = re.compile(r"(?:req-)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")

_DIRECTIVES = {
    "Y": r"\d{4}", "y": r"\d\d", "m": r"\d\d", "d": r"[ \d]?\d", "H": r"\d\d", "I": r"\d\d", "M": r"\d\d",
    "S": r"\d\d", "j": r"\d{3}", "f": r"\d{1,6}", "p": r"[AaPp][Mm]", "a": r"[A-Za-z]{3}", "b": r"[A-Za-z]{3}",
    "A": r"[A-Za-z]{6,9}", "B": r"[A-Za-z]{3,9}", "z": r"(?:Z|[+-]\d\d:?\d\d)", "%": "%",
}  # fmt: skip
#: Directives of strftime that strptime lacks.
_SHORT = {"%T": "%H:%M:%S", "%F": "%Y-%m-%d", "%D": "%m/%d/%y", "%R": "%H:%M", "%c": "%a %b %d %H:%M:%S %Y",
          "%x": "%m/%d/%y", "%X": "%H:%M:%S", "%e": "%d", "%h": "%b"}  # fmt: skip
_ISO = (DATE, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z")


@dataclass(frozen=True)
class Compiled:
    """A format string's patterns of the text before and after the message, and whether it contains the time."""

    head: bytes
    tail: re.Pattern[str] | None
    timed: bool


def compile_format(string: str, asctime: str, index: int) -> Compiled:
    """Compile ``string``; groups are named by field and ``index``, ``asctime`` is the pattern of its date.

    ValueError if it has no message or is not a format string.
    """
    pieces = list(_pieces(string))
    names = [name for name, _, _ in pieces]
    if "message" not in names:
        raise ValueError(f"{string!r} has no %(message)s")
    message = begin = names.index("message")
    while begin and (pieces[begin - 1][0] in _OF_MESSAGE):
        begin -= 1
    head = "".join(_pattern(pieces[:begin], asctime, f"_{index}"))
    if not _NAMED.intersection(names[:begin]):
        raise ValueError(f"{string!r} has no field before its message by which to find the start of a record")
    after = pieces[message + 1 :]
    tail = re.compile("".join(_pattern(after, asctime, "")) + r"\s*\Z") if any(name for name, _, _ in after) else None
    return Compiled(head.encode(), tail, bool(_TIMES.intersection(names)))


def ending(string: str) -> re.Pattern[str]:
    """Compile a format string's pattern at the end of a text; groups are named by field."""
    return re.compile("".join(_pattern(list(_pieces(string)), "", "")) + r"\s*\Z")


def _pieces(string: str) -> Iterator[tuple[str, str, bool]]:
    """Yield (field, "", whether padded) and ("", text, False) in order; a literal colour counts as a field."""
    end = 0
    for match in _PIECE.finditer(string):
        yield from _texts(string[end : match.start()], string)
        end = match.end()
        if match["percent"]:
            yield "", "%", False
        else:
            yield match["name"], "", bool(match["width"]) and match["name"] != "msecs"
    yield from _texts(string[end:], string)


def _texts(text: str, string: str) -> Iterator[tuple[str, str, bool]]:
    if "%" in text:
        raise ValueError(f"{string!r} is not a format string: {text[text.index('%') :][:20]!r} is not a field")
    for index, plain in enumerate(_COLOUR.split(text)):
        if index:
            yield "color", "", False
        if plain:
            yield "", plain, False


def _pattern(pieces: list[tuple[str, str, bool]], asctime: str, mark: str) -> Iterator[str]:
    named = set()
    for name, text, padded in pieces:
        if not name:
            yield re.escape(text)
            continue
        pattern = asctime if name == "asctime" else _FIELDS.get(name, _OTHER)
        if name in _NAMED and name not in named:
            named.add(name)
            pattern = f"(?P<{name}{mark}>{pattern})"
        yield f" *{pattern} *" if padded else pattern


def date(form: str) -> tuple[str, str]:
    """Return (strptime's format, pattern) of a log_date_format; ValueError if it lacks a day or a time."""
    plain = re.sub("%.", lambda match: _SHORT.get(match[0], match[0]), form)
    directives = re.findall("%(.?)", plain)
    unknown = [directive for directive in directives if directive not in _DIRECTIVES]
    if unknown:
        raise ValueError(f"date format {form!r}: %{unknown[0]} is not supported")
    known = set(directives)
    if not (known & {"d", "j"} and known & {"m", "b", "B", "j"} and known & {"H", "I"}):
        raise ValueError(f"date format {form!r} contains no day and time")
    parts = re.split("%(.)", plain)
    pattern = "".join(_DIRECTIVES[part] if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return (times.ISO if plain in _ISO else plain), pattern


def text(rest: bytes) -> str:
    """Decode the bytes after a head, without colours."""
    plain = rest.decode("utf-8", "replace").replace("\r\n", "\n")
    return (_COLOUR.sub("", plain) if "\x1b" in plain else plain).rstrip("\r\n\0 ")


def request_id(text: str) -> str | None:
    """Return a bracket's text if it is a request id, else None."""
    return text if _REQUEST.match(text) else None
