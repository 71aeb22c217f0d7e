"""A reader of segments without the tool: every payload as it was written, for tests that know their own."""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patches import record_format


def read_raw(path: Path) -> Iterator[Any]:
    """Yield the payloads of a segment: tuples, and packed calls as the tuple of their fields."""
    data, offset = path.read_bytes(), record_format.HEADER_SIZE
    while offset + record_format.FRAME.size <= len(data):
        length, _ = record_format.FRAME.unpack_from(data, offset)
        if not length:
            return
        payload = data[offset + record_format.FRAME.size : offset + record_format.FRAME.size + length]
        yield record_format.PACKED_CALL.unpack(payload) if payload[:1] == b"C" else marshal.loads(payload)
        offset += record_format.FRAME.size + length


def read_all(folder: Path) -> list[Any]:
    """Return the payloads of all segments of a folder, file by file."""
    return [payload for path in sorted(folder.glob("*.seg")) for payload in read_raw(path)]
