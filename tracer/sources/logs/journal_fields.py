"""The fields of a journal's export, all of them, read and written back."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.sources.logs.blocks import PIECE, Text

_MAX_NAME = 64
#: Longer fields, such as core dumps, are left out.
_MAX_FIELD = 16 << 20


def read(data: Text) -> Iterator[tuple[str, bytes]]:
    """Yield (name, value) of each field, and ("", b"") at the end of each entry; reading ends at a torn field."""
    offset = 0
    while offset < len(data):
        line = _line(data, offset)
        name, sign, value = line.partition(b"=")
        if not line:
            yield "", b""
            offset += 1
        elif sign:
            yield name.decode("ascii", "replace"), value
            offset += len(line) + 1
        else:
            start = offset + len(line) + 9
            size = int.from_bytes(data.part(start - 8, start), "little")
            if len(line) > _MAX_NAME or start + size > len(data):
                return
            if size <= _MAX_FIELD:
                yield name.decode("ascii", "replace"), data.part(start, start + size)
            offset = start + size + 1


def written(name: str, value: bytes) -> bytes:
    """Return a field's bytes in the export."""
    if b"\n" in value or any(byte < 32 and byte != 9 for byte in value):
        return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
    return name.encode() + b"=" + value + b"\n"


def _line(data: Text, offset: int) -> bytes:
    """Return the line that begins at ``offset``, at most a field's size of it."""
    line = b""
    while len(line) < _MAX_FIELD and (piece := data.part(offset + len(line), offset + len(line) + PIECE)):
        end = piece.find(b"\n")
        if end >= 0:
            return line + piece[:end]
        line += piece
    return line
