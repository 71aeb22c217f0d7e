"""What is kept of a stranger's values: never an exception, never a call of theirs, always what marshal takes."""

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
    """Strangers raise whatever they are asked; before and after that they let hypothesis print them."""
    _armed.append(True)
    try:
        yield
    finally:
        _armed.clear()


class Trap(type):
    """A metaclass that minds what is asked of its classes."""

    def __getattribute__(cls, name: str) -> Any:
        if _armed and name in ("__name__", "__qualname__", "__module__"):
            raise AssertionError(f"a stranger's class was asked for {name}")
        return super().__getattribute__(name)

    def __hash__(cls) -> int:
        if _armed:
            raise AssertionError("a stranger's class was hashed")
        return id(cls)

    def __eq__(cls, other: object) -> bool:
        if _armed:
            raise AssertionError("a stranger's class was compared")
        return cls is other


def trap(name: str) -> Any:
    """A method that minds being called."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _armed:
            raise AssertionError(f"a stranger was asked for {name}")
        return getattr(object, name, lambda *_: None)(self, *args, **kwargs)

    return method


_ASKED = """
    __repr__ __str__ __bool__ __len__ __iter__ __hash__ __eq__ __getattribute__ __getitem__ __contains__ __int__
    __float__ __index__ __format__ __bytes__ __call__ keys items
    """.split()  # noqa: SIM905 - a list of words
TRAPS = {name: trap(name) for name in _ASKED}
Stranger, StrangeText, StrangeNumber, StrangeDict, StrangeList = STRANGERS = [
    Trap(name, bases, dict(TRAPS))
    for name, bases in (
        ("Stranger", ()), ("StrangeText", (str,)), ("StrangeNumber", (int,)), ("StrangeDict", (dict,)),
        ("StrangeList", (list,)),
    )
]  # fmt: skip


class StrangeError(Exception):
    """Its arguments and its text are traps."""

    @property
    def args(self) -> Any:  # type: ignore[override]
        raise AssertionError("a stranger's property was run")

    __str__ = trap("__str__")
    __repr__ = trap("__repr__")


class StrangeZone(datetime.tzinfo):
    """A time zone that must not be asked."""

    def utcoffset(self, _: datetime.datetime | None) -> datetime.timedelta | None:
        if _armed:
            raise AssertionError("a stranger's time zone was asked")
        return None

    tzname = dst = utcoffset  # type: ignore[assignment]


def strangers() -> st.SearchStrategy[Any]:
    """Objects that raise in whatever they are asked."""
    return st.integers(0, len(STRANGERS) - 1).map(lambda number: STRANGERS[number]())


def anything() -> st.SearchStrategy[Any]:
    """Whatever may be an argument, nested, strangers in between."""
    simple = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(st.characters(codec=None))
        | st.binary()
        | st.datetimes(timezones=st.sampled_from([None, datetime.UTC, StrangeZone()]))
        | st.dates()
        | st.builds(uuid.uuid4)
        | st.decimals()
        | st.complex_numbers()
        | strangers()
    )
    keys = st.text() | st.integers() | st.binary() | st.none()
    return st.recursive(
        simple,
        lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner) | st.sets(st.integers()),
        max_leaves=40,
    )


@settings(max_examples=examples(150), deadline=None)
@given(anything())
def test_anything_becomes_what_marshal_takes(value: Any) -> None:
    """Scalars and trees raise nothing, ask nobody, and come back out of the tool's own decoder."""
    with armed():
        all_kept = (values.scalar(value), values.tree(value), values.keyed("name", value))
    for kept in all_kept:
        marshal_reader.loads(marshal.dumps((kept,), 2))


@given(st.text(max_size=60), anything())
def test_whatever_stands_under_a_secret_name_is_masked(name: str, value: Any) -> None:
    """The name decides, not the value."""
    with armed():
        recorded = values.keyed(f"{name}_password", value)
        empty = not values.may_be_secret(value)
    assert recorded == (values.scalar(value) if empty else values.MASK)


EMPTY: list[Any] = [None, "", b"", 0, 0.0, False, True, [], {}, (), set(), frozenset()]


@pytest.mark.parametrize("value", EMPTY, ids=repr)
def test_an_empty_value_is_no_secret(value: Any) -> None:
    """Whatever its name: nobody learns anything from it but that nothing was set."""
    assert values.keyed("user_data", value) == values.scalar(value)
    assert values.tree({"user_data": value}) == ("{}", "user_data", values.tree(value))
    assert sources_values.masked({"user_data": value}) == {"user_data": value}
    assert message_file.masked({"user_data": value}) == {"user_data": value}


def test_a_foreign_value_may_be_a_secret() -> None:
    """It may be empty: nobody asks it."""
    for stranger in STRANGERS:
        value = stranger()
        with armed():
            assert values.may_be_secret(value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None), (True, True), (-3, -3), (2.5, 2.5), ("text", "text"), ("", ""),
        (b"four", "<4 bytes>"),
        (2**63 - 1, 2**63 - 1), (2**63, "<int of 64 bits>"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),  # noqa: DTZ001
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=StrangeZone()), "2026-01-02T03:04:05"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (decimal.Decimal("1.5"), "<Decimal>"),
        ({1}, "<set>"),
        (int, "<type>"),
    ],
)  # fmt: skip
def test_a_scalar_is_kept_as(value: Any, kept: Any) -> None:
    """Builtins as they are, what is large by its size, anything else by its type."""
    with armed():
        assert values.scalar(value) == kept


def test_strangers_and_giants_are_kept_by_name_and_size() -> None:
    """Neither is asked to print itself: a stranger may refuse, a giant would take for ever."""
    stranger = Stranger()
    with armed():
        assert values.scalar(stranger) == "<Stranger>"
        assert values.scalar(Stranger) == "<Trap>"
    assert values.scalar(10**6000) == "<int of 19932 bits>"


def test_trees_are_tuples_with_secrets_masked() -> None:
    """A dict is "{}", key, value …; a list "[]", item …."""
    body = {"server": {"name": "x", "adminPass": "hunter2", "networks": ["a", ("b", 2)], "user_data": None}}
    assert values.tree(body) == (
        "{}", "server",
        ("{}", "name", "x", "adminPass", "***", "networks", ("[]", "a", ("[]", "b", 2)), "user_data", None),
    )  # fmt: skip


def test_trees_are_bounded_in_depth_and_in_breadth() -> None:
    """A structure that contains itself, and one of 64 to the power of 6 leaves, cost next to nothing."""
    deep: list[Any] = []
    deep.append(deep)
    assert values.tree(deep) == ("[]", ("[]", ("[]", ("[]", ("[]", ("[]", "[…]"))))))
    wide: Any = "leaf"
    for _ in range(6):
        wide = [wide] * 64
    assert len(marshal.dumps(values.tree(wide), 2)) < 100_000


def test_a_dict_that_holds_strangers_is_not_compared() -> None:
    """Keys that are no texts stand by their type."""
    assert values.tree({StrangeError: 1, ("a", "b"): 2}) == ("{}", "<type>", 1, "<tuple>", 2)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("bad"), "ValueError: bad"),
        (KeyError(), "KeyError"),
        (OSError(2, "No such file"), "FileNotFoundError: No such file"),
        (RuntimeError(object()), "RuntimeError"),
        (RuntimeError(1062, "Duplicate entry"), "RuntimeError: Duplicate entry"),
        (RuntimeError("password=hunter2"), "RuntimeError: password=***"),
        (StrangeError("told"), "StrangeError: told"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (RuntimeError(StrangeText()), "RuntimeError"),
    ],
)
def test_an_error_is_told_without_asking_it(error: BaseException, text: str) -> None:
    """Its type and the first text among its arguments."""
    with armed():
        assert values.error_text(error) == text


@pytest.mark.parametrize(
    ("url", "kept"),
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
def test_a_url_is_kept_without_its_secrets(url: str, kept: str) -> None:
    """Scheme, host, path; no user, password, query, nor a token in the path."""
    assert values.url_without_secrets(url) == kept


@given(st.text())
def test_any_text_passes_for_a_url(text: str) -> None:
    """Nothing raises."""
    assert isinstance(values.url_without_secrets(text), str)


def test_long_texts_are_cut_after_masking() -> None:
    """A cut that ended inside a secret would let half of it through."""
    assert values.masked_text("x" * 513) == "x" * 512 + "… (513 characters)"
    secret = "hunter2" * 100
    kept = values.masked_text("x" * 500 + f" password={secret} " + "y" * 500)
    assert "hunter" not in kept


@pytest.mark.parametrize("at", [*range(8150, 8200, 3), 480, 511, 512])
def test_no_half_secret_shows_where_a_text_is_cut(at: int) -> None:
    """Neither where looking ends nor where keeping ends."""
    key = "-----BEGIN KEY-----\n" + "S3CR3T" * 2000 + "\n-----END KEY-----"
    for text in ("x" * at + key, "x " * (at // 2) + "https://nova:S3CR3TS3CR3T@host/", "gAAAA" + "S3CR3T" * at):
        assert "S3CR3T" not in values.masked_text(text)


def test_remembering_harmless_texts_is_bounded() -> None:
    """And no secret is among what is remembered."""
    for number in range(10_000):
        values.masked_text(f"text {number}")
    values.masked_text("password=hunter2")
    assert len(values.harmless) <= 4096
    assert not any("hunter2" in text for text in values.harmless)
