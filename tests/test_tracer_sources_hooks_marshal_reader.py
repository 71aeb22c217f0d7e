"""The decoder of records: it knows what hooks may write, as marshal does, and nothing else, whatever the bytes."""

from __future__ import annotations

import marshal
import struct
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.sources.hooks import marshal_reader
from tracer.sources.hooks.marshal_reader import MAX_DEPTH, MAX_DIGITS, MalformedError, loads

#: What patches.values lets through: 64-bit integers, any float, any text that a str can hold.
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()))
    | st.binary()
)
PLAIN = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=6).map(tuple), max_leaves=40)


def exact(value: Any) -> Any:
    """A value that equals another only if types, signs of zero and bits of NaN are the same too."""
    if isinstance(value, tuple):
        return tuple(exact(item) for item in value)
    return type(value), struct.pack("<d", value) if isinstance(value, float) else value


@given(PLAIN)
def test_equals_marshal_on_all_that_hooks_may_write(value: marshal_reader.Plain) -> None:
    data = marshal.dumps(value, 2)
    assert exact(loads(data)) == exact(marshal.loads(data))


@given(PLAIN, st.data())
def test_a_cut_or_longer_record_is_malformed(value: marshal_reader.Plain, draw: st.DataObject) -> None:
    """No prefix of a value is a value, and nothing may stand behind it."""
    data = marshal.dumps(value, 2)
    with pytest.raises(MalformedError):
        loads(data[: draw.draw(st.integers(0, len(data) - 1))])
    with pytest.raises(MalformedError):
        loads(data + draw.draw(st.binary(min_size=1)))


@given(st.binary(max_size=200))
def test_random_bytes_give_a_plain_value_or_malformed(data: bytes) -> None:
    assert_plain_or_malformed(data)


@given(PLAIN, st.data())
def test_flipped_bits_give_a_plain_value_or_malformed(value: marshal_reader.Plain, draw: st.DataObject) -> None:
    data = bytearray(marshal.dumps(value, 2))
    for _ in range(draw.draw(st.integers(1, 8))):
        data[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    assert_plain_or_malformed(bytes(data))


def assert_plain_or_malformed(data: bytes) -> None:
    """Whatever it says yes to, marshal reads as the same value."""
    try:
        value = loads(data)
    except MalformedError:
        return
    assert exact(value) == exact(marshal.loads(data))


@pytest.mark.parametrize(
    "value",
    [[1], {1: 2}, {1}, frozenset({1}), 1j, ..., StopIteration, compile("1", "x", "eval"), (1, [2])],
    ids=lambda value: type(value).__name__,
)
def test_other_types_are_refused(value: Any) -> None:
    """Lists, dicts, sets, complex numbers, code: marshal could make them, hooks never write them."""
    with pytest.raises(MalformedError):
        loads(marshal.dumps(value, 2))


@pytest.mark.parametrize("version", [3, 4])
def test_references_are_refused(version: int) -> None:
    """Later versions of marshal refer to earlier objects, by which a small file can make a large value."""
    shared = ("a shared text", 1 << 40)
    with pytest.raises(MalformedError):
        loads(marshal.dumps((shared, shared), version))


def test_nesting_ends_at_its_limit() -> None:
    """As deep as admitted works; deeper is malformed, never a RecursionError."""
    deepest = b"(\x01\x00\x00\x00" * MAX_DEPTH + b"N"
    assert exact(loads(deepest)) == exact(marshal.loads(deepest))
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(MalformedError):
            loads(b"(\x01\x00\x00\x00" * depth + b"N")


@pytest.mark.parametrize("code", [b"u", b"s", b"(", b"l"])
@pytest.mark.parametrize("size", [-(1 << 31), -1, 1 << 20, (1 << 31) - 1])
def test_sizes_that_lie_take_no_memory(code: bytes, size: int) -> None:
    """A size is believed only as far as bytes are there."""
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError):
            loads(code + struct.pack("<i", size) + b"N" * 10)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_integers_are_as_marshal_writes_them() -> None:
    """Digits out of range, leading zeros and more digits than hooks write are malformed: each value has one form."""
    for digits in ([1 << 15], [1, 0], [1] * (MAX_DIGITS + 1)):
        with pytest.raises(MalformedError):
            loads(b"l" + struct.pack(f"<i{len(digits)}H", len(digits), *digits))
    assert loads(b"l" + struct.pack("<iHH", -2, 1, 1)) == -(1 + (1 << 15))
