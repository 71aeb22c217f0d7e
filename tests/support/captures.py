"""Captures for tests: folders of segments, as the recorder writes them or crafted byte by byte."""

from __future__ import annotations

import marshal
import time
from pathlib import Path
from typing import Any
from zlib import crc32

from patches import record_format, segments

#: Monotonic and wall clock of a crafted process at its start.
MONOTONIC, WALL = 1_000_000_000, 1_767_225_600_000_000_000
#: What to add to a crafted time to have it in nanoseconds since the epoch.
OFFSET = WALL - MONOTONIC


def about(pid: Any = 7, host: str = "h1", **more: Any) -> dict[str, Any]:
    """Return a crafted process's header."""
    return {"pid": pid, "host": host, "wall": WALL, "monotonic": MONOTONIC} | more


def framed(payload: bytes) -> bytes:
    """Return a payload with its length and checksum before it."""
    return record_format.FRAME.pack(len(payload), crc32(payload)) + payload


def packed(fields: Any) -> bytes:
    """Return a record as the recorder frames it."""
    return framed(marshal.dumps(fields, 2))


def head(pairs: dict[str, Any]) -> bytes:
    """Return a segment's head."""
    flat = tuple(item for pair in pairs.items() for item in pair)
    return (record_format.MAGIC + packed(flat)).ljust(record_format.HEADER_SIZE, b"\0")


def table(*calls: tuple[int, int, int, int, int], dropped: int = 0, failures: int = 0) -> bytes:
    """Return an open table: ``calls`` as (number, parent, thread, start, name number)."""
    slots = b"".join(record_format.SLOT.pack(*call) for call in calls)
    size = record_format.SCRATCH + record_format.SLOT.size
    return (record_format.OPEN_HEAD.pack(record_format.MAGIC, dropped, failures, 0) + slots).ljust(size, b"\0")


def craft(capture: Path, *records: Any, stem: str = "h1-7-1", number: int = 0, room: int = 64, **process: Any) -> Path:
    """Write a segment of ``records``, tuples or framed bytes, and an empty open table; return the segment's path."""
    folder = capture / "segments"
    folder.mkdir(parents=True, exist_ok=True)
    data = b"".join(record if isinstance(record, bytes) else packed(record) for record in records)
    path = folder / f"{stem}-{number:04d}.seg"
    path.write_bytes(head(about(**process)) + data + bytes(room))
    (folder / f"{stem}.open").write_bytes(table())
    return path


def recorder(
    capture: Path, header: dict[str, str] | None = None, stem: str = "", size: int = 1 << 16, cap: int = 1 << 26
) -> segments.Segments:
    """Return the real recorder, writing to a capture as a process of its own."""
    folder = capture / "segments"
    folder.mkdir(parents=True, exist_ok=True)
    flat = tuple(item for pair in (header or {}).items() for item in pair)
    writer = segments.Segments(str(folder), stem or f"h1-7-{time.time_ns()}", segments.about_process(flat), size, cap)
    writer.open()
    return writer


def record_call(
    writer: segments.Segments, number: int, parent: int, start: int, end: int, name: int, thread: int = 5
) -> None:
    """Record a call that did not raise, in the packed form that its hook writes."""
    data = framed(record_format.PACKED_CALL.pack(b"C", number, parent, thread, start, end, name))
    try:
        writer.append(data)
    except ValueError:
        writer.roll(data)
