"""One process's records decoded to events. Each field is checked, since a capture may be crafted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from patches import record_format
from tracer.events import Event, Process
from tracer.model import NOTES, NUMBERED, Value
from tracer.sources.hooks import marshal_reader
from tracer.sources.hooks.marshal_reader import MalformedError, Plain
from tracer.text import plural

_KINDS = NUMBERED | NOTES
#: Later than any clock of this century, in nanoseconds; with an offset added it is still a valid date.
_MAX_TIME = 1 << 62

#: A name and the attributes of what it names.
_Named = tuple[str, dict[str, Value]]
_NAMELESS: _Named = ("", {})


@dataclass(slots=True)
class _Late:
    """The end of a step, or additions to it, until the step itself is read: a full segment may swap the two."""

    end: int | None
    error: str | None
    attributes: dict[str, Value]


class Recording:
    """The recording of one process: ``take`` its payloads in order, then call ``events``.

    ``stem`` names its files, ``about`` is their header, ``offsets`` holds the nanoseconds to add to each host's clock.
    ``owner`` names the host of a cluster that sent them.
    """

    def __init__(self, stem: str, about: dict[str, Plain], offsets: dict[str, int], owner: str = "") -> None:
        pid, wall, monotonic = (_integer(about.get(name), _MAX_TIME) for name in ("pid", "wall", "monotonic"))
        texts = {key: value for key, value in about.items() if isinstance(value, str)}
        host = texts.get("host", "")
        versions = {key.removeprefix("version:"): text for key, text in texts.items() if key.startswith("version:")}
        self.process = Process(stem, pid, host, texts.get("argv", ""), versions)
        # One offset per boot of a machine: its processes share the monotonic clock, while the wall clock may have been
        # set in between.
        self.boot = texts.get("boot", "")
        self._offset = offsets.setdefault(f"{owner or host} {self.boot}", wall - monotonic)
        self._names: dict[int, _Named] = {}
        self._events: dict[int, Event] = {}
        self._late: list[tuple[int, _Late]] = []
        #: steps named by number; another thread may have written the name's record later
        self._named: list[tuple[Event, int | str]] = []
        self._lost_names = self._lost_steps = 0
        self._takers: dict[int, tuple[int, Callable[..., None]]] = {
            record_format.BEGIN: (8, self._begin),
            record_format.END: (5, self._end),
            record_format.STEP: (10, self._step),
            record_format.NOTE: (3, self._note),
            record_format.NAME: (4, self._name),
            record_format.CALL: (8, self._call),
            record_format.SQL: (12, self._sql),
            record_format.LOG: (9, self._log),
        }

    def take(self, payload: bytes) -> None:
        """Decode one record; MalformedError if it is invalid, and then it leaves no trace."""
        if payload[:1] == b"C":
            if len(payload) != record_format.PACKED_CALL.size:
                raise MalformedError("call of the wrong size")
            _, number, parent, thread, start, end, name = record_format.PACKED_CALL.unpack(payload)
            self._call(number, parent, thread, start, end, name, None)
            return
        fields = marshal_reader.loads(payload)
        if not isinstance(fields, tuple) or not fields or type(fields[0]) is not int:
            raise MalformedError("not a record")
        length, taker = self._takers.get(fields[0], (0, None))
        if taker is None or length != len(fields):
            raise MalformedError(f"unknown type {fields[0]} with {len(fields)} fields")
        taker(*fields[1:])

    def open_call(self, number: int, parent: int, thread: int, start: int, name: int) -> None:
        """Add a call that was running when the process last wrote."""
        if number not in self._events:
            self._named.append((self._add(number, parent, "call", thread, start, ""), name))

    def events(self) -> list[Event]:
        """Return all events, with names resolved and early ends and additions applied."""
        for step, late in self._late:
            known = self._events.get(step)
            if known is None:
                self._lost_steps += 1
            else:
                _complete(known, late)
        for event, number in self._named:
            self._resolve_name(event, number)
        self._named, self._late = [], []
        return list(self._events.values())

    def warnings(self) -> list[str]:
        """Return the warnings about the recording as a whole; to be called after ``events``."""
        losses = (
            (self._lost_names, "without name: name lost"),
            (self._lost_steps, "skipped: start lost"),
        )
        return [f"{plural(count, 'step')} {reason}" for count, reason in losses if count]

    def _resolve_name(self, event: Event, number: int | str) -> None:
        text, attributes = self._names.get(number, _NAMELESS) if isinstance(number, int) else (number, {})
        if not text:
            text = f"name {number}"
            self._lost_names += 1
        event.name = text
        if event.kind in ("log", "ask"):
            event.name = str(attributes.get("logger", text))
        if event.kind == "sql":
            event.attributes["statement"] = text
        else:
            event.attributes = attributes | event.attributes if event.attributes else attributes

    def _time(self, time: Plain) -> int:
        return _integer(time, _MAX_TIME) + self._offset

    def _add(self, number: int, parent: int, kind: str, thread: int, start: int, name: str) -> Event:
        if kind not in _KINDS:
            raise MalformedError("step of unknown kind")
        event = Event(
            self.process, _integer(number), _integer(parent), kind, _text(name), _integer(thread), self._time(start)
        )
        if number in self._events:
            raise MalformedError(f"duplicate step {number}")
        self._events[number] = event
        return event

    def _begin(self, number: int, parent: int, kind: str, thread: int, time: int, name: str, attributes: Plain) -> None:
        checked = _values(attributes)
        self._add(number, parent, kind, thread, time, name).attributes = checked

    def _end(self, number: int, time: int, error: str | None, attributes: Plain) -> None:
        self._add_late(number, _Late(self._time(time), _error(error), _values(attributes)))

    def _note(self, number: int, attributes: Plain) -> None:
        checked = _values(attributes)
        if "started" in checked:  # a hand-off's worker took over: the same clock as start and end
            checked["started"] = self._time(checked["started"])  # type: ignore[arg-type]
        self._add_late(number, _Late(None, _error(checked.pop("error", None)), checked))

    def _add_late(self, number: int, late: _Late) -> None:
        event = self._events.get(_integer(number))
        if event is None:
            self._late.append((number, late))
        else:
            _complete(event, late)

    def _step(
        self, number: int, parent: int, kind: str, thread: int, start: int, end: int, name: str, error: str | None,
        attributes: Plain,
    ) -> None:  # fmt: skip
        late = _Late(self._time(end), _error(error), _values(attributes))
        _complete(self._add(number, parent, kind, thread, start, name), late)

    def _name(self, number: int, text: str, attributes: Plain) -> None:
        self._names[_integer(number)] = (_text(text), _values(attributes))

    def _call(
        self, number: int, parent: int, thread: int, start: int, end: int, name: int | str, error: str | None
    ) -> None:
        late = _Late(self._time(end), _error(error), {})
        named = _name_number(name)
        event = self._add(number, parent, "call", thread, start, "")
        event.end, event.error = late.end, late.error
        self._named.append((event, named))

    def _sql(
        self, number: int, parent: int, thread: int, start: int, end: int, name: int | str, error: str | None,
        rows: int, parameters: Plain, database: str | None, request_ids: Plain,
    ) -> None:  # fmt: skip
        late = _Late(self._time(end), _error(error), {"rows": _value(rows), "parameters": _value(parameters)})
        if database is not None:
            late.attributes["database"] = _text(database)
        if isinstance(request_ids, tuple) and len(request_ids) == 2:
            ids = dict(zip(("request_id", "global_request_id"), map(_value, request_ids), strict=True))
            late.attributes |= {key: value for key, value in ids.items() if value is not None}
        named = _name_number(name)
        event = self._add(number, parent, "sql", thread, start, "")
        _complete(event, late)
        self._named.append((event, named))

    def _log(
        self, number: int, parent: int, kind: str, thread: int, time: int, name: int | str, message: str,
        attributes: Plain,
    ) -> None:  # fmt: skip
        checked = {"message": _text(message)} | _values(attributes)
        named = _name_number(name)
        event = self._add(number, parent, kind, thread, time, "")
        event.end, event.attributes = event.start, checked
        self._named.append((event, named))


def _complete(event: Event, late: _Late) -> None:
    event.end = event.end if late.end is None else late.end
    event.error = event.error if late.error is None else late.error
    event.attributes.update(late.attributes)


def _integer(value: Plain | Value, limit: int = 1 << 64) -> int:
    if type(value) is not int or not 0 <= value < limit:
        raise MalformedError("expected an unsigned integer in range")
    return value


def _text(value: Plain) -> str:
    if type(value) is not str:
        raise MalformedError("expected a text")
    return value


def _error(value: Plain | Value) -> str | None:
    if value is not None and type(value) is not str:
        raise MalformedError("expected an error text")
    return value


def _name_number(value: int | str) -> int | str:
    return value if type(value) is str else _integer(value)


def pairs(flat: Plain) -> dict[str, Plain]:
    """Return a flat tuple of keys and values as a dict."""
    if type(flat) is not tuple or len(flat) % 2 or not all(type(key) is str for key in flat[::2]):
        raise MalformedError("expected pairs of keys and values")
    return dict(zip(flat[::2], flat[1::2], strict=True))  # type: ignore[arg-type]


def _values(flat: Plain) -> dict[str, Value]:
    return {key: _value(value) for key, value in pairs(flat).items() if value is not None}


def _value(plain: Plain) -> Value:
    """Convert nested tuples, as patches.values.tree writes them, to dicts and lists, other values to JSON's types."""
    if isinstance(plain, tuple):
        if plain[:1] == ("{}",) and len(plain) % 2:
            return {str(key): _value(value) for key, value in zip(plain[1::2], plain[2::2], strict=True)}
        return [_value(item) for item in (plain[1:] if plain[:1] == ("[]",) else plain)]
    if isinstance(plain, bytes):
        return plain.hex()
    if isinstance(plain, float) and not math.isfinite(plain):
        return str(plain)
    return plain
