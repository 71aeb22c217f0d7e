"""oslo.log's format strings, default or from a user or a config file, and the records of lines in these formats."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tracer.errors import TracerError
from tracer.oslo_config import Options
from tracer.sources.logs import blocks, format_strings, times
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.records import UWSGI, Record
from tracer.sources.logs.times import Clock

#: Characters at a message's end that are searched for a format's suffix.
_TAIL = 1000
_LEVELS = ("DEBUG", "INFO", "AUDIT", "WARNING", "ERROR", "CRITICAL", "TRACE")
#: Names of oslo.log's two format strings in a config file.
_STRINGS = ("logging_context_format_string", "logging_default_format_string")
_PREFIX = "%(asctime)s.%(msecs)03d %(process)d ERROR %(name)s %(instance)s"


class Formats:
    """The formats of a service's lines: oslo.log's format strings, log_date_format, and the DEBUG suffix.

    ``also`` are formats of lines that may be mixed in. ValueError names what cannot be parsed. ``timed``: every line
    contains its time; only then can the lines be read without a journal's or syslog's time.
    """

    def __init__(
        self,
        strings: Sequence[str],
        date: str = format_strings.DATE,
        suffix: str = format_strings.SUFFIX,
        also: Sequence[str] = (),
    ) -> None:
        self._form, asctime = format_strings.date(date)
        texts = (*strings, *also)
        formats = [format_strings.compile_format(text, asctime, number) for number, text in enumerate(texts)]
        self._own = {f"format_{number}" for number in range(len(strings))}
        self.timed = all(compiled.timed for compiled in formats)
        heads = b"|".join(rb"(?P<format_%d>%b)" % (number, compiled.head) for number, compiled in enumerate(formats))
        self._heads = re.compile(rb"^(?:%b|(?P<uwsgi>%b))" % (heads, UWSGI), re.MULTILINE)
        #: the named fields of each format, with their groups
        self._fields = [
            [(name.removesuffix(mark), group) for name, group in self._heads.groupindex.items() if name.endswith(mark)]
            for mark in (f"_{number}" for number in range(len(formats)))
        ]
        self._tails = [compiled.tail for compiled in formats]
        self._suffix = format_strings.ending(f" {suffix}")

    def fit(self, data: Buffer) -> bool:
        """Return whether lines of a text have one of the formats."""
        return any(
            match.lastgroup in self._own for block in blocks.whole(data) for match in self._heads.finditer(block)
        )

    def heads(self, block: bytes) -> Iterator[re.Match[bytes]]:
        """Yield a match for each head in a block of whole lines."""
        return self._heads.finditer(block)

    def begins(self, line: bytes, start: int) -> bool:
        """Return whether a record begins at the offset ``start`` of a line."""
        return self._heads.match(line[start:]) is not None

    def match(self, text: bytes) -> re.Match[bytes] | None:
        """Match the head that a text begins with."""
        return self._heads.match(text)

    def record(self, match: re.Match[bytes], rest: bytes, clock: Clock, **known: Any) -> Record:
        """Build the record of a head and the text after it; ``known`` fields apply where these lack them."""
        message = format_strings.text(rest)
        if match.lastgroup == "uwsgi":
            time = known.get("time") or clock.last_time or clock.of_access(match["date"], rest)
            values = {"level": "INFO", "logger": "uwsgi", "pid": int(match["worker"])}
            return Record(**{**known, **values, "time": time, "message": message})
        number = int(str(match.lastgroup).rpartition("_")[2])
        texts = {
            name: match[group].decode("utf-8", "replace").strip()
            for name, group in self._fields[number]
            if match[group] is not None
        }
        clock.last_time = self._time(texts, clock) or known.get("time", 0)
        values = {
            "time": clock.last_time,
            "level": _level(texts.get("levelname", "")),
            "logger": texts.get("name", ""),
            **{key: format_strings.request_id(texts.get(key, "")) for key in ("request_id", "global_request_id")},
        }
        tails = (self._suffix if values["level"] == "DEBUG" else None, self._tails[number])
        for tail in tails:
            ending = tail.search(message[-_TAIL:]) if tail is not None else None
            if ending is not None:
                message = message[: len(message) - len(ending[0])]
                texts |= {name: value or "" for name, value in ending.groupdict().items()}
        values |= _origin(texts)
        return Record(**{**values, **{key: value for key, value in known.items() if value and key != "time"},
                         "message": message, "head": match[0].decode("utf-8", "replace"),
                         "pid": int(texts.get("process") or known.get("pid") or 0)})  # fmt: skip

    def _time(self, texts: dict[str, str], clock: Clock) -> int:
        if created := texts.get("created"):
            return times.of_seconds(float(created))
        if isotime := texts.get("isotime"):
            return clock.of(isotime)
        time = clock.of(texts["asctime"], self._form) if "asctime" in texts else 0
        milliseconds = texts.get("msecs", "").partition(".")[0]
        return time + int(milliseconds) * 1_000_000 if time and milliseconds else time


def _origin(texts: dict[str, str]) -> dict[str, Any]:
    """Return a record's source location, as far as the format contains it."""
    named = {"function": texts.get("funcName"), "file": texts.get("pathname"), "line": int(texts.get("lineno") or 0)}
    return {key: value for key, value in named.items() if value}


def _level(text: str) -> str:
    """Return the full level that the format may have cut (``%(levelname).1s``)."""
    return next((level for level in _LEVELS if text and level.startswith(text)), text or "INFO")


_OSLO = "%(process)d %(levelname)s %(name)s"
_CONTEXTS = (
    "[%(global_request_id)s %(request_id)s %(user_identity)s] ",
    "[%(request_id)s %(user_identity)s] ",
    "[-] ",
    "",
)
#: oslo.log's defaults since 2012; the last is for tracebacks.
OSLO_STRINGS = [f"%(asctime)s.%(msecs)03d {_OSLO} {context}%(message)s" for context in _CONTEXTS]
OSLO = Formats(OSLO_STRINGS)
#: The same with an ISO time that may contain an offset from UTC.
ISO = Formats([f"%(isotime)s {_OSLO} {context}%(message)s" for context in _CONTEXTS])
_DEVSTACK = "%(color)s%(levelname)s %(name)s"
#: DevStack's, whose lines take the time of the journal they are written to.
DEVSTACK = Formats(
    (
        f"{_DEVSTACK} [%(color)s%(global_request_id)s %(request_id)s %(color)s%(user_identity)s%(color)s] %(message)s",
        f"{_DEVSTACK} [%(color)s-%(color)s] %(message)s",
        "%(color)sERROR %(name)s %(message)s",
    ),
    suffix="{{(pid=%(process)d) %(funcName)s %(pathname)s:%(lineno)d}}",
)


def explicit_formats(strings: Sequence[str], date: str | None) -> tuple[Formats, ...]:
    """Return the formats that the user passed, if any; TracerError names what cannot be used."""
    if not strings and date is None:
        return ()
    return (_formats(strings or OSLO_STRINGS, date, format_strings.SUFFIX, ""),)


def service_formats(options: Options, name: str) -> Formats:
    """Return the formats of the config file ``name``, with oslo.log's defaults for options that it does not set."""

    def get(option: str, default: str | None = None) -> str | None:
        return options.get("DEFAULT", option) or default

    strings = [string for option in _STRINGS if (string := get(option))]
    prefix = get("logging_exception_prefix", _PREFIX)
    suffix = get("logging_debug_format_suffix", format_strings.SUFFIX)
    strings = [*(strings or OSLO_STRINGS), f"{prefix}%(message)s"]
    return _formats(strings, get("log_date_format"), str(suffix), f"{name}: ")


def _formats(strings: Sequence[str], date: str | None, suffix: str, where: str) -> Formats:
    try:
        return Formats(strings, date or format_strings.DATE, suffix, OSLO_STRINGS)
    except ValueError as error:
        raise TracerError(f"{where}{error}") from None
