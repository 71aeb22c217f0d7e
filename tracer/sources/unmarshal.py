"""A decoder for marshal version 2 that admits plain values only: what comes from a file is untrusted, the reader may be root."""

from __future__ import annotations

import struct

#: None, bool, int, float, str, bytes, or a tuple of them.
Plain = None | bool | int | float | str | bytes | tuple["Plain", ...]

_INT = struct.Struct("<i")
_FLOAT = struct.Struct("<d")
_SHORT = struct.Struct("<H")
MAX_DEPTH = 40


class Malformed(ValueError):
    """The bytes are not a plain value."""


def loads(data: bytes) -> Plain:
    """The one value that ``data`` holds, all of it."""
    try:
        value, end = _value(data, 0, 0)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from None
    if end != len(data):
        raise Malformed(f"{len(data) - end} bytes too many")
    return value


def _value(data: bytes, at: int, depth: int) -> tuple[Plain, int]:
    code = data[at]
    at += 1
    if code == 0x75 or code == 0x73:  # u: text, s: bytes
        (size,) = _INT.unpack_from(data, at)
        start, end = at + 4, at + 4 + size
        if size < 0 or end > len(data):
            raise Malformed("a text longer than its record")
        raw = data[start:end]
        return (raw.decode("utf-8", "surrogatepass") if code == 0x75 else raw), end
    if code == 0x69:  # i
        return _INT.unpack_from(data, at)[0], at + 4
    if code == 0x6C:  # l
        return _long(data, at)
    if code == 0x28:  # (
        return _tuple(data, at, depth)
    if code == 0x67:  # g
        return _FLOAT.unpack_from(data, at)[0], at + 8
    if code in _CONSTANTS:
        return _CONSTANTS[code], at
    raise Malformed(f"type {chr(code)!r} is not admitted")


_CONSTANTS: dict[int, None | bool] = {0x4E: None, 0x54: True, 0x46: False}


def _tuple(data: bytes, at: int, depth: int) -> tuple[Plain, int]:
    (size,) = _INT.unpack_from(data, at)
    at += 4
    if size < 0 or size > len(data) - at or depth >= MAX_DEPTH:
        raise Malformed("a tuple larger or deeper than it may be")
    items = []
    for _ in range(size):
        item, at = _value(data, at, depth + 1)
        items.append(item)
    return tuple(items), at


def _long(data: bytes, at: int) -> tuple[int, int]:
    """Digits of 15 bits, the sign in their count."""
    (count,) = _INT.unpack_from(data, at)
    at += 4
    if abs(count) > 16:
        raise Malformed("an integer larger than any that is recorded")
    value = 0
    for position in range(abs(count)):
        value |= _SHORT.unpack_from(data, at + 2 * position)[0] << (15 * position)
    return (-value if count < 0 else value), at + 2 * abs(count)
