"""Mutation of segments by record, with correct checksums afterwards."""

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
    """Return a segment's records."""
    records, offset, size = [], record_format.HEADER_SIZE, record_format.FRAME.size
    while offset + size <= len(data) and (length := record_format.FRAME.unpack_from(data, offset)[0]):
        records.append(data[offset + size : offset + size + length])
        offset += size + length
    return records


def by_records(random: Random, data: bytes, other: bytes) -> bytes:
    """Return a segment with some records changed and correct checksums; sometimes its bytes changed instead."""
    if random.random() < 0.25:
        return mutation.by_bytes(random, data, other)
    records = payloads(data)
    for _ in range(random.choice((1, 1, 3, 10))):
        index = random.randrange(len(records)) if records else 0
        way = random.random()
        if not records:
            break
        if way < 0.1:
            records.insert(random.randrange(len(records)), records.pop(index))
        elif way < 0.2:
            del records[index]
        elif way < 0.35 or records[index][:1] == b"C":
            records[index] = mutation.by_bytes(random, records[index], other)
        else:
            records[index] = _changed_record(random, records[index])
    start = data[: record_format.HEADER_SIZE]
    if random.random() < 0.15:
        length, _ = record_format.FRAME.unpack_from(data, len(record_format.MAGIC))
        begin = len(record_format.MAGIC) + record_format.FRAME.size
        payload = _changed_record(random, data[begin : begin + length])
        start = (record_format.MAGIC + captures.framed(payload)).ljust(record_format.HEADER_SIZE, b"\0")
    return start + b"".join(
        record_format.FRAME.pack(len(record), crc32(record)) + record for record in records if record
    )


def _changed_record(random: Random, payload: bytes) -> bytes:
    """Return a record with a field of another value, sometimes deeply nested."""
    try:
        value = marshal_reader.loads(payload)  # marshal's own reader would believe a size that was changed before
    except marshal_reader.MalformedError:
        value = None
    if not isinstance(value, tuple) or not value:
        return mutation.by_bytes(random, payload, payload)
    fields: list[Any] = list(value)
    index = random.randrange(len(fields))
    fields[index] = _changed_plain(random, fields[index])
    return marshal.dumps(tuple(fields), 2)


def _changed_plain(random: Random, value: object) -> object:
    if isinstance(value, tuple) and value and random.random() < 0.85:
        index = random.randrange(len(value))
        return (*value[:index], _changed_plain(random, value[index]), *value[index + 1 :])
    new = mutation.hostile(random)
    if isinstance(new, (list, dict)):
        nested: object = ()
        for _ in range(random.choice((1, 20, 60))):
            nested = ("[]", nested) if random.random() < 0.5 else ("{}", "a", nested)
        return nested
    return random.choice((float("inf"), float("nan"), b"\0", 1 << 200)) if random.random() < 0.1 else new
