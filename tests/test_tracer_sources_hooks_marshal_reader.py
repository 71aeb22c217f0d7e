"""The decoder of records: equal to marshal on the values that hooks write, and safe on any other bytes."""

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

#: The values of patches.values: 64-bit integers, any float, any text that a str can hold.
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
    """Return a form that is equal only if types, signs of zero and bits of NaN are equal too."""
    if isinstance(value, tuple):
        return tuple(exact(item) for item in value)
    return type(value), struct.pack("<d", value) if isinstance(value, float) else value


@given(PLAIN)
def test_values_of_hooks_are_read_as_by_marshal(value: marshal_reader.Plain) -> None:
    data = marshal.dumps(value, 2)
    assert exact(loads(data)) == exact(marshal.loads(data))


@given(PLAIN, st.data())
def test_a_shortened_or_extended_record_is_malformed(value: marshal_reader.Plain, draw: st.DataObject) -> None:
    """No prefix of a value is a value, and no bytes may follow it."""
    data = marshal.dumps(value, 2)
    with pytest.raises(MalformedError):
        loads(data[: draw.draw(st.integers(0, len(data) - 1))])
    with pytest.raises(MalformedError):
        loads(data + draw.draw(st.binary(min_size=1)))


@given(st.binary(max_size=200))
def test_random_bytes_are_a_plain_value_or_malformed(data: bytes) -> None:
    assert_plain_or_malformed(data)


@given(PLAIN, st.data())
def test_flipped_bits_are_a_plain_value_or_malformed(value: marshal_reader.Plain, draw: st.DataObject) -> None:
    data = bytearray(marshal.dumps(value, 2))
    for _ in range(draw.draw(st.integers(1, 8))):
        data[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    assert_plain_or_malformed(bytes(data))


def assert_plain_or_malformed(data: bytes) -> None:
    """Assert that marshal reads every accepted value the same."""
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
    """Lists, dicts, sets, complex numbers, code: marshal supports them, hooks never write them."""
    with pytest.raises(MalformedError):
        loads(marshal.dumps(value, 2))


@pytest.mark.parametrize("version", [3, 4])
def test_references_are_refused(version: int) -> None:
    """Later versions of marshal refer to earlier objects, so a small file can contain a huge value."""
    shared = ("a shared text", 1 << 40)
    with pytest.raises(MalformedError):
        loads(marshal.dumps((shared, shared), version))


def test_the_nesting_is_limited() -> None:
    """A deeper value is malformed, never a RecursionError."""
    deepest = b"(\x01\x00\x00\x00" * MAX_DEPTH + b"N"
    assert exact(loads(deepest)) == exact(marshal.loads(deepest))
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(MalformedError):
            loads(b"(\x01\x00\x00\x00" * depth + b"N")


@pytest.mark.parametrize("code", [b"u", b"s", b"(", b"l"])
@pytest.mark.parametrize("size", [-(1 << 31), -1, 1 << 20, (1 << 31) - 1])
def test_a_false_size_takes_no_memory(code: bytes, size: int) -> None:
    """A size counts only up to the bytes that exist."""
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError):
            loads(code + struct.pack("<i", size) + b"N" * 10)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_an_integer_has_one_form() -> None:
    """Digits out of range, leading zeros and more digits than hooks write are malformed."""
    for digits in ([1 << 15], [1, 0], [1] * (MAX_DIGITS + 1)):
        with pytest.raises(MalformedError):
            loads(b"l" + struct.pack(f"<i{len(digits)}H", len(digits), *digits))
    assert loads(b"l" + struct.pack("<iHH", -2, 1, 1)) == -(1 + (1 << 15))
