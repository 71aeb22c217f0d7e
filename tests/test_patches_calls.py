"""Function calls at call points: what is wrapped, what is recorded of a call, and what is left alone."""

from __future__ import annotations

import asyncio
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from patches import calls, record_format
from patches import recorder as patches_recorder
from tests.support.recording import Recorded, recording
from tracer.events import Event

SOURCE = """
    import asyncio
    import functools
    from json import dumps

    def decorated(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)
        return wrapper

    def plain(value=None, *, other=2):
        return value, other

    def failing():
        raise LookupError("own")

    def outer():
        return inner()

    def inner():
        return "inner"

    def generating():
        yield 1

    async def coroutine():
        return 1

    def deep(left):
        return deep(left - 1) if left else 0

    class Base:
        def inherited(self):
            return type(self).__name__

    class API(Base):
        @decorated
        def create(self, name):
            return self, name

        @staticmethod
        def static():
            return "static"

        @classmethod
        def klass(cls):
            return cls

        @property
        def told(self):
            return 1

    class Mocked:
        def __getattr__(self, name):
            raise AssertionError("a stranger was asked")

    stranger = Mocked()
"""


@pytest.fixture
def module() -> Iterator[Any]:
    """A service's module."""
    made = ModuleType("service")
    exec(compile(textwrap.dedent(SOURCE), "/service.py", "exec"), vars(made))
    sys.modules["service"] = made
    yield made
    del sys.modules["service"]


def recorded_calls(recorded: Recorded) -> list[Event]:
    """The calls, by the time they began."""
    return recorded.events("call")


def points(*names: str, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """Options with one call point."""
    return {"points": [["service", list(names), list(left_out)]]}


def test_a_call_has_its_place_time_and_result(tmp_path: Path, module: Any) -> None:
    """Nothing of the call changes; where its function stands below its decorators is told."""
    with recording(tmp_path / "cap", **points("API.create", "plain")) as recorded:
        api = module.API()
        assert api.create("x") == (api, "x")
        assert module.plain(1, other=3) == (1, 3)
        create, plain = recorded_calls(recorded)
    assert create.name == "service:API.create"
    assert create.attributes == {
        "module": "service", "class": "API", "function": "create", "file": "/service.py",
        "line": SOURCE.splitlines().index("        @decorated") + 1,
    }  # fmt: skip
    assert (plain.name, plain.attributes["class"], plain.thread) == ("service:plain", "", threading.get_ident())
    assert plain.end is not None
    assert create.start <= plain.start <= plain.end


def test_calls_nest(tmp_path: Path, module: Any) -> None:
    """What a call does is below it, and afterwards everything is where it was."""
    with recording(tmp_path / "cap", **points("*")) as recorded:
        module.outer()
        assert patches_recorder.current.get() == 0
        outer, inner = recorded_calls(recorded)
    assert (outer.name, outer.parent) == ("service:outer", 0)
    assert (inner.name, inner.parent) == ("service:inner", outer.number)


def test_an_exception_is_the_hosts_and_is_noted(tmp_path: Path, module: Any) -> None:
    """The very same object; the step is closed, and put back."""
    error = LookupError("own")

    def failing() -> None:
        raise error

    failing.__module__ = "service"
    module.failing = failing
    with recording(tmp_path / "cap", **points("failing")) as recorded:
        with pytest.raises(LookupError) as raised:
            module.failing()
        (call,) = recorded_calls(recorded)
    assert raised.value is error
    assert error.__context__ is None
    assert call.error == "LookupError: own"
    assert patches_recorder.current.get() == 0


def test_static_and_class_methods_and_what_is_inherited(tmp_path: Path, module: Any) -> None:
    """Under the class that defines it."""
    with recording(tmp_path / "cap", **points("API.*", "Base.*")) as recorded:
        assert module.API.static() == "static"
        assert module.API().static() == "static"
        assert module.API.klass() is module.API
        assert module.API().inherited() == "API"
        names = [call.name for call in recorded_calls(recorded)]
    assert names == [
        "service:API.static", "service:API.static", "service:API.klass", "service:Base.inherited",
    ]  # fmt: skip


def test_globs_say_which_and_which_not(tmp_path: Path, module: Any) -> None:
    """What is left out stays the very object; what a module only imported is not its own."""
    before = dict(vars(module))
    with recording(tmp_path / "cap", **points("*", left_out=("in*", "API.*"))):
        changed = {name for name, value in before.items() if vars(module)[name] is not value}
    assert changed == {"plain", "failing", "outer", "deep", "decorated"}


def test_what_runs_later_than_its_call_is_left_alone(tmp_path: Path, module: Any) -> None:
    """Generators and coroutines are still recognised as such."""
    with recording(tmp_path / "cap", **points("*")) as recorded:
        assert list(module.generating()) == [1]
        assert asyncio.iscoroutinefunction(module.coroutine)
        assert recorded_calls(recorded) == []


def test_two_points_that_name_one_function_record_it_once(tmp_path: Path, module: Any) -> None:
    """Globs of the user's beside our own."""
    twice = {"points": [["service", ["plain"], []], ["serv*", ["p*"], []]]}
    with recording(tmp_path / "cap", **twice) as recorded:
        module.plain()
        assert len(recorded_calls(recorded)) == 1


def test_deep_recursion_outruns_the_table_of_open_calls(tmp_path: Path, module: Any) -> None:
    """What finds no slot is recorded all the same, and every slot is free again in the end."""
    sys.setrecursionlimit(10_000)
    try:
        with recording(tmp_path / "cap", **points("deep")) as recorded:
            assert module.deep(record_format.SLOTS + 100) == 0
            assert len(recorded_calls(recorded)) == record_format.SLOTS + 101
            (path,) = (recorded.capture / "segments").glob("*.open")
            table = path.read_bytes()
    finally:
        sys.setrecursionlimit(1_000)
    slots = range(record_format.OPEN_HEAD.size, record_format.SCRATCH, record_format.SLOT.size)
    assert not any(record_format.SLOT.unpack_from(table, slot)[0] for slot in slots)


def test_threads_each_have_their_own_step(tmp_path: Path, module: Any) -> None:
    """None is below another's."""
    with recording(tmp_path / "cap", **points("outer", "inner")) as recorded:
        threads = [threading.Thread(target=lambda: [module.outer() for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = {call.number: call for call in recorded_calls(recorded)}
    inner = [call for call in found.values() if call.name == "service:inner"]
    assert len(inner) == 200
    assert all(found[call.parent].thread == call.thread for call in inner)


@pytest.mark.parametrize("broken", ["table", "append", "take_slot"])
def test_a_failing_recorder_changes_nothing(
    tmp_path: Path, module: Any, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results, exceptions and the current step; it gives up after a few."""

    def fail(*args: object) -> None:
        raise RuntimeError("injected")

    with recording(tmp_path / "cap", **points("outer", "inner", "failing")):
        recorder = patches_recorder.recorder
        assert recorder is not None
        before = getattr(recorder, broken)
        setattr(recorder, broken, None if broken == "table" else fail)
        for _ in range(6):
            assert module.outer() == "inner"
            with pytest.raises(LookupError, match="own"):
                module.failing()
            assert patches_recorder.current.get() == 0
        assert not calls.calls.enabled
        setattr(recorder, broken, before)
        calls.calls.failures, calls.calls.enabled = 0, True


def test_a_call_in_flight_when_hooks_go_still_ends(tmp_path: Path, module: Any) -> None:
    """In the capture where it began, even if another one has begun since."""
    reached, opened = threading.Event(), threading.Event()

    def wait() -> str:
        reached.set()
        assert opened.wait(10)
        return "done"

    wait.__module__ = "service"
    module.wait = wait
    answers: list[str] = []
    with recording(tmp_path / "one", **points("wait")):
        thread = threading.Thread(target=lambda: answers.append(module.wait()))
        thread.start()
        assert reached.wait(10)
        (call,) = recorded_calls(Recorded(tmp_path / "one"))
        assert call.end is None
    with recording(tmp_path / "two") as second:
        opened.set()
        thread.join()
        assert second.events() == []
    (call,) = recorded_calls(Recorded(tmp_path / "one"))
    assert (call.end is not None, answers) == (True, ["done"])


def test_a_function_under_a_new_recording_is_told_anew(tmp_path: Path, module: Any) -> None:
    """Names are numbered for each capture, even for a wrapper that stayed because somebody had wrapped it."""
    plain = module.plain
    with recording(tmp_path / "one", **points("plain")) as recorded:
        module.plain()
        ours = module.plain
        assert len(recorded_calls(recorded)) == 1
    with recording(tmp_path / "two"):
        module.plain = ours
        module.plain()
        names = [call.name for call in recorded_calls(Recorded(tmp_path / "two"))]
    module.plain = plain
    assert names == ["service:plain"]
