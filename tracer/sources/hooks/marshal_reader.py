"""A decoder for marshal version 2 that admits plain values only: files are untrusted, and their reader may be root."""

from __future__ import annotations

import struct
from typing import Union

#: bool, int, float, str, bytes, None, or a tuple of them.
Plain = Union[bool, int, float, str, bytes, tuple["Plain", ...], None]

#: The deepest nesting of a record's tuples (patches.values.MAX_DEPTH and its wrapping stay far below).
MAX_DEPTH = 40
#: The most 15-bit digits of an integer: 64 bits take five.
MAX_DIGITS = 16

_INT = struct.Struct("<i").unpack_from
_FLOAT = struct.Struct("<d").unpack_from
_DIGITS = [struct.Struct(f"<{count}H").unpack_from for count in range(MAX_DIGITS + 1)]
_CONSTANTS: dict[int, bool | None] = {ord("N"): None, ord("T"): True, ord("F"): False}


class MalformedError(ValueError):
    """The bytes are not a plain value."""


def loads(data: bytes) -> Plain:
    """Decode the single value that ``data`` consists of; MalformedError for anything else."""
    try:
        (value,), end = _items(data, 0, 1, 0)
    except (IndexError, struct.error):
        raise MalformedError("value cut off") from None
    except UnicodeDecodeError:
        raise MalformedError("text is not UTF-8") from None
    if end != len(data):
        raise MalformedError(f"{len(data) - end} bytes after the value")
    return value


def _items(data: bytes, offset: int, count: int, depth: int) -> tuple[tuple[Plain, ...], int]:
    """Decode ``count`` values from ``offset`` on; return them and their end. The most frequent type is tested first."""
    items: list[Plain] = []
    for _ in range(count):
        code = data[offset]
        offset += 1
        if code == 0x75 or code == 0x73:  # u: text, s: bytes
            start = offset + 4
            offset = start + _INT(data, offset)[0]
            if offset < start or offset > len(data):
                raise MalformedError("text longer than its record")
            raw = data[start:offset]
            items.append(raw.decode("utf-8", "surrogatepass") if code == 0x75 else raw)
        elif code == 0x69:  # i
            items.append(_INT(data, offset)[0])
            offset += 4
        elif code in _CONSTANTS:
            items.append(_CONSTANTS[code])
        elif code == 0x6C:  # l
            value, offset = _long(data, offset)
            items.append(value)
        elif code == 0x28:  # (
            size = _INT(data, offset)[0]
            offset += 4
            # Each item takes at least a byte: a larger size is false, and must not allocate memory.
            if not 0 <= size <= len(data) - offset or depth >= MAX_DEPTH:
                raise MalformedError("tuple too large or too deep")
            inner, offset = _items(data, offset, size, depth + 1)
            items.append(inner)
        elif code == 0x67:  # g
            items.append(_FLOAT(data, offset)[0])
            offset += 8
        else:
            raise MalformedError(f"type {chr(code)!r} is not allowed")
    return tuple(items), offset


def _long(data: bytes, offset: int) -> tuple[int, int]:
    """Decode an integer of 15-bit digits, their count carrying the sign; return it and its end."""
    count = _INT(data, offset)[0]
    size = abs(count)
    if size > MAX_DIGITS:
        raise MalformedError("integer too large")
    digits = _DIGITS[size](data, offset + 4)
    if digits and (max(digits) >> 15 or not digits[-1]):
        raise MalformedError("integer with digits out of range or leading zeros")
    value = 0
    for digit in reversed(digits):
        value = value << 15 | digit
    return (-value if count < 0 else value), offset + 4 + 2 * size
