"""Segments: from a capture's files to the records in them, tolerant of torn tails and of files that are not ours."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from patches import record_format
from tracer.errors import TracerError
from tracer.events import Events
from tracer.files import read as files_read
from tracer.sources.hooks import marshal_reader
from tracer.sources.hooks.marshal_reader import MalformedError, Plain
from tracer.sources.hooks.recording import Recording, pairs
from tracer.text import plural, printable

#: A segment is a few MB; what is far beyond that is not ours, and is not read.
MAX_SIZE = 256 << 20
#: Of one process's records that make no sense, and of a capture's warnings, this many are told; the others are counted.
MAX_TOLD = 3
MAX_WARNINGS = 50
_NAME = re.compile(r"(?P<stem>.+-\d+-\d+)-(?P<number>\d{4,})\.seg")


def read(capture: Path, offsets: dict[str, int] | None = None) -> Events:
    """Every event of a capture folder; what could not be read stands in ``warnings``, one line each.

    ``offsets`` keeps what to add to each machine's clock: captures of one machine that are read with the same agree.
    """
    found = Events()
    offsets = {} if offsets is None else offsets
    folders = _folders(capture)
    for folder, files in folders:
        for stem, segments in _by_process(files, found.warnings).items():
            _Process(folder, stem, segments, found).read(offsets)
        found.warnings.extend(_without_room(folder, files))
    found.warnings += _left_out(capture)
    if not any(files for _, files in folders):
        found.warnings.append(f"{capture}: nothing was recorded into it")
    found.warnings = _told(capture, found.warnings)
    return found


def recorded(capture: Path) -> bool:
    """Whether hooks have left segments in it."""
    return any(files for _, files in _folders(capture))


def _folders(capture: Path) -> list[tuple[Path, list[Path]]]:
    return [(folder, _files(folder)) for folder in (capture / "segments", *_apart(capture))]


def _apart(capture: Path) -> list[Path]:
    """Where processes have recorded that could not reach the capture's own folder (tracer.attach.spool_location)."""
    return sorted((capture / "parts").glob("*/segments"))


def _left_out(capture: Path) -> list[str]:
    """Parts that the capture had not enough room for (tracer.attach.collect)."""
    notes = sorted((capture / "parts").glob("*/left-out"))
    return [
        f"{note.parent}: not all of it was brought in, the capture is full or a file is none of ours" for note in notes
    ]


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == ".seg")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TracerError(f"{folder}: cannot be read: {error.strerror}") from None


def _by_process(files: list[Path], warnings: list[str]) -> dict[str, list[tuple[int, Path]]]:
    """Each process's segments in their order."""
    grouped: dict[str, list[tuple[int, Path]]] = {}
    for file in files:
        match = _NAME.fullmatch(file.name)
        if match is None:
            warnings.append(f"{file}: not a segment of bootseq's, left out")
        else:
            grouped.setdefault(match["stem"], []).append((int(match["number"]), file))
    return {stem: sorted(segments) for stem, segments in grouped.items()}


def _without_room(folder: Path, files: list[Path]) -> Iterator[str]:
    """Warn of processes that found no room for their first segment: only their tables show what they dropped."""
    known = {file.name.rpartition("-")[0] for file in files}
    for table in sorted(folder.glob("*.open")):
        dropped = 0 if table.stem in known else _dropped(table)
        if dropped:
            yield f"{table}: {plural(dropped, 'record')} dropped: there was no room for a segment"


def _dropped(table: Path) -> int:
    try:
        magic, dropped, *_ = record_format.OPEN_HEAD.unpack_from(_bytes(table))
    except (OSError, MalformedError, struct.error):
        return 0
    return int(dropped) if magic == record_format.MAGIC else 0


def _told(capture: Path, warnings: list[str]) -> list[str]:
    told = [printable(warning) for warning in warnings[:MAX_WARNINGS]]
    rest = len(warnings) - len(told)
    return [*told, f"{capture}: {plural(rest, 'more warning')} like these"] if rest else told


class _Process:
    """The files of one process, while they are being read."""

    def __init__(self, folder: Path, stem: str, segments: list[tuple[int, Path]], found: Events) -> None:
        self._stem = stem
        self._segments = segments
        self._table = folder / f"{stem}.open"
        self._found = found
        self._senseless = 0

    def read(self, offsets: dict[str, int]) -> None:
        """Add what they hold to the events that were found."""
        recording: Recording | None = None
        expected = 0
        for number, file in self._segments:
            if number > expected:
                self._warn(f"{file}: {plural(number - expected, 'segment')} before it missing; their events are too")
            expected = number + 1
            try:
                data = _bytes(file)
                recording = recording or Recording(self._stem, _header(data), offsets)
            except OSError as error:
                self._fault(f"{file}: cannot be read: {error.strerror}; its events are missing")
            except MalformedError as error:
                self._fault(f"{file}: {error}; its events are missing")
            else:
                self._take_segment(file, data, recording)
        if recording is not None:
            self._finish(recording)

    def _take_segment(self, file: Path, data: bytes, recording: Recording) -> None:
        for at, payload in _frames(data):
            if payload is None:
                self._warn(f"{file}: torn at byte {at}; what was recorded before it is kept")
                return
            try:
                recording.take(payload)
            except MalformedError as error:
                self._senseless += 1
                self._found.damaged = True
                if self._senseless <= MAX_TOLD:
                    self._warn(f"{file}: the record at byte {at} makes no sense ({error}), left out")

    def _finish(self, recording: Recording) -> None:
        if self._senseless > MAX_TOLD:
            self._warn(f"{self._stem}: {plural(self._senseless - MAX_TOLD, 'more record')} of it that make no sense")
        try:
            _read_open_table(_bytes(self._table), recording)
        except OSError as error:
            self._warn(f"{self._table}: cannot be read: {error.strerror}; calls that were open are not shown")
        except MalformedError as error:
            self._fault(f"{self._table}: {error}; calls that were open are not shown")
        self._found.processes.append(recording.process)
        self._found.events.extend(recording.events())
        for warning in recording.warnings():
            self._warn(f"{self._stem}: {warning}")

    def _warn(self, text: str) -> None:
        self._found.warnings.append(text)

    def _fault(self, text: str) -> None:
        self._warn(text)
        self._found.damaged = True


def _bytes(file: Path) -> bytes:
    """All of a file that may be one of ours; a pipe or a device in its place must not hold us up."""
    with files_read.opened(file) as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > MAX_SIZE:
            raise MalformedError("not a file of bootseq's")
        return opened.read(size)


def _header(data: bytes) -> dict[str, Plain]:
    magic, start = len(record_format.MAGIC), len(record_format.MAGIC) + record_format.FRAME.size
    if data[:magic] != record_format.MAGIC:
        ours = data[: magic - 1] == record_format.MAGIC[:-1]
        raise MalformedError("written by another version of bootseq" if ours else "not a segment of bootseq's")
    length, checksum = record_format.FRAME.unpack_from(data[:start].ljust(start, b"\0"), magic)
    payload = data[start : start + length]
    if not length or len(payload) != length or crc32(payload) != checksum:
        raise MalformedError("its header is torn")
    return pairs(marshal_reader.loads(payload))


def _whole(payload: bytes, checksum: int) -> bool:
    packed = len(payload) == record_format.PACKED_CALL.size and payload[:1] == b"C"
    return crc32(payload) == checksum or (packed and checksum == record_format.PACKED_CHECK)


def _frames(data: bytes) -> Iterator[tuple[int, bytes | None]]:
    """(offset, payload) of each record; a payload of None is where the file is torn, and ends it."""
    at, size, end = record_format.HEADER_SIZE, record_format.FRAME.size, len(data)
    unpack = record_format.FRAME.unpack_from
    while at + size <= end:
        length, checksum = unpack(data, at)
        payload = data[at + size : at + size + length]
        if not length or len(payload) != length or not _whole(payload, checksum):
            break
        yield at, payload
        at += size + length
    if at > end or data[at:].strip(b"\0"):
        yield min(at, end), None


def _read_open_table(data: bytes, recording: Recording) -> None:
    """The calls that were running when the process was last seen, and what it counted."""
    if data[: len(record_format.MAGIC)] != record_format.MAGIC:
        raise MalformedError("not a table of bootseq's")
    try:
        _, dropped, failures, _ = record_format.OPEN_HEAD.unpack_from(data)
        slots = record_format.SLOT.iter_unpack(data[record_format.OPEN_HEAD.size : record_format.SCRATCH])
        for number, parent, thread, start, name in slots:
            if number:
                recording.open_call(number, parent, thread, start, name)
    except struct.error:
        raise MalformedError("cut off") from None
    recording.process.dropped, recording.process.failures = dropped, failures
