"""Segments: from a capture's files to events, tolerant of torn tails, closed to crafted ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from patches import record
from tracer.errors import TracerError
from tracer.event import Event, Events, Process
from tracer.model import Value
from tracer.sources import unmarshal
from tracer.sources.unmarshal import MalformedError, Plain

_NAME = re.compile(r"(?P<stem>.+-\d+-\d+)-\d{4,}\.seg")


def read(capture: Path) -> Events:
    """Every event of a capture folder; what could not be read stands in ``warnings``, one line each."""
    try:
        files = sorted((capture / "segments").glob("*.seg"))
    except OSError as error:
        raise TracerError(f"{capture}: cannot be read: {error.strerror}") from None
    found = Events()
    offsets: dict[str, int] = {}
    by_process: dict[str, list[Path]] = {}
    for file in files:
        match = _NAME.fullmatch(file.name)
        if match is None:
            found.warnings.append(f"{file}: not a segment of bootseq's, left out")
        else:
            by_process.setdefault(match["stem"], []).append(file)
    for stem, segments in by_process.items():
        _read_process(capture / "segments", stem, segments, offsets, found)
    return found


def _read_process(folder: Path, stem: str, files: list[Path], offsets: dict[str, int], found: Events) -> None:
    reading: _Reading | None = None
    for file in files:
        try:
            data = file.read_bytes()
            about = _header(data)
        except OSError as error:
            found.warnings.append(f"{file}: cannot be read: {error.strerror}; its events are missing")
            continue
        except MalformedError as error:
            found.warnings.append(f"{file}: {error}; its events are missing")
            continue
        if reading is None:
            reading = _Reading(stem, about, offsets)
        reading.take_segment(file, data, found.warnings)
    if reading is not None:
        _read_open_table(folder / f"{stem}.open", reading, found.warnings)
        found.processes.append(reading.process)
        found.events.extend(reading.events())


def _header(data: bytes) -> dict[str, Plain]:
    start = len(record.MAGIC) + record.FRAME.size
    if data[: len(record.MAGIC)] != record.MAGIC:
        newer = data[: len(record.MAGIC) - 1] == record.MAGIC[:-1]
        raise MalformedError("written by another version of bootseq" if newer else "not a segment of bootseq's")
    length, checksum = record.FRAME.unpack_from(data, len(record.MAGIC))
    payload = data[start : start + length]
    if len(payload) != length or crc32(payload) != checksum:
        raise MalformedError("its header is torn")
    return _pairs(unmarshal.loads(payload))


def _frames(data: bytes) -> Iterator[tuple[int, bytes | None]]:
    """(offset, payload) of each record; a payload of None is where the file is torn, and ends it."""
    at, size = record.HEADER_SIZE, record.FRAME.size
    while at + size <= len(data):
        length, checksum = record.FRAME.unpack_from(data, at)
        if length == 0:
            return
        payload = data[at + size : at + size + length]
        if len(payload) != length or crc32(payload) != checksum:
            yield at, None
            return
        yield at, payload
        at += size + length


class _Reading:
    """One process's records on their way to events."""

    def __init__(self, stem: str, about: dict[str, Plain], offsets: dict[str, int]) -> None:
        pid, host = about.get("pid"), about.get("host")
        wall, monotonic = about.get("wall"), about.get("monotonic")
        if not isinstance(pid, int) or not isinstance(wall, int) or not isinstance(monotonic, int):
            raise TracerError(f"{stem}: its segments do not say which process wrote them")
        versions = {key[8:]: str(value) for key, value in about.items() if key.startswith("version:")}
        self.process = Process(stem, pid, str(host), str(about.get("argv", "")), versions)
        # One offset a host: all its processes share the monotonic clock, and the wall clock may have been set in between.
        self._offset = offsets.setdefault(str(host), wall - monotonic)
        self._names: dict[Plain, tuple[str, dict[str, Value]]] = {}
        self._events: dict[int, Event] = {}
        #: CALL and SQL records that came before the record of their name, which another thread was writing
        self._named: list[tuple[Event, Plain]] = []

    def events(self) -> list[Event]:
        """All events, with the names that their numbers stand for."""
        for event, number in self._named:
            text, attributes = self._names.get(number, (number if isinstance(number, str) else f"name {number}", {}))
            if event.kind == "sql":
                event.attributes["statement"] = text
                event.name = text.split(None, 1)[0] if text.split() else "sql"
            else:
                event.name = str(attributes.get("logger", text)) if event.kind in ("log", "ask") else text
                event.attributes.update(attributes)
        return list(self._events.values())

    def take_segment(self, file: Path, data: bytes, warnings: list[str]) -> None:
        """Take all records of one file."""
        for at, payload in _frames(data):
            if payload is None:
                warnings.append(f"{file}: torn at byte {at}; what was recorded before it is kept")
                return
            try:
                self._take(payload)
            except (MalformedError, ValueError, TypeError, KeyError, IndexError) as error:
                warnings.append(f"{file}: the record at byte {at} makes no sense ({error}), left out")

    def _take(self, payload: bytes) -> None:
        if payload[:1] == b"C":
            _, number, parent, thread, start, end, name = record.PACKED_CALL.unpack(payload)
            self._call(number, parent, thread, start, end, name, None)
            return
        fields = unmarshal.loads(payload)
        if not isinstance(fields, tuple) or not isinstance(fields[0], int):
            raise MalformedError("not a record")
        takers = {
            record.BEGIN: self._begin, record.END: self._end, record.STEP: self._step, record.NOTE: self._note,
            record.NAME: self._name, record.CALL: self._call, record.SQL: self._sql, record.LOG: self._log,
        }  # fmt: skip
        takers[fields[0]](*fields[1:])  # type: ignore[operator]

    def _wall(self, time: Plain) -> int:
        if not isinstance(time, int):
            raise MalformedError("a time that is no number")
        return time + self._offset

    def _add(self, number: int, parent: int, kind: str, thread: int, start: int, name: str) -> Event:
        if not all(isinstance(value, int) for value in (number, parent, thread)) or not isinstance(kind, str):
            raise MalformedError("a step without number, parent or kind")
        event = Event(self.process, number, parent, kind, str(name), thread, self._wall(start))
        self._events[number] = event
        return event

    def _begin(self, number: int, parent: int, kind: str, thread: int, time: int, name: str, attributes: Plain) -> None:
        self._add(number, parent, kind, thread, time, name).attributes.update(_values(attributes))

    def _end(self, number: int, time: int, error: str | None, attributes: Plain) -> None:
        event = self._events[number]
        event.end, event.error = self._wall(time), error or event.error
        event.attributes.update(_values(attributes))

    def _step(
        self, number: int, parent: int, kind: str, thread: int, start: int, end: int, name: str, error: str | None, attributes: Plain,
    ) -> None:  # fmt: skip
        event = self._add(number, parent, kind, thread, start, name)
        event.end, event.error = self._wall(end), error
        event.attributes.update(_values(attributes))

    def _note(self, number: int, attributes: Plain) -> None:
        values = _values(attributes)
        if "started" in values:  # a hand-off's worker took over: the same clock as start and end
            values["started"] = self._wall(values["started"])  # type: ignore[arg-type]
        event = self._events[number]
        error = values.pop("error", None)
        event.error = str(error) if error is not None else event.error
        event.attributes.update(values)

    def _name(self, number: int, text: str, attributes: Plain) -> None:
        self._names[number] = (text, _values(attributes))

    def _call(self, number: int, parent: int, thread: int, start: int, end: int, name: int, error: str | None) -> None:
        event = self._add(number, parent, "call", thread, start, "")
        event.end, event.error = self._wall(end), error
        self._named.append((event, name))

    def _sql(
        self, number: int, parent: int, thread: int, start: int, end: int, name: int, error: str | None,
        rows: int, parameters: Plain, database: str | None, request_ids: Plain,
    ) -> None:  # fmt: skip
        event = self._add(number, parent, "sql", thread, start, "")
        event.end, event.error = self._wall(end), error
        event.attributes = {"rows": rows, "parameters": _value(parameters), "database": database}
        if isinstance(request_ids, tuple) and len(request_ids) == 2:
            event.attributes |= {"request_id": _value(request_ids[0]), "global_request_id": _value(request_ids[1])}
        self._named.append((event, name))

    def _log(
        self, number: int, parent: int, kind: str, thread: int, time: int, name: int, message: Plain, attributes: Plain
    ) -> None:
        event = self._add(number, parent, kind, thread, time, "")
        event.end = event.start
        event.attributes = {"message": _value(message), **_values(attributes)}
        self._named.append((event, name))

    def open_call(self, number: int, parent: int, thread: int, start: int, name: int) -> None:
        """A call that was running when the process was last seen."""
        if number not in self._events:
            self._named.append((self._add(number, parent, "call", thread, start, ""), name))


def _read_open_table(path: Path, reading: _Reading, warnings: list[str]) -> None:
    try:
        data = path.read_bytes()
        magic, reading.process.dropped, reading.process.failures = record.OPEN_HEAD.unpack_from(data)
        if magic != record.MAGIC:
            raise MalformedError("not a table of bootseq's")
        for at in range(record.OPEN_HEAD.size, min(record.SCRATCH, len(data) - record.SLOT.size + 1), record.SLOT.size):
            number, parent, thread, start, name = record.SLOT.unpack_from(data, at)
            if number:
                reading.open_call(number, parent, thread, start, name)
    except (OSError, ValueError, record.struct.error) as error:
        warnings.append(f"{path}: {error}; calls that were open are not shown")


def _pairs(flat: Plain) -> dict[str, Plain]:
    if not isinstance(flat, tuple) or len(flat) % 2:
        raise MalformedError("attributes that are not pairs")
    return {str(key): value for key, value in zip(flat[::2], flat[1::2], strict=True)}


def _values(flat: Plain) -> dict[str, Value]:
    return {key: _value(value) for key, value in _pairs(flat).items() if value is not None}


def _value(plain: Plain) -> Value:
    """Nested tuples as patches.values.tree writes them, back to dicts and lists."""
    if isinstance(plain, tuple):
        if plain[:1] == ("{}",) and len(plain) % 2:
            return {str(key): _value(value) for key, value in zip(plain[1::2], plain[2::2], strict=True)}
        return [_value(item) for item in (plain[1:] if plain[:1] == ("[]",) else plain)]
    return plain.hex() if isinstance(plain, bytes) else plain
