"""Failures inside hooks: the host's results, exceptions and order of calls stay the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from patches import hooks, recorder
from tests.support.recording import Recorded, recording

ERROR = KeyError("the host's own")


class Async(BaseException):
    """An asynchronous exception, such as eventlet's Timeout or an interrupt."""


def host(value: object = None, fail: bool = False) -> object:
    """Return the value and the current step, as a function of the host."""
    if fail:
        raise ERROR
    return (value, recorder.current.get())


def good(*args: Any) -> int:
    """Succeed, as a hook's function."""
    return 7


def nothing(*args: Any) -> None:
    """Open no step, so that no end follows."""


def bad(*args: Any) -> Any:
    """Fail with an exception that cannot be printed."""

    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise ValueError("no")

        __repr__ = __str__

    raise UnprintableError(object())


@pytest.fixture(autouse=True)
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    """Yield a recording without any hook."""
    with recording(tmp_path / "cap") as recording_:
        yield recording_


@pytest.fixture
def ours() -> Iterator[hooks.Hook]:
    """Yield a hook, which is removed afterwards."""
    yield hooks.Hook("tested")
    del hooks.hooks["tested"]


@pytest.mark.parametrize("wrap", [hooks.around, hooks.within])
@pytest.mark.parametrize("begin", [good, bad, nothing])
@pytest.mark.parametrize("end", [good, bad])
@pytest.mark.parametrize("fail", [False, True])
def test_a_hook_changes_neither_result_nor_exception_nor_current_step(
    ours: hooks.Hook, wrap: Callable[..., Any], begin: Any, end: Any, fail: bool
) -> None:
    """Ten calls, so that a failing hook is switched off; an exception stays the same object.

    Calls that fail without the hook too do not switch it off.
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
    """So that the user sees them; the hook keeps the last error."""
    wrapped = hooks.around(ours, bad, good)(host)
    for _ in range(3):
        wrapped()
    assert recorder.recorder is not None
    assert recorder.recorder.failures == 3
    assert ours.last_error == "UnprintableError"


def test_a_recorder_that_cannot_count_failures_does_not_affect_the_host(
    ours: hooks.Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder.recorder, "failed", bad)
    wrapped = hooks.around(ours, bad, good)(host)
    assert wrapped(1) == (1, 0)
    assert ours.failures == 1


@pytest.mark.parametrize("wrap", [hooks.around, hooks.within])
def test_an_asynchronous_exception_inside_a_hook_reaches_the_host(ours: hooks.Hook, wrap: Callable[..., Any]) -> None:
    """A timeout that fires inside the hook's code is the host's, and no failure of the hook."""

    def interrupted(*args: object) -> int:
        raise Async

    with pytest.raises(Async):
        wrap(ours, interrupted, good)(host)()
    assert (ours.failures, recorder.current.get()) == (0, 0)


@pytest.mark.parametrize("error", [Async(), SystemExit(1), StopIteration(), GeneratorExit()])
def test_any_exception_of_the_host_closes_the_step(ours: hooks.Hook, error: BaseException) -> None:
    """Not only subclasses of Exception."""
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
    """It is restored with the current step."""

    def begin(*args: object) -> int:
        recorder.context.set({"request_id": "req-1"})
        return 7

    inside = hooks.within(ours, begin, good)(recorder.context.get)()
    assert (inside, recorder.context.get()) == ({"request_id": "req-1"}, None)


def test_a_wrapper_without_a_recorder_passes_calls_through(ours: hooks.Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(recorder, "recorder", None)
        assert hooks.within(ours, bad, bad)(host)(1) == (1, 0)
    assert ours.failures == 0


def test_a_wrapper_has_the_attributes_of_its_function(ours: hooks.Hook) -> None:
    """Its name, its signature by __wrapped__, its attributes."""
    wrapped = hooks.around(ours, good, good)(host)
    assert (wrapped.__name__, wrapped.__wrapped__, wrapped.__doc__) == ("host", host, host.__doc__)  # type: ignore[attr-defined]


def test_an_argument_is_read_by_position_or_by_name() -> None:
    assert hooks.argument((1, 2), {}, 1, "b") == 2
    assert hooks.argument((1,), {"b": 3}, 1, "b") == 3
    assert hooks.argument((1,), {}, 1, "b", "none") == "none"
