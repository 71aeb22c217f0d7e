"""How much one process has recorded so far: its events, drops and failures, without reading what they are."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

from patches import record

#: Bytes of an open table that tell of the recording itself.
HEAD_SIZE = record.OPEN_HEAD.size


@dataclass(frozen=True)
class Tally:
    """Counts of one process's files."""

    events: int = 0
    dropped: int = 0
    failures: int = 0


def tally(segments: Path, stem: str) -> Tally:
    """Of the processes whose files in the folder ``segments`` match ``stem``; what cannot be read counts nothing."""
    events = sum(_events(path) for path in sorted(segments.glob(f"{stem}-*.seg")))
    try:
        with open(segments / f"{stem}.open", "rb") as file:
            magic, dropped, failures, _ = record.OPEN_HEAD.unpack(file.read(record.OPEN_HEAD.size))
    except (OSError, struct.error):
        return Tally(events)
    return Tally(events, dropped, failures) if magic == record.MAGIC else Tally(events)


def is_closed(head: bytes) -> bool:
    """Whether an open table that begins so belongs to a recording that is over."""
    try:
        magic, *_, closed = record.OPEN_HEAD.unpack(head)
    except struct.error:
        return False
    return bool(magic == record.MAGIC and closed)


def _events(path: Path) -> int:
    unpack, size = record.FRAME.unpack_from, record.FRAME.size
    count, at = 0, record.HEADER_SIZE
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
            while at + size <= len(data):
                length = unpack(data, at)[0] & 0xFFFF_FFFF
                if not length:
                    break
                count += 1
                at += size + length
    except (OSError, ValueError):
        return count
    return count
