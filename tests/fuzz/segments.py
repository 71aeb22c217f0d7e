"""Segments taken apart to records, changed, and put together under right checksums."""

from __future__ import annotations

import marshal
from random import Random
from typing import Any
from zlib import crc32

from patches import record_format
from tests.fuzz import mutation
from tests.support import captures
from tracer.sources.hooks import marshal_reader


def payloads(data: bytes) -> list[bytes]:
    """A segment's records."""
    found, at, size = [], record_format.HEADER_SIZE, record_format.FRAME.size
    while at + size <= len(data) and (length := record_format.FRAME.unpack_from(data, at)[0]):
        found.append(data[at + size : at + size + length])
        at += size + length
    return found


def by_records(random: Random, data: bytes, other: bytes) -> bytes:
    """A segment with some records changed under a right checksum; sometimes its bytes instead."""
    if random.random() < 0.25:
        return mutation.by_bytes(random, data, other)
    found = payloads(data)
    for _ in range(random.choice((1, 1, 3, 10))):
        at = random.randrange(len(found)) if found else 0
        way = random.random()
        if not found:
            break
        if way < 0.1:
            found.insert(random.randrange(len(found)), found.pop(at))
        elif way < 0.2:
            del found[at]
        elif way < 0.35 or found[at][:1] == b"C":
            found[at] = mutation.by_bytes(random, found[at], other)
        else:
            found[at] = _changed_record(random, found[at])
    start = data[: record_format.HEADER_SIZE]
    if random.random() < 0.15:
        length, _ = record_format.FRAME.unpack_from(data, len(record_format.MAGIC))
        begin = len(record_format.MAGIC) + record_format.FRAME.size
        payload = _changed_record(random, data[begin : begin + length])
        start = (record_format.MAGIC + captures.framed(payload)).ljust(record_format.HEADER_SIZE, b"\0")
    return start + b"".join(record_format.FRAME.pack(len(each), crc32(each)) + each for each in found if each)


def _changed_record(random: Random, payload: bytes) -> bytes:
    """One field another value; nested deep now and then."""
    try:
        value = marshal_reader.loads(payload)  # marshal's own reader would believe a size that was changed before
    except marshal_reader.MalformedError:
        value = None
    if not isinstance(value, tuple) or not value:
        return mutation.by_bytes(random, payload, payload)
    fields: list[Any] = list(value)
    at = random.randrange(len(fields))
    fields[at] = _changed_plain(random, fields[at])
    return marshal.dumps(tuple(fields), 2)


def _changed_plain(random: Random, value: object) -> object:
    if isinstance(value, tuple) and value and random.random() < 0.85:
        at = random.randrange(len(value))
        return (*value[:at], _changed_plain(random, value[at]), *value[at + 1 :])
    new = mutation.hostile(random)
    if isinstance(new, (list, dict)):
        nested: object = ()
        for _ in range(random.choice((1, 20, 60))):
            nested = ("[]", nested) if random.random() < 0.5 else ("{}", "a", nested)
        return nested
    return random.choice((float("inf"), float("nan"), b"\0", 1 << 200)) if random.random() < 0.1 else new
