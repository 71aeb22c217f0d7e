"""Counts of one process's recording so far: events, drops and failures, without decoding the records."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from patches import record_format
from tracer.files.folder import Folder

#: Bytes of an open table's header.
HEAD_SIZE = record_format.OPEN_HEAD.size
#: A segment is a few MB; a far larger file is not bootseq's, and is not read.
_MAX_SEGMENT = 64 << 20


@dataclass(frozen=True)
class Tally:
    """Counts of one process's files."""

    events: int = 0
    dropped: int = 0
    failures: int = 0


def tally(segments: Folder, names: Iterable[str]) -> Tally:
    """Count the named files in a folder of segments; unreadable files count as empty."""
    events = dropped = failures = 0
    for name in names:
        try:
            if name.endswith(".seg"):
                events += _events(segments.read(name, _MAX_SEGMENT, own=True))
            elif name.endswith(".open"):
                with segments.open(name, own=True) as file:
                    magic, *counts, _ = record_format.OPEN_HEAD.unpack(file.read(HEAD_SIZE))
                if magic == record_format.MAGIC:
                    dropped, failures = dropped + counts[0], failures + counts[1]
        except (OSError, struct.error):
            continue
    return Tally(events, dropped, failures)


def is_closed(head: bytes) -> bool:
    """Return whether an open table with this header belongs to a finished recording."""
    try:
        magic, *_, closed = record_format.OPEN_HEAD.unpack(head)
    except struct.error:
        return False
    return bool(magic == record_format.MAGIC and closed)


def _events(data: bytes) -> int:
    unpack, size = record_format.FRAME.unpack_from, record_format.FRAME.size
    count, offset = 0, record_format.HEADER_SIZE
    while offset + size <= len(data):
        length = unpack(data, offset)[0] & 0xFFFF_FFFF
        if not length:
            break
        count += 1
        offset += size + length
    return count
