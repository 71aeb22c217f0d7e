"""Patterns: oslo.log's format strings and log_date_format as regular expressions of what they write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tracer.sources.logs import times

#: oslo.log's defaults.
DATE = "%Y-%m-%d %H:%M:%S"
SUFFIX = "%(funcName)s %(pathname)s:%(lineno)d"
#: Fields that tell where in the source a record was written.
ORIGIN = ("funcName", "pathname", "lineno")

_PIECE = re.compile(r"%(?:(?P<percent>%)|\((?P<name>\w+)\)[#0 +-]*(?P<width>\d*)(?:\.\d+)?[a-zA-Z])")
#: A colour that the config has written out, or a line.
_COLOUR = re.compile(r"\x1b\[[\d;]{0,10}m")
_PAINT = r"(?:\x1b\[[\d;]{0,10}m){0,3}"
_ID = r"(?:req-[\w-]{1,80}|[0-9a-f-]{36}|None|-)?"
#: What a field looks like; any other may be anything up to the end of its bracket or line.
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
_KEPT = {"asctime", "isotime", "created", "msecs", "levelname", "name", "process", "request_id", "global_request_id",
         *ORIGIN}  # fmt: skip
#: Before the message these belong to it: what is told of an instance is not lost, colours are taken out.
_OF_MESSAGE = ("instance", "color", "reset_color")
_TIMES = {"asctime", "isotime", "created"}
_REQUEST = re.compile(r"(?:req-)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")

_DIRECTIVES = {
    "Y": r"\d{4}", "y": r"\d\d", "m": r"\d\d", "d": r"[ \d]?\d", "H": r"\d\d", "I": r"\d\d", "M": r"\d\d",
    "S": r"\d\d", "j": r"\d{3}", "f": r"\d{1,6}", "p": r"[AaPp][Mm]", "a": r"[A-Za-z]{3}", "b": r"[A-Za-z]{3}",
    "A": r"[A-Za-z]{6,9}", "B": r"[A-Za-z]{3,9}", "z": r"(?:Z|[+-]\d\d:?\d\d)", "%": "%",
}  # fmt: skip
#: What strftime knows and strptime does not.
_SHORT = {"%T": "%H:%M:%S", "%F": "%Y-%m-%d", "%D": "%m/%d/%y", "%R": "%H:%M", "%c": "%a %b %d %H:%M:%S %Y",
          "%x": "%m/%d/%y", "%X": "%H:%M:%S", "%e": "%d", "%h": "%b"}  # fmt: skip
_ISO = (DATE, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z")


@dataclass(frozen=True)
class Compiled:
    """A format string: what stands before the message, what after, and whether it tells the time."""

    head: bytes
    tail: re.Pattern[str] | None
    timed: bool


def compiled(string: str, asctime: str, place: int) -> Compiled:
    """``string`` with its groups named by the fields and ``place``; ``asctime`` is the pattern of its date.

    ValueError where it has no message or is no format string.
    """
    pieces = list(_pieces(string))
    names = [name for name, _, _ in pieces]
    if "message" not in names:
        raise ValueError(f"{string!r} has no %(message)s")
    at = begin = names.index("message")
    while begin and (pieces[begin - 1][0] in _OF_MESSAGE):
        begin -= 1
    head = "".join(_pattern(pieces[:begin], asctime, f"_{place}"))
    if not _KEPT.intersection(names[:begin]):
        raise ValueError(f"{string!r} has nothing before its message that tells where a record begins")
    after = pieces[at + 1 :]
    tail = re.compile("".join(_pattern(after, asctime, "")) + r"\s*\Z") if any(name for name, _, _ in after) else None
    return Compiled(head.encode(), tail, bool(_TIMES.intersection(names)))


def ending(string: str) -> re.Pattern[str]:
    """What a format string writes at the end of a text, with its groups named by the fields."""
    return re.compile("".join(_pattern(list(_pieces(string)), "", "")) + r"\s*\Z")


def _pieces(string: str) -> Iterator[tuple[str, str, bool]]:
    """(field, "", whether padded) and ("", text, False) in their order; a written colour is a field too."""
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
        raise ValueError(f"{string!r} is no format string: {text[text.index('%') :][:20]!r} names no field")
    for place, plain in enumerate(_COLOUR.split(text)):
        if place:
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
        if name in _KEPT and name not in named:
            named.add(name)
            pattern = f"(?P<{name}{mark}>{pattern})"
        yield f" *{pattern} *" if padded else pattern


def date(form: str) -> tuple[str, str]:
    """(strptime's form, pattern) of a log_date_format; ValueError where it tells no day and time."""
    plain = re.sub("%.", lambda found: _SHORT.get(found[0], found[0]), form)
    directives = re.findall("%(.?)", plain)
    unknown = [each for each in directives if each not in _DIRECTIVES]
    if unknown:
        raise ValueError(f"date format {form!r}: %{unknown[0]} cannot be read")
    told = set(directives)
    if not (told & {"d", "j"} and told & {"m", "b", "B", "j"} and told & {"H", "I"}):
        raise ValueError(f"date format {form!r} tells no day and time")
    parts = re.split("%(.)", plain)
    pattern = "".join(_DIRECTIVES[part] if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return (times.ISO if plain in _ISO else plain), pattern


def text(rest: bytes) -> str:
    """What follows a head, as text, without colours."""
    plain = rest.decode("utf-8", "replace").replace("\r\n", "\n")
    return (_COLOUR.sub("", plain) if "\x1b" in plain else plain).rstrip("\r\n\0 ")


def request_id(told: str) -> str | None:
    """A request id as it stands in a bracket; None for what stands there without one."""
    return told if _REQUEST.match(told) else None
