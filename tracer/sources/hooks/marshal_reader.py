"""A decoder for marshal version 2 that admits plain values only: files are untrusted, and their reader may be root."""

from __future__ import annotations

import struct

#: bool, int, float, str, bytes, None, or a tuple of them.
Plain = bool | int | float | str | bytes | tuple["Plain", ...] | None

#: As deep as a record's tuples may nest (patches.values.MAX_DEPTH and what stands around it are far below).
MAX_DEPTH = 40
#: As many 15-bit digits as an integer may have: 64 bits take five.
MAX_DIGITS = 16

_INT = struct.Struct("<i").unpack_from
_FLOAT = struct.Struct("<d").unpack_from
_DIGITS = [struct.Struct(f"<{count}H").unpack_from for count in range(MAX_DIGITS + 1)]
_CONSTANTS: dict[int, bool | None] = {ord("N"): None, ord("T"): True, ord("F"): False}


class MalformedError(ValueError):
    """The bytes are not a plain value."""


def loads(data: bytes) -> Plain:
    """The one value that ``data`` holds, all of it."""
    try:
        (value,), end = _items(data, 0, 1, 0)
    except (IndexError, struct.error):
        raise MalformedError("a value that is cut off") from None
    except UnicodeDecodeError:
        raise MalformedError("a text that is none") from None
    if end != len(data):
        raise MalformedError(f"{len(data) - end} bytes too many")
    return value


def _items(data: bytes, at: int, count: int, depth: int) -> tuple[tuple[Plain, ...], int]:
    """``count`` values from ``at`` on, and where they end. The most frequent type comes first."""
    items: list[Plain] = []
    for _ in range(count):
        code = data[at]
        at += 1
        if code == 0x75 or code == 0x73:  # u: text, s: bytes
            start = at + 4
            at = start + _INT(data, at)[0]
            if at < start or at > len(data):
                raise MalformedError("a text longer than its record")
            raw = data[start:at]
            items.append(raw.decode("utf-8", "surrogatepass") if code == 0x75 else raw)
        elif code == 0x69:  # i
            items.append(_INT(data, at)[0])
            at += 4
        elif code in _CONSTANTS:
            items.append(_CONSTANTS[code])
        elif code == 0x6C:  # l
            value, at = _long(data, at)
            items.append(value)
        elif code == 0x28:  # (
            size = _INT(data, at)[0]
            at += 4
            # Each item takes a byte at least: a size beyond what is left is a lie, and no reason to take memory.
            if not 0 <= size <= len(data) - at or depth >= MAX_DEPTH:
                raise MalformedError("a tuple larger or deeper than it may be")
            inner, at = _items(data, at, size, depth + 1)
            items.append(inner)
        elif code == 0x67:  # g
            items.append(_FLOAT(data, at)[0])
            at += 8
        else:
            raise MalformedError(f"type {chr(code)!r} is not admitted")
    return tuple(items), at


def _long(data: bytes, at: int) -> tuple[int, int]:
    """An integer as digits of 15 bits, the sign in their count."""
    count = _INT(data, at)[0]
    size = abs(count)
    if size > MAX_DIGITS:
        raise MalformedError("an integer larger than any that is recorded")
    digits = _DIGITS[size](data, at + 4)
    if digits and (max(digits) >> 15 or not digits[-1]):
        raise MalformedError("an integer with digits out of range, or with leading zeros")
    value = 0
    for digit in reversed(digits):
        value = value << 15 | digit
    return (-value if count < 0 else value), at + 4 + 2 * size
