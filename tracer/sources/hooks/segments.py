"""A capture's segment files read as events, tolerant of torn tails and of foreign files."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from patches import record_format
from tracer import notices
from tracer.errors import TracerError
from tracer.events import Events
from tracer.files import read as files_read
from tracer.sources.hooks import marshal_reader
from tracer.sources.hooks.host_clocks import HostClocks
from tracer.sources.hooks.marshal_reader import MalformedError, Plain
from tracer.sources.hooks.recording import Recording, pairs
from tracer.text import plural, printable

#: A segment is a few MB; a far larger file is not bootseq's, and is not read.
MAX_SIZE = 256 << 20
#: The most invalid records of a process, and warnings of a capture, that are reported; the rest are counted.
MAX_REPORTED = 3
MAX_WARNINGS = 50
_NAME = re.compile(r"(?P<stem>.+-\d+-\d+)-(?P<number>\d{4,})\.seg")


def read(capture: Path, offsets: dict[str, int] | None = None) -> Events:
    """Read every event of a capture folder, with a warning line for whatever could not be read.

    ``offsets`` holds what to add to each host's clock: captures of one host read with the same dict agree.
    """
    result = Events()
    offsets = {} if offsets is None else offsets
    folders = _folders(capture)
    clocks = HostClocks(capture)
    for folder, files in folders:
        for stem, segments in _by_process(files, result.warnings).items():
            _ProcessReader(folder, stem, segments, result).read(offsets, clocks)
        result.warnings.extend(_without_segments(folder, files))
    result.warnings += _incomplete_parts(capture)
    result.warnings += clocks.warnings()
    result.bounds += clocks.bounds()
    result.is_of_hosts = clocks.is_of_hosts
    if not any(files for _, files in folders):
        result.warnings.append(f"{capture}: contains no recording")
    result.warnings = _limited(capture, result.warnings)
    return result


def recorded(capture: Path) -> bool:
    """Return whether a capture holds segments that hooks recorded."""
    return any(files for _, files in _folders(capture))


def _folders(capture: Path) -> list[tuple[Path, list[Path]]]:
    return [(folder, _files(folder)) for folder in (capture / "segments", *_part_folders(capture))]


def _part_folders(capture: Path) -> list[Path]:
    """Return the segment folders of processes that could not write to the capture (tracer.attach.spool_location)."""
    return sorted((capture / "parts").glob("*/segments"))


def _incomplete_parts(capture: Path) -> list[str]:
    """Name the spools that were collected incompletely, and why (tracer.attach.collect)."""
    return [f"{note.parent}: {_why_left_out(note)}" for note in sorted((capture / "parts").glob("*/left-out"))]


def _why_left_out(note: Path) -> str:
    try:
        count = int(files_read.contents(note, 64))
    except (OSError, ValueError):
        return "collected incompletely: its folder could not be read to the end"
    return f"{plural(count, 'file')} skipped when it was collected: the capture is full, or they are not bootseq's"


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == ".seg")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TracerError(f"{folder}: cannot be read: {error.strerror}") from None


def _by_process(files: list[Path], warnings: list[str]) -> dict[str, list[tuple[int, Path]]]:
    """Return each process's segments, by the stem of their names, in order."""
    grouped: dict[str, list[tuple[int, Path]]] = {}
    for file in files:
        match = _NAME.fullmatch(file.name)
        if match is None:
            warnings.append(f"{file}: not a segment of bootseq's, skipped")
        else:
            grouped.setdefault(match["stem"], []).append((int(match["number"]), file))
    return {stem: sorted(segments) for stem, segments in grouped.items()}


def _without_segments(folder: Path, files: list[Path]) -> Iterator[str]:
    """Yield warnings of processes whose first segment did not fit: only their tables count what they dropped."""
    known = {file.name.rpartition("-")[0] for file in files}
    for table in sorted(folder.glob("*.open")):
        dropped = 0 if table.stem in known else _dropped(table)
        if dropped:
            yield notices.records_dropped(str(table), dropped).text


def _dropped(table: Path) -> int:
    try:
        magic, dropped, *_ = record_format.OPEN_HEAD.unpack_from(_bytes(table))
    except (OSError, MalformedError, struct.error):
        return 0
    return int(dropped) if magic == record_format.MAGIC else 0


def _limited(capture: Path, warnings: list[str]) -> list[str]:
    limited = [printable(warning) for warning in warnings[:MAX_WARNINGS]]
    rest = len(warnings) - len(limited)
    return [*limited, f"{capture}: {plural(rest, 'more warning')} like these"] if rest else limited


class _ProcessReader:
    """The reader of one process's files."""

    def __init__(self, folder: Path, stem: str, segments: list[tuple[int, Path]], result: Events) -> None:
        self._stem = stem
        self._segments = segments
        self._table = folder / f"{stem}.open"
        self._result = result
        self._invalid = 0

    def read(self, offsets: dict[str, int], clocks: HostClocks) -> None:
        """Add the events of the files to the result."""
        recording: Recording | None = None
        expected = 0
        for number, file in self._segments:
            if number > expected:
                self._warn(f"{file}: {plural(number - expected, 'segment')} before it missing, with their events")
            expected = number + 1
            try:
                data = _bytes(file)
                if recording is None:
                    part = self._table.parent.parent.name
                    recording = Recording(self._stem, _header(data), offsets, clocks.owner(part))
                    clocks.set_clock(recording.process, recording.boot, part)
            except OSError as error:
                self._fault(f"{file}: cannot be read: {error.strerror}; its events are missing")
            except MalformedError as error:
                self._fault(f"{file}: {error}; its events are missing")
            else:
                self._take_segment(file, data, recording)
        if recording is not None:
            self._finish(recording)

    def _take_segment(self, file: Path, data: bytes, recording: Recording) -> None:
        for offset, payload in _frames(data):
            if payload is None:
                self._warn(f"{file}: torn at byte {offset}; the records before it are read")
                return
            try:
                recording.take(payload)
            except MalformedError as error:
                self._invalid += 1
                self._result.damaged = True
                if self._invalid <= MAX_REPORTED:
                    self._warn(f"{file}: record at byte {offset} skipped: {error}")

    def _finish(self, recording: Recording) -> None:
        if self._invalid > MAX_REPORTED:
            self._warn(f"{self._stem}: {plural(self._invalid - MAX_REPORTED, 'more invalid record')} skipped")
        try:
            _read_open_table(_bytes(self._table), recording)
        except OSError as error:
            self._warn(f"{self._table}: cannot be read: {error.strerror}; calls that were open are not shown")
        except MalformedError as error:
            self._fault(f"{self._table}: {error}; calls that were open are not shown")
        self._result.processes.append(recording.process)
        self._result.events.extend(recording.events())
        for warning in recording.warnings():
            self._warn(f"{self._stem}: {warning}")

    def _warn(self, text: str) -> None:
        self._result.warnings.append(text)

    def _fault(self, text: str) -> None:
        self._warn(text)
        self._result.damaged = True


def _bytes(file: Path) -> bytes:
    """Read a whole file; MalformedError if it is too large. A pipe or a device in its place does not block."""
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
    """Yield (offset, payload) of each record; a payload of None marks where the file is torn, and is the last."""
    offset, size, end = record_format.HEADER_SIZE, record_format.FRAME.size, len(data)
    unpack = record_format.FRAME.unpack_from
    while offset + size <= end:
        length, checksum = unpack(data, offset)
        payload = data[offset + size : offset + size + length]
        if not length or len(payload) != length or not _whole(payload, checksum):
            break
        yield offset, payload
        offset += size + length
    if offset > end or data[offset:].strip(b"\0"):
        yield min(offset, end), None


def _read_open_table(data: bytes, recording: Recording) -> None:
    """Add the calls that were running when the process last wrote, and its counts, to the recording."""
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
