"""Function calls at call points: the functions that are wrapped, and the fields of a recorded call."""

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
            raise AssertionError("a foreign object was inspected")

    foreign = Mocked()
"""


@pytest.fixture
def module() -> Iterator[Any]:
    """Yield a service's module."""
    service = ModuleType("service")
    exec(compile(textwrap.dedent(SOURCE), "/service.py", "exec"), vars(service))
    sys.modules["service"] = service
    yield service
    del sys.modules["service"]


def recorded_calls(recorded: Recorded) -> list[Event]:
    """Return the calls in order of their start."""
    return recorded.events("call")


def points(*names: str, excluded: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return options with one call point."""
    return {"points": [["service", list(names), list(excluded)]]}


def test_a_call_is_recorded_with_its_position_and_times(tmp_path: Path, module: Any) -> None:
    """The call itself is unchanged; the position is that of the function below its decorators."""
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


def test_all_alternatives_of_a_name_are_recorded(tmp_path: Path, module: Any) -> None:
    """The releases that have them do not matter: what exists is recorded."""
    with recording(tmp_path / "cap", **points("gone or inner or plain since 32", "outer until 1")) as recorded:
        module.outer()
        module.plain()
        assert [call.name for call in recorded_calls(recorded)] == ["service:outer", "service:inner", "service:plain"]


def test_calls_nest(tmp_path: Path, module: Any) -> None:
    """Inner calls are below the outer one; afterwards the current step is as before."""
    with recording(tmp_path / "cap", **points("*")) as recorded:
        module.outer()
        assert patches_recorder.current.get() == 0
        outer, inner = recorded_calls(recorded)
    assert (outer.name, outer.parent) == ("service:outer", 0)
    assert (inner.name, inner.parent) == ("service:inner", outer.number)


def test_an_exception_is_recorded_and_passed_on_unchanged(tmp_path: Path, module: Any) -> None:
    """The same object; the step is closed and the current one restored."""
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


def test_static_class_and_inherited_methods_are_recorded_under_their_class(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path / "cap", **points("API.*", "Base.*")) as recorded:
        assert module.API.static() == "static"
        assert module.API().static() == "static"
        assert module.API.klass() is module.API
        assert module.API().inherited() == "API"
        names = [call.name for call in recorded_calls(recorded)]
    assert names == [
        "service:API.static", "service:API.static", "service:API.klass", "service:Base.inherited",
    ]  # fmt: skip


def test_globs_include_and_exclude_functions(tmp_path: Path, module: Any) -> None:
    """Excluded functions stay the same object; functions that a module only imports are not wrapped."""
    before = dict(vars(module))
    with recording(tmp_path / "cap", **points("*", excluded=("in*", "API.*"))):
        changed = {name for name, value in before.items() if vars(module)[name] is not value}
    assert changed == {"plain", "failing", "outer", "deep", "decorated"}


def test_generators_and_coroutines_are_not_wrapped(tmp_path: Path, module: Any) -> None:
    """They are still recognised as such."""
    with recording(tmp_path / "cap", **points("*")) as recorded:
        assert list(module.generating()) == [1]
        assert asyncio.iscoroutinefunction(module.coroutine)
        assert recorded_calls(recorded) == []


def test_two_points_that_name_one_function_record_it_once(tmp_path: Path, module: Any) -> None:
    """The user's globs may overlap with the built-in ones."""
    twice = {"points": [["service", ["plain"], []], ["serv*", ["p*"], []]]}
    with recording(tmp_path / "cap", **twice) as recorded:
        module.plain()
        assert len(recorded_calls(recorded)) == 1


def test_recursion_deeper_than_the_table_of_open_calls_is_recorded(tmp_path: Path, module: Any) -> None:
    """Calls without a slot are recorded all the same; all slots are free in the end."""
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


def test_every_thread_has_its_own_current_step(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path / "cap", **points("outer", "inner")) as recorded:
        threads = [threading.Thread(target=lambda: [module.outer() for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        by_number = {call.number: call for call in recorded_calls(recorded)}
    inner = [call for call in by_number.values() if call.name == "service:inner"]
    assert len(inner) == 200
    assert all(by_number[call.parent].thread == call.thread for call in inner)


@pytest.mark.parametrize("broken", ["table", "append", "take_slot"])
def test_a_failing_recorder_does_not_affect_the_host(
    tmp_path: Path, module: Any, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results, exceptions and the current step are unchanged; the hook gives up after a few failures."""

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


def test_a_call_in_flight_at_uninstall_is_still_closed(tmp_path: Path, module: Any) -> None:
    """In the capture where it began, even if another recording has begun since."""
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


def test_a_function_is_named_again_in_a_new_recording(tmp_path: Path, module: Any) -> None:
    """Name numbers are per capture, even for a wrapper that stayed because other code had wrapped it."""
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
