"""Files of a spool that have grown: the new whole records, to be sent while they are recorded.

``marks`` holds for each file how much of it was sent: an offset or, for a table of open calls, which is sent as a
whole when it changes, a checksum.
"""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from zlib import crc32

from patches import record_format
from tracer.attach import spool as spools
from tracer.files.folder import Folder

#: Bytes read at a time, of which a record is a small part; a deputy's frames are as large (tracer.attach.deputy).
_BLOCK = 1 << 20
#: Seconds in which a process has written a record that it had begun.
_MOMENT = 0.001

Marks = dict[str, int]


def new_parts(folder: Folder, marks: Marks, room: int) -> Iterator[bytes]:
    """Yield for each new part of a file a head as JSON (name, offset, mark after it), then its bytes.

    At most about ``room`` bytes are yielded.
    """
    with suppress(FileNotFoundError), folder.folder(spools.SEGMENTS) as segments:
        for inner in (segments, folder):
            names, _ = inner.first_names(spools.MAX_FILES)
            for name in filter(spools.is_collected, names):
                for offset, mark, data in _new(inner, name, marks.get(name, 0)):
                    yield json.dumps([name, offset, mark]).encode()
                    yield data
                    room -= len(data)
                    if room <= 0:
                        return


def _new(folder: Folder, name: str, mark: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield (offset, mark after it, bytes) of the new parts of a file."""
    with suppress(OSError), folder.open(name, own=True) as file:
        if name.endswith(".open"):
            data = os.pread(file.fileno(), _BLOCK, 0)
            if crc32(data) != mark:
                yield 0, crc32(data), data
            return
        whole = whole_records if name.endswith(".seg") else _whole_lines
        while (data := whole(file.fileno(), mark)) and mark + len(data) <= spools.MAX_FILE:
            yield mark, mark + len(data), data
            mark += len(data)


def _whole_lines(file: int, offset: int) -> bytes:
    data = os.pread(file, _BLOCK, offset)
    return data[: data.rfind(b"\n") + 1]


def whole_records(file: int, offset: int) -> bytes:
    """Return the whole records of a segment from ``offset`` on, at its beginning with its header."""
    data = os.pread(file, _BLOCK, offset)
    if not offset and data[: len(record_format.MAGIC)] != record_format.MAGIC:
        return b""
    end, last = _end(data, record_format.HEADER_SIZE if not offset else 0)
    if last < end and not _is_checked(data[last:end]):
        # It has no checksum, and may be just being written.
        time.sleep(_MOMENT)
        if os.pread(file, end - last, offset + last) != data[last:end]:
            end = last
    return data[:end] if end else b""


def _end(data: bytes, start: int) -> tuple[int, int]:
    """Return the end of the last whole record, and its beginning."""
    unpack, size = record_format.FRAME.unpack_from, record_format.FRAME.size
    end = last = start if len(data) >= start else 0
    with suppress(struct.error):
        while end + size <= len(data):
            length, checksum = unpack(data, end)
            payload = data[end + size : end + size + length]
            if not length or len(payload) < length:
                break
            if crc32(payload) != checksum and checksum != record_format.PACKED_CHECK:
                break
            last, end = end, end + size + length
    return end, last


def _is_checked(record: bytes) -> bool:
    _, checksum = record_format.FRAME.unpack_from(record)
    return bool(crc32(record[record_format.FRAME.size :]) == checksum)
