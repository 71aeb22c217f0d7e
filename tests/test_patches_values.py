"""Recording foreign values: without exceptions, without running their code, always marshallable."""

from __future__ import annotations

import datetime
import decimal
import marshal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patches import values
from tests.support.examples import examples
from tracer.sources import values as sources_values
from tracer.sources.hooks import marshal_reader
from tracer.tap import message_file

_armed: list[bool] = []


@contextmanager
def armed() -> Iterator[None]:
    """Make foreign objects raise at every access; otherwise hypothesis can print them."""
    _armed.append(True)
    try:
        yield
    finally:
        _armed.clear()


class Trap(type):
    """A metaclass whose classes raise at every access."""

    def __getattribute__(cls, name: str) -> Any:
        if _armed and name in ("__name__", "__qualname__", "__module__"):
            raise AssertionError(f"{name} of a foreign class was read")
        return super().__getattribute__(name)

    def __hash__(cls) -> int:
        if _armed:
            raise AssertionError("a foreign class was hashed")
        return id(cls)

    def __eq__(cls, other: object) -> bool:
        if _armed:
            raise AssertionError("a foreign class was compared")
        return cls is other


def trap(name: str) -> Any:
    """Return a method that raises when called."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _armed:
            raise AssertionError(f"{name} of a foreign object was called")
        return getattr(object, name, lambda *_: None)(self, *args, **kwargs)

    return method


_METHODS = """
    __repr__ __str__ __bool__ __len__ __iter__ __hash__ __eq__ __getattribute__ __getitem__ __contains__ __int__
    __float__ __index__ __format__ __bytes__ __call__ keys items
    """.split()  # noqa: SIM905 - a list of words
TRAPS = {name: trap(name) for name in _METHODS}
Foreign, ForeignText, ForeignNumber, ForeignDict, ForeignList = FOREIGN = [
    Trap(name, bases, dict(TRAPS))
    for name, bases in (
        ("Foreign", ()), ("ForeignText", (str,)), ("ForeignNumber", (int,)), ("ForeignDict", (dict,)),
        ("ForeignList", (list,)),
    )
]  # fmt: skip


class ForeignError(Exception):
    """An error whose arguments and text must not be read."""

    @property
    def args(self) -> Any:  # type: ignore[override]
        raise AssertionError("a property of a foreign object was run")

    __str__ = trap("__str__")
    __repr__ = trap("__repr__")


class ForeignZone(datetime.tzinfo):
    """A time zone that must not be used."""

    def utcoffset(self, _: datetime.datetime | None) -> datetime.timedelta | None:
        if _armed:
            raise AssertionError("a foreign time zone was used")
        return None

    tzname = dst = utcoffset  # type: ignore[assignment]


def foreign_objects() -> st.SearchStrategy[Any]:
    """Return a strategy for objects that raise at every access."""
    return st.integers(0, len(FOREIGN) - 1).map(lambda number: FOREIGN[number]())


def anything() -> st.SearchStrategy[Any]:
    """Return a strategy for nested values with foreign objects among them."""
    simple = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(st.characters(codec=None))
        | st.binary()
        | st.datetimes(timezones=st.sampled_from([None, datetime.UTC, ForeignZone()]))
        | st.dates()
        | st.builds(uuid.uuid4)
        | st.decimals()
        | st.complex_numbers()
        | foreign_objects()
    )
    keys = st.text() | st.integers() | st.binary() | st.none()
    return st.recursive(
        simple,
        lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner) | st.sets(st.integers()),
        max_leaves=40,
    )


@settings(max_examples=examples(150), deadline=None)
@given(anything())
def test_any_value_becomes_marshallable(value: Any) -> None:
    """The tool's own decoder reads the result back."""
    with armed():
        all_recorded = (values.scalar(value), values.tree(value), values.keyed("name", value))
    for recorded in all_recorded:
        marshal_reader.loads(marshal.dumps((recorded,), 2))


@given(st.text(max_size=60), anything())
def test_any_value_under_a_secrets_name_is_masked(name: str, value: Any) -> None:
    """Except empty values, which contain no secret."""
    with armed():
        recorded = values.keyed(f"{name}_password", value)
        empty = not values.may_be_secret(value)
    assert recorded == (values.scalar(value) if empty else values.MASK)


EMPTY: list[Any] = [None, "", b"", 0, 0.0, False, True, [], {}, (), set(), frozenset()]


@pytest.mark.parametrize("value", EMPTY, ids=repr)
def test_an_empty_value_is_no_secret(value: Any) -> None:
    """Under any name: it only shows that no value was set."""
    assert values.keyed("user_data", value) == values.scalar(value)
    assert values.tree({"user_data": value}) == ("{}", "user_data", values.tree(value))
    assert sources_values.masked({"user_data": value}) == {"user_data": value}
    assert message_file.masked({"user_data": value}) == {"user_data": value}


def test_a_foreign_value_may_be_a_secret() -> None:
    """Its emptiness is not checked, as that could run its code."""
    for foreign in FOREIGN:
        value = foreign()
        with armed():
            assert values.may_be_secret(value)


@pytest.mark.parametrize(
    ("value", "recorded"),
    [
        (None, None), (True, True), (-3, -3), (2.5, 2.5), ("text", "text"), ("", ""),
        (b"four", "<4 bytes>"),
        (2**63 - 1, 2**63 - 1), (2**63, "<int of 64 bits>"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),  # noqa: DTZ001
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=ForeignZone()), "2026-01-02T03:04:05"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (decimal.Decimal("1.5"), "<Decimal>"),
        ({1}, "<set>"),
        (int, "<type>"),
    ],
)  # fmt: skip
def test_a_scalar_is_recorded_by_value_size_or_type(value: Any, recorded: Any) -> None:
    """Builtins by value, large values by size, all others by type."""
    with armed():
        assert values.scalar(value) == recorded


def test_foreign_and_huge_values_are_recorded_by_type_and_size() -> None:
    """Neither is printed: a foreign object may raise, a huge number would take for ever."""
    thing = Foreign()
    with armed():
        assert values.scalar(thing) == "<Foreign>"
        assert values.scalar(Foreign) == "<Trap>"
    assert values.scalar(10**6000) == "<int of 19932 bits>"


def test_trees_are_tuples_with_secrets_masked() -> None:
    """A dict is "{}", key, value …; a list "[]", item …."""
    body = {"server": {"name": "x", "adminPass": "hunter2", "networks": ["a", ("b", 2)], "user_data": None}}
    assert values.tree(body) == (
        "{}", "server",
        ("{}", "name", "x", "adminPass", "***", "networks", ("[]", "a", ("[]", "b", 2)), "user_data", None),
    )  # fmt: skip


def test_trees_are_bounded_in_depth_and_in_breadth() -> None:
    """A structure that contains itself, and one of 64 ** 6 leaves, are cheap."""
    deep: list[Any] = []
    deep.append(deep)
    assert values.tree(deep) == ("[]", ("[]", ("[]", ("[]", ("[]", ("[]", "[…]"))))))
    wide: Any = "leaf"
    for _ in range(6):
        wide = [wide] * 64
    assert len(marshal.dumps(values.tree(wide), 2)) < 100_000


def test_the_keys_of_a_dict_are_not_compared() -> None:
    """Keys that are no text are shown by their type."""
    assert values.tree({ForeignError: 1, ("a", "b"): 2}) == ("{}", "<type>", 1, "<tuple>", 2)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("bad"), "ValueError: bad"),
        (KeyError(), "KeyError"),
        (OSError(2, "No such file"), "FileNotFoundError: No such file"),
        (RuntimeError(object()), "RuntimeError"),
        (RuntimeError(1062, "Duplicate entry"), "RuntimeError: Duplicate entry"),
        (RuntimeError("password=hunter2"), "RuntimeError: password=***"),
        (ForeignError("text"), "ForeignError: text"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (RuntimeError(ForeignText()), "RuntimeError"),
    ],
)
def test_an_error_is_formatted_without_running_its_code(error: BaseException, text: str) -> None:
    """Its type and the first text among its arguments."""
    with armed():
        assert values.error_text(error) == text


@pytest.mark.parametrize(
    ("url", "recorded"),
    [
        ("http://host:8774/v2.1/servers?limit=1#x", "http://host:8774/v2.1/servers"),
        ("http://user:secret@host/x", "http://host/x"),
        ("mysql+pymysql://nova:p@ss@db/nova?charset=utf8", "mysql+pymysql://db/nova"),
        ("http://user:sec/ret@host/x", "http://host/x"),
        ("http://[::1]:80/x@y", "http://[::1]:80/x@y"),
        ("http://host/os-console-auth-tokens/abc-def", "http://host/os-console-auth-tokens/***"),
        ("http://host/v3/auth/tokens", "http://host/v3/auth/tokens"),
        ("/relative/path?q=1", "/relative/path"),
        ("", ""),
    ],
)
def test_a_url_is_recorded_without_its_secrets(url: str, recorded: str) -> None:
    """Scheme, host and path; neither user, password and query nor a token in the path."""
    assert values.url_without_secrets(url) == recorded


@given(st.text())
def test_any_text_is_accepted_as_a_url(text: str) -> None:
    assert isinstance(values.url_without_secrets(text), str)


def test_long_texts_are_cut_after_masking() -> None:
    """A cut inside a secret would let half of it through."""
    assert values.masked_text("x" * 513) == "x" * 512 + "… (513 characters)"
    secret = "hunter2" * 100
    masked = values.masked_text("x" * 500 + f" password={secret} " + "y" * 500)
    assert "hunter" not in masked


@pytest.mark.parametrize("offset", [*range(8150, 8200, 3), 480, 511, 512])
def test_no_half_secret_shows_where_a_text_is_cut(offset: int) -> None:
    """Neither at the end of the searched text nor at the end of the recorded text."""
    key = "-----BEGIN KEY-----\n" + "S3CR3T" * 2000 + "\n-----END KEY-----"
    for text in (
        "x" * offset + key,
        "x " * (offset // 2) + "https://nova:S3CR3TS3CR3T@host/",
        "gAAAA" + "S3CR3T" * offset,
    ):
        assert "S3CR3T" not in values.masked_text(text)


def test_the_cache_of_harmless_texts_is_bounded() -> None:
    """And contains no secret."""
    for number in range(10_000):
        values.masked_text(f"text {number}")
    values.masked_text("password=hunter2")
    assert len(values.harmless) <= 4096
    assert not any("hunter2" in text for text in values.harmless)
