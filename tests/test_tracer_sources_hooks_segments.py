"""Reading a capture: every written record is read back; torn, foreign and crafted files cost a warning each."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from patches import record_format
from tests.support.captures import OFFSET, about, craft, framed, head, packed, record_call, recorder, table
from tracer.errors import TracerError
from tracer.events import Event, Events
from tracer.sources.hooks import segments
from tracer.sources.hooks.segments import MAX_REPORTED, MAX_SIZE, MAX_WARNINGS

NAMED = (record_format.NAME, 1, "nova.x:f", ("module", "nova.x", "function", "f"))
SELECT = (record_format.NAME, 2, "SELECT 1", ())


def begin(number: int, name: str = "s", parent: int = 0, start: int = 10, attributes: Any = ()) -> tuple[Any, ...]:
    return (record_format.BEGIN, number, parent, "rpc", 5, start, name, attributes)


def step(number: int, name: str = "s", parent: int = 0, attributes: Any = ()) -> tuple[Any, ...]:
    return (record_format.STEP, number, parent, "rpc", 5, 10, 20, name, None, attributes)


def by_name(contents: Events) -> dict[str, Event]:
    return {event.name: event for event in contents.events}


def test_every_type_of_record_is_read_back(tmp_path: Path) -> None:
    """With times in nanoseconds since the epoch."""
    writer = recorder(tmp_path, {"argv": "nova-api --config-file x", "version:nova": "34.0.0"})
    now, wall = time.monotonic_ns(), time.time_ns()
    body = ("{}", "server", ("{}", "tags", ("[]", 1, None, 2.5)))
    writer.write((record_format.BEGIN, 1, 0, "http", 5, now, "GET /", ("side", "server", "body", body, "none", None)))
    writer.write((record_format.NOTE, 1, ("request_id", "req-1")))
    writer.write(NAMED)
    record_call(writer, 2, 1, now + 1, now + 5, 1)
    writer.write((record_format.CALL, 3, 1, 5, now + 1, now + 6, 1, "ValueError: no"))
    writer.write(SELECT)
    writer.write((record_format.SQL, 4, 3, 5, now + 2, now + 3, 2, None, 7, (1, "a"), "nova_api", ("req-1", None)))
    writer.write((record_format.LOG, 5, 3, "log", 5, now + 4, 1, "said", ("level", "INFO")))
    writer.write((record_format.STEP, 6, 1, "rpc", 5, now + 5, now + 6, "ping", "OSError", ("mode", "call")))
    writer.write((record_format.END, 1, now + 9, "OSError: gone", ("status", 500)))
    contents = segments.read(tmp_path)
    assert contents.warnings == []
    request, call, failed, sql, log, rpc = contents.events
    assert abs(request.start - wall) < 10_000_000_000
    assert (request.kind, request.name, request.parent, request.end, request.error) == (
        "http", "GET /", 0, request.start + 9, "OSError: gone",
    )  # fmt: skip
    assert request.attributes == {
        "side": "server", "body": {"server": {"tags": [1, None, 2.5]}}, "request_id": "req-1", "status": 500,
    }  # fmt: skip
    assert (call.kind, call.name, call.parent, call.error) == ("call", "nova.x:f", 1, None)
    assert (call.start, call.end) == (request.start + 1, request.start + 5)
    assert call.attributes == failed.attributes == {"module": "nova.x", "function": "f"}
    assert failed.error == "ValueError: no"
    assert sql.attributes == {
        "statement": "SELECT 1", "rows": 7, "parameters": [1, "a"], "database": "nova_api", "request_id": "req-1",
    }  # fmt: skip
    assert (log.kind, log.start, log.end) == ("log", request.start + 4, request.start + 4)
    assert log.attributes == {"module": "nova.x", "function": "f", "message": "said", "level": "INFO"}
    assert (rpc.name, rpc.error, rpc.attributes) == ("ping", "OSError", {"mode": "call"})
    (process,) = contents.processes
    assert (process.pid, process.argv, process.versions) == (
        os.getpid(), "nova-api --config-file x", {"nova": "34.0.0"},
    )  # fmt: skip


def test_segments_of_a_process_are_one_recording(tmp_path: Path) -> None:
    """Names recorded in the first segment are valid in the last, also beyond number 9999."""
    writer = recorder(tmp_path, stem="h1-7-1", size=8192)
    writer.write(NAMED)
    writer.write(begin(1, "outer"))
    for number in range(2, 400):
        record_call(writer, number, 1, number, number + 1, 1)
    writer.write((record_format.END, 1, 10_000, None, ()))
    files = sorted((tmp_path / "segments").glob("*.seg"))
    assert len(files) > 3
    files[-1].rename(files[-1].with_name("h1-7-1-10000.seg"))
    files[-2].rename(files[-2].with_name("h1-7-1-9999.seg"))
    contents = segments.read(tmp_path)
    assert len(contents.events) == 399
    assert {event.name for event in contents.events} == {"outer", "nova.x:f"}
    assert by_name(contents)["outer"].end is not None
    assert len(contents.processes) == 1
    assert [warning.partition(": ")[2] for warning in contents.warnings] == [
        f"{9999 - len(files) + 2} segments before it missing, with their events"
    ]


def test_every_process_has_its_own_numbers_and_names(tmp_path: Path) -> None:
    """A forked child uses the same numbers for other steps and names."""
    for pid in (7, 8):
        name = (record_format.NAME, 1, f"f{pid}", ())
        craft(tmp_path, name, (record_format.CALL, 1, 0, 5, 1, 2, 1, None), stem=f"h1-{pid}-1", pid=pid)
    contents = segments.read(tmp_path)
    assert {(event.process.pid, event.number, event.name) for event in contents.events} == {(7, 1, "f7"), (8, 1, "f8")}


def test_open_calls_are_unfinished_steps(tmp_path: Path) -> None:
    """The calls that ran at the end; a call whose record was written already is not duplicated."""
    file = craft(tmp_path, NAMED, (record_format.CALL, 1, 0, 5, 10, 20, 1, None))
    Path(str(file).replace("-0000.seg", ".open")).write_bytes(
        table((1, 0, 5, 10, 1), (2, 1, 5, 15, 1), (0, 0, 0, 0, 0), (3, 2, 5, 16, 9), dropped=4, failures=2)
    )
    contents = segments.read(tmp_path)
    assert [(event.number, event.parent, event.name, event.end) for event in contents.events] == [
        (1, 0, "nova.x:f", OFFSET + 20), (2, 1, "nova.x:f", None), (3, 2, "name 9", None),
    ]  # fmt: skip
    assert (contents.processes[0].dropped, contents.processes[0].failures) == (4, 2)
    assert contents.warnings == ["h1-7-1: 1 step without name: name lost"]


def test_records_swapped_at_the_end_of_a_segment_are_reordered(tmp_path: Path) -> None:
    """While a thread creates the next segment, an end may be written before the beginning that waits for space."""
    ended = (record_format.END, 1, 20, "OSError", ("status", 500))
    craft(
        tmp_path,
        ended,
        (record_format.NOTE, 1, ("side", "server")),
        (record_format.CALL, 2, 1, 5, 11, 12, 1, None),
        begin(1),
        NAMED,
    )
    contents = segments.read(tmp_path)
    assert contents.warnings == []
    request = by_name(contents)["s"]
    assert (request.end, request.error, request.attributes) == (
        OFFSET + 20, "OSError", {"status": 500, "side": "server"},
    )  # fmt: skip
    assert by_name(contents)["nova.x:f"].parent == 1


def test_ends_without_a_beginning_are_counted(tmp_path: Path) -> None:
    """Records were dropped: the rest of a step is no step."""
    craft(tmp_path, *((record_format.END, number, 20, None, ()) for number in range(1, 6)), step(9))
    contents = segments.read(tmp_path)
    assert [event.number for event in contents.events] == [9]
    assert contents.warnings == ["h1-7-1: 5 steps skipped: start lost"]


def test_a_segment_is_read_up_to_a_torn_record(tmp_path: Path) -> None:
    """Cut at any byte: the records before it are read, and a warning names file and byte."""
    records = [packed(step(1, "a")), packed(step(2, "b")), packed(step(3, "c"))]
    file = craft(tmp_path, *records, room=0)
    whole = file.read_bytes()
    ends = [record_format.HEADER_SIZE + sum(map(len, records[:count])) for count in range(4)]
    zeros = set(range(300, record_format.HEADER_SIZE - 20)) - set(range(0, record_format.HEADER_SIZE, 101))
    for cut in sorted(set(range(len(whole) + 1)) - zeros):
        file.write_bytes(whole[:cut])
        contents = segments.read(tmp_path)
        intact = [number for number, end in enumerate(ends) if end <= cut]
        assert len(contents.events) == max(intact, default=0)
        if cut in ends:
            assert contents.warnings == []
        else:
            (warning,) = contents.warnings
            assert warning.startswith(f"{file}: ")
            torn = ends[intact[-1]] if intact else cut
            expected = f"torn at byte {torn}; the records before it are read"
            assert warning.endswith(expected) or (cut < 100 and warning.endswith("; its events are missing"))


def test_a_hole_in_a_segment_is_reported(tmp_path: Path) -> None:
    """Zeros end a segment only if no byte follows them: a page lost in a crash is no end."""
    file = craft(tmp_path, step(1), bytes(40), step(2))
    contents = segments.read(tmp_path)
    assert [event.number for event in contents.events] == [1]
    position = record_format.HEADER_SIZE + len(packed(step(1)))
    assert contents.warnings == [f"{file}: torn at byte {position}; the records before it are read"]


def test_a_changed_byte_is_detected(tmp_path: Path) -> None:
    """The checksum covers every byte of every record."""
    file = craft(tmp_path, step(1), step(2))
    whole = bytearray(file.read_bytes())
    start = record_format.HEADER_SIZE + len(packed(step(1)))
    for position in range(start + record_format.FRAME.size, start + len(packed(step(2)))):
        changed = bytearray(whole)
        changed[position] ^= 0x40
        file.write_bytes(changed)
        contents = segments.read(tmp_path)
        assert ([event.number for event in contents.events], len(contents.warnings)) == ([1], 1)


GOOD: dict[str, tuple[Any, ...]] = {
    "begin": begin(1),
    "end": (record_format.END, 9, 20, None, ()),
    "step": step(1),
    "note": (record_format.NOTE, 9, ("started", 5)),
    "name": (record_format.NAME, 1, "f", ()),
    "call": (record_format.CALL, 1, 0, 5, 10, 20, 1, None),
    "sql": (record_format.SQL, 1, 0, 5, 10, 20, 2, None, 1, (), "nova", None),
    "log": (record_format.LOG, 1, 0, "log", 5, 10, 1, "said", ()),
}
#: Values that no field may have.
STRANGE = (-1, 1 << 64, 2.5, b"x", (1,), ("a",), ((), 1), ("{}", 1), True)


@pytest.mark.parametrize("name", GOOD)
def test_a_crafted_field_affects_only_its_record(tmp_path: Path, name: str) -> None:
    """Wrong types in any single field: no exception, and the records around it are read."""
    good = GOOD[name]
    crafted = [
        good[:index] + (value,) + good[index + 1 :] for index in range(len(good)) for value in (*STRANGE, None, "x")
    ]
    for record in [*crafted, good[:-1], (*good, None)]:
        craft(tmp_path, step(100, "before"), NAMED, SELECT, record, step(101, "after"))
        contents = segments.read(tmp_path)
        assert {"before", "after"} <= set(by_name(contents))
        for event in contents.events:
            assert_well_formed(event)


def assert_well_formed(event: Event) -> None:
    assert all(type(number) is int for number in (event.number, event.parent, event.thread, event.start))
    assert isinstance(event.name, str)
    assert event.end is None or type(event.end) is int
    assert event.error is None or isinstance(event.error, str)
    assert all(isinstance(key, str) for key in event.attributes)
    assert not any(isinstance(value, (bytes, tuple)) for value in event.attributes.values())


@pytest.mark.parametrize(
    "payload",
    [b"", b"N", b"C", b"C" * 100, b"\xff", b"(\x00\x00\x00\x00"],
)
def test_a_payload_that_is_no_record_is_skipped(tmp_path: Path, payload: bytes) -> None:
    """Complete frames with a correct checksum."""
    craft(tmp_path, framed(payload), step(1))
    contents = segments.read(tmp_path)
    if payload:  # a length of zero is the end
        assert [event.number for event in contents.events] == [1]
    assert len(contents.warnings) == 1


@pytest.mark.parametrize("fields", [None, 5, "x", (), (99, 1), (None,), ((1,),), (True,), (-1,)], ids=repr)
def test_a_value_that_is_no_record_is_skipped(tmp_path: Path, fields: Any) -> None:
    """Plain values that are no tuple, or have no known type."""
    craft(tmp_path, fields, step(1))
    contents = segments.read(tmp_path)
    assert [event.number for event in contents.events] == [1]
    assert len(contents.warnings) == 1


def test_a_duplicate_number_is_skipped(tmp_path: Path) -> None:
    """A process uses a number once; the first step is kept."""
    craft(tmp_path, step(1, "first"), step(1, "second"))
    contents = segments.read(tmp_path)
    assert [event.name for event in contents.events] == ["first"]
    assert len(contents.warnings) == 1


def test_numbers_that_json_lacks_are_text(tmp_path: Path) -> None:
    """NaN and infinity also come from databases."""
    craft(tmp_path, step(1, attributes=("a", float("nan"), "b", (float("inf"), 1.5), "c", b"\xff")))
    (event,) = segments.read(tmp_path).events
    assert event.attributes == {"a": "nan", "b": ["inf", 1.5], "c": "ff"}


def test_warnings_are_limited_and_printable(tmp_path: Path) -> None:
    """For thousands of invalid records, hundreds of foreign files, names with line breaks and escapes."""
    craft(tmp_path, *[(99,)] * 5000, step(1), stem="a-7-1")
    contents = segments.read(tmp_path)
    assert len(contents.warnings) == MAX_REPORTED + 1
    assert contents.warnings[-1] == f"a-7-1: {5000 - MAX_REPORTED} more invalid records skipped"
    for number in range(300):
        (tmp_path / "segments" / f"{number}\n\x1b[31m.seg").write_bytes(b"x")
    contents = segments.read(tmp_path)
    assert len(contents.warnings) == MAX_WARNINGS + 1
    assert contents.warnings[-1].endswith("more warnings like these")
    assert all(warning.isprintable() for warning in contents.warnings)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a segment of bootseq's"),
        (b"\x7fELF" + bytes(9000), "not a segment of bootseq's"),
        (b"BOOTSEQ9" + bytes(9000), "written by another version of bootseq"),
        (record_format.MAGIC, "its header is torn"),
        (record_format.MAGIC + bytes(9000), "its header is torn"),
        (record_format.MAGIC + framed(b"{0"), "type '{' is not allowed"),
        (head(about(pid="x")), "expected an unsigned integer in range"),
        (head(about(wall=None)), "expected an unsigned integer in range"),
        (head(about(monotonic=1 << 70)), "expected an unsigned integer in range"),
        (record_format.MAGIC + packed((1, 2)), "expected pairs of keys and values"),
    ],
)
def test_a_foreign_file_is_skipped_with_the_reason(tmp_path: Path, content: bytes, message: str) -> None:
    """No segment, or one of another version; other processes are read."""
    file = craft(tmp_path, stem="h1-9-1")
    file.write_bytes(content)
    craft(tmp_path, step(1))
    contents = segments.read(tmp_path)
    assert [event.number for event in contents.events] == [1]
    assert contents.warnings == [f"{file}: {message}; its events are missing"]


def test_a_file_of_another_name_is_skipped(tmp_path: Path) -> None:
    """A segment's name identifies the process that wrote it."""
    craft(tmp_path, step(1))
    for name in ("notes.seg", "h1-7.seg", "h1-7-1-12.seg"):
        (tmp_path / "segments" / name).write_bytes(b"x")
    contents = segments.read(tmp_path)
    assert len(contents.events) == 1
    assert len(contents.warnings) == 3


def test_pipes_folders_and_huge_files_are_skipped(tmp_path: Path) -> None:
    """In place of a segment or of a table, with a warning for every one."""
    craft(tmp_path, step(1))
    folder = tmp_path / "segments"
    os.mkfifo(folder / "h1-1-1-0000.seg")
    (folder / "h1-2-1-0000.seg").mkdir()
    with (folder / "h1-3-1-0000.seg").open("wb") as giant:
        giant.truncate(MAX_SIZE + 1)
    (folder / "h1-4-1-0000.seg").symlink_to("nowhere")
    (folder / "h1-7-1.open").unlink()
    os.mkfifo(folder / "h1-7-1.open")
    contents = segments.read(tmp_path)
    assert [event.number for event in contents.events] == [1]
    assert len(contents.warnings) == 5


@pytest.mark.parametrize("content", [None, b"", b"x" * 50_000, record_format.MAGIC, table()[:100]])
def test_segments_are_read_without_an_open_table(tmp_path: Path, content: bytes | None) -> None:
    """If it is missing, cut or foreign there is a warning."""
    file = craft(tmp_path, step(1))
    path = Path(str(file).replace("-0000.seg", ".open"))
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    contents = segments.read(tmp_path)
    assert [event.number for event in contents.events] == [1]
    (warning,) = contents.warnings
    assert warning.startswith(f"{path}: ")
    assert warning.endswith("; calls that were open are not shown")


def test_an_empty_capture_is_reported(tmp_path: Path) -> None:
    """With and without the folder for segments."""
    for _ in range(2):
        contents = segments.read(tmp_path)
        assert (contents.events, contents.warnings) == ([], [f"{tmp_path}: contains no recording"])
        (tmp_path / "segments").mkdir(exist_ok=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_missing_permission_is_reported(tmp_path: Path) -> None:
    """For a file its events are missing; for the folder reading fails."""
    craft(tmp_path, step(1)).chmod(0)
    assert [warning.partition(": ")[2] for warning in segments.read(tmp_path).warnings] == [
        "cannot be read: Permission denied; its events are missing"
    ]
    (tmp_path / "segments").chmod(0)
    try:
        with pytest.raises(TracerError, match="cannot be read: Permission denied"):
            segments.read(tmp_path)
    finally:
        (tmp_path / "segments").chmod(0o700)


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "segments").write_text("x")
    with pytest.raises(TracerError, match="segments: cannot be read: Not a directory"):
        segments.read(tmp_path)


def test_processes_of_a_machine_share_its_clock(tmp_path: Path) -> None:
    """The wall clock is set between two starts: simultaneous events stay simultaneous."""
    craft(tmp_path, step(1), stem="h1-7-1", pid=7)
    craft(tmp_path, step(1), stem="h1-8-1", pid=8, wall=OFFSET)
    craft(tmp_path, step(1), stem="h2-9-1", pid=9, host="h2", wall=OFFSET)
    craft(tmp_path, step(1), stem="h2-9-2", pid=9, host="h2", boot="later")
    starts = [event.start for event in segments.read(tmp_path).events]
    assert starts[0] == starts[1] == starts[3]
    assert starts[2] == starts[0] - 1_000_000_000


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        ("2999", "2999 files skipped when it was collected: the capture is full, or they are not bootseq's"),
        ("unknown", "collected incompletely: its folder could not be read to the end"),
    ],
)
def test_incompletely_collected_parts_are_reported(tmp_path: Path, note: str, reason: str) -> None:
    part = tmp_path / "parts" / "65534-1"
    (part / "segments").mkdir(parents=True)
    (part / "left-out").write_text(note)
    assert f"{part}: {reason}" in segments.read(tmp_path).warnings
