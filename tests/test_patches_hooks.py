"""A hook's failures are its own: the host's result, exception and order stay what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from patches import hooks, recorder
from tests.support.recording import Recorded, recording

ERROR = KeyError("the host's own")


class Async(BaseException):
    """What is raised into a running program: eventlet's Timeout, an interrupt."""


def host(value: object = None, fail: bool = False) -> object:
    """The host's function: tells which step is the current one."""
    if fail:
        raise ERROR
    return (value, recorder.current.get())


def good(*args: Any) -> int:
    """A hook's function that succeeds."""
    return 7


def nothing(*args: Any) -> None:
    """One that wants no end."""


def bad(*args: Any) -> Any:
    """One that fails, with an exception that cannot even be printed."""

    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise ValueError("no")

        __repr__ = __str__

    raise UnprintableError(object())


@pytest.fixture(autouse=True)
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    """A recording without any hook."""
    with recording(tmp_path / "cap") as found:
        yield found


@pytest.fixture
def ours() -> Iterator[hooks.Hook]:
    """A hook of our own."""
    yield hooks.Hook("tested")
    del hooks.hooks["tested"]


@pytest.mark.parametrize("wrap", [hooks.around, hooks.within])
@pytest.mark.parametrize("begin", [good, bad, nothing])
@pytest.mark.parametrize("end", [good, bad])
@pytest.mark.parametrize("fail", [False, True])
def test_the_host_notices_nothing(ours: hooks.Hook, wrap: Callable[..., Any], begin: Any, end: Any, fail: bool) -> None:
    """Result, exception (the very object), and the current step afterwards; ten calls, over switching off.

    Calls that fail as they would without us switch nothing off.
    """
    wrapped = wrap(ours, begin, end)(host)
    before = recorder.current.get()
    for _ in range(10):
        if fail:
            with pytest.raises(KeyError) as raised:
                wrapped(fail=True)
            assert raised.value is ERROR
            assert ERROR.__context__ is None
        else:
            inside = 7 if wrap is hooks.within and begin is good and ours.enabled else before
            assert wrapped("value") == ("value", inside)
        assert recorder.current.get() == before
    failing = begin is bad or (end is bad and begin is good)
    assert ours.failures == (0 if not failing else 10 if fail else hooks.MAX_FAILURES)
    assert ours.enabled is (fail or not failing)


def test_failures_are_counted_in_the_capture(ours: hooks.Hook, recorded: Recorded) -> None:
    """The user is told; and which error it was is known."""
    wrapped = hooks.around(ours, bad, good)(host)
    for _ in range(3):
        wrapped()
    assert recorder.recorder is not None
    assert recorder.recorder.failures == 3
    assert ours.last_error == "UnprintableError"


def test_a_recorder_that_cannot_count_harms_nobody(ours: hooks.Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even the failure to tell of a failure stays ours."""
    monkeypatch.setattr(recorder.recorder, "failed", bad)
    wrapped = hooks.around(ours, bad, good)(host)
    assert wrapped(1) == (1, 0)
    assert ours.failures == 1


@pytest.mark.parametrize("wrap", [hooks.around, hooks.within])
def test_what_is_raised_into_the_host_reaches_it(ours: hooks.Hook, wrap: Callable[..., Any]) -> None:
    """A timeout that fires within our own code is the host's, and is no failure of ours."""

    def interrupted(*args: object) -> int:
        raise Async

    with pytest.raises(Async):
        wrap(ours, interrupted, good)(host)()
    assert (ours.failures, recorder.current.get()) == (0, 0)


@pytest.mark.parametrize("error", [Async(), SystemExit(1), StopIteration(), GeneratorExit()])
def test_any_exception_of_the_host_closes_the_step(ours: hooks.Hook, error: BaseException) -> None:
    """Not only those that are errors."""
    ended: list[BaseException | None] = []

    def raising() -> None:
        raise error

    wrapped = hooks.within(ours, good, lambda step, result, error: ended.append(error))(raising)
    with pytest.raises(type(error)) as raised:
        wrapped()
    assert raised.value is error
    assert ended == [error]
    assert recorder.current.get() == 0


def test_the_context_that_begin_sets_lasts_as_long_as_the_step(ours: hooks.Hook) -> None:
    """It is put back with the current step."""

    def begin(*args: object) -> int:
        recorder.context.set({"request_id": "req-1"})
        return 7

    seen = hooks.within(ours, begin, good)(recorder.context.get)()
    assert (seen, recorder.context.get()) == ({"request_id": "req-1"}, None)


def test_nothing_is_asked_while_nothing_records(ours: hooks.Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrapper that stayed passes calls through."""
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(recorder, "recorder", None)
        assert hooks.within(ours, bad, bad)(host)(1) == (1, 0)
    assert ours.failures == 0


def test_a_wrapper_looks_like_what_it_wraps(ours: hooks.Hook) -> None:
    """Its name, its signature by __wrapped__, its attributes."""
    wrapped = hooks.around(ours, good, good)(host)
    assert (wrapped.__name__, wrapped.__wrapped__, wrapped.__doc__) == ("host", host, host.__doc__)  # type: ignore[attr-defined]


def test_an_argument_is_found_by_position_or_by_name() -> None:
    """As the caller happened to give it."""
    assert hooks.argument((1, 2), {}, 1, "b") == 2
    assert hooks.argument((1,), {"b": 3}, 1, "b") == 3
    assert hooks.argument((1,), {}, 1, "b", "none") == "none"
