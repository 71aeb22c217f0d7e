"""Formats: a service's own format strings, as its config has them, and the records of lines so written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from tracer.errors import TracerError
from tracer.oslo_config import Options
from tracer.sources.logs import blocks, format_strings, times
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.records import MAX_MESSAGE, UWSGI, Record
from tracer.sources.logs.times import Clock

#: Of a message's end so much is looked at for what a format puts after it.
_TAIL = 1000
_LEVELS = ("DEBUG", "INFO", "AUDIT", "WARNING", "ERROR", "CRITICAL", "TRACE")
#: Both of oslo.log's, under the names they have in a config file.
_STRINGS = ("logging_context_format_string", "logging_default_format_string")
_PREFIX = "%(asctime)s.%(msecs)03d %(process)d ERROR %(name)s %(instance)s"


class Formats:
    """What one service's lines may look like: oslo.log's format strings, log_date_format, and the DEBUG suffix.

    ``also``: strings that the others' lines may stand between. ValueError says what of them cannot be read.
    ``timed``: all lines tell their time; only then can they be read without a journal's or syslog's around them.
    """

    def __init__(
        self,
        strings: Sequence[str],
        date: str = format_strings.DATE,
        suffix: str = format_strings.SUFFIX,
        also: Sequence[str] = (),
    ) -> None:
        self._form, asctime = format_strings.date(date)
        made = [format_strings.compiled(string, asctime, place) for place, string in enumerate((*strings, *also))]
        self._own = {f"format_{place}" for place in range(len(strings))}
        self.timed = all(one.timed for one in made)
        heads = b"|".join(rb"(?P<format_%d>%b)" % (place, one.head) for place, one in enumerate(made))
        self._heads = re.compile(rb"^(?:%b|(?P<uwsgi>%b))" % (heads, UWSGI), re.MULTILINE)
        #: of each format the fields that say something, with their groups
        self._fields = [
            [(name.removesuffix(mark), group) for name, group in self._heads.groupindex.items() if name.endswith(mark)]
            for mark in (f"_{place}" for place in range(len(made)))
        ]
        self._tails = [one.tail for one in made]
        self._suffix = format_strings.ending(f" {suffix}")

    def fit(self, data: Buffer) -> bool:
        """Whether lines of a text are so written."""
        return any(
            match.lastgroup in self._own for block in blocks.whole(data) for match in self._heads.finditer(block)
        )

    def read(self, data: Buffer, clock: Clock) -> Iterator[Record]:
        """The records of a text, in its order; a line that begins none goes on with the one before."""
        return blocks.split(data, self._heads.finditer, partial(self._between, clock=clock), MAX_MESSAGE)

    def _between(self, match: re.Match[bytes], end: int, clock: Clock) -> Record:
        return self.record(match, match.string[match.end() : min(end, match.end() + MAX_MESSAGE)], clock)

    def match(self, text: bytes) -> re.Match[bytes] | None:
        """The head that a text begins with."""
        return self._heads.match(text)

    def record(self, match: re.Match[bytes], rest: bytes, clock: Clock, **known: Any) -> Record:
        """What a head and the text after it say; ``known`` of it else, a ``time`` only where it tells none."""
        message = format_strings.text(rest)
        if match.lastgroup == "uwsgi":
            time = known.get("time") or clock.last_time or clock.of_access(match["date"], rest)
            told = {"level": "INFO", "logger": "uwsgi", "pid": int(match["worker"])}
            return Record(**{**known, **told, "time": time, "message": message})
        place = int(str(match.lastgroup).rpartition("_")[2])
        found = {
            name: match[group].decode("utf-8", "replace").strip()
            for name, group in self._fields[place]
            if match[group] is not None
        }
        clock.last_time = self._time(found, clock) or known.get("time", 0)
        told = {
            "time": clock.last_time,
            "level": _level(found.get("levelname", "")),
            "logger": found.get("name", ""),
            **{key: format_strings.request_id(found.get(key, "")) for key in ("request_id", "global_request_id")},
        }
        tails = (self._suffix if told["level"] == "DEBUG" else None, self._tails[place])
        for tail in tails:
            ending = tail.search(message[-_TAIL:]) if tail is not None else None
            if ending is not None:
                message = message[: len(message) - len(ending[0])]
                found |= {name: value or "" for name, value in ending.groupdict().items()}
        told |= _origin(found)
        return Record(**{**told, **{key: value for key, value in known.items() if value and key != "time"},
                         "message": message, "pid": int(found.get("process") or known.get("pid") or 0)})  # fmt: skip

    def _time(self, found: dict[str, str], clock: Clock) -> int:
        if created := found.get("created"):
            return times.of_seconds(float(created))
        if isotime := found.get("isotime"):
            return clock.of(isotime)
        time = clock.of(found["asctime"], self._form) if "asctime" in found else 0
        milliseconds = found.get("msecs", "").partition(".")[0]
        return time + int(milliseconds) * 1_000_000 if time and milliseconds else time


def _origin(found: dict[str, str]) -> dict[str, Any]:
    """Where in the source a record was written, as far as a format tells."""
    named = {"function": found.get("funcName"), "file": found.get("pathname"), "line": int(found.get("lineno") or 0)}
    return {key: value for key, value in named.items() if value}


def _level(told: str) -> str:
    """A level that the format cut (``%(levelname).1s``) in full."""
    return next((level for level in _LEVELS if told and level.startswith(told)), told or "INFO")


_OSLO = "%(process)d %(levelname)s %(name)s"
_CONTEXTS = (
    "[%(global_request_id)s %(request_id)s %(user_identity)s] ",
    "[%(request_id)s %(user_identity)s] ",
    "[-] ",
    "",
)
#: oslo.log's defaults of 2012 to now; the last is that of tracebacks.
OSLO_STRINGS = [f"%(asctime)s.%(msecs)03d {_OSLO} {context}%(message)s" for context in _CONTEXTS]
OSLO = Formats(OSLO_STRINGS)
#: The same with a time that has its own offset from UTC.
ISO = Formats([f"%(isotime)s {_OSLO} {context}%(message)s" for context in _CONTEXTS])
_DEVSTACK = "%(color)s%(levelname)s %(name)s"
#: DevStack's, whose lines have the time of the journal that they go to.
DEVSTACK = Formats(
    (
        f"{_DEVSTACK} [%(color)s%(global_request_id)s %(request_id)s %(color)s%(user_identity)s%(color)s] %(message)s",
        f"{_DEVSTACK} [%(color)s-%(color)s] %(message)s",
        "%(color)sERROR %(name)s %(message)s",
    ),
    suffix="{{(pid=%(process)d) %(funcName)s %(pathname)s:%(lineno)d}}",
)


def explicit_formats(strings: Sequence[str], date: str | None) -> tuple[Formats, ...]:
    """What was given by hand; nothing where nothing was. TracerError says what of it cannot be used."""
    if not strings and date is None:
        return ()
    return (_formats(strings or OSLO_STRINGS, date, format_strings.SUFFIX, ""),)


def service_formats(options: Options, name: str) -> Formats:
    """What the config file called ``name`` sets, and oslo.log's defaults where it sets nothing."""

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
