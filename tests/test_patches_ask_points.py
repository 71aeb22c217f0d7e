"""Ask points in a process: lines with values, below the right step, without side effects, removable."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from patches import ask_eval, ask_points, patching
from tests.support.ask_service import added, ask_messages, line_of, module, point
from tests.support.recording import failing, recording

__all__ = ["module"]


def test_a_line_has_the_arguments_of_the_innermost_function(tmp_path: Path, module: Any) -> None:
    """Below all decorators, passed by position or by name; names of the module can be used too."""
    with recording(tmp_path) as recorded:
        added("service:API.create", "name, size, rest, more, LIMIT")
        added("service:API.static", "a, b", key="2")
        added("service:API.klass", "a, cls", key="3")
        assert module.API().create("x", 1, 2, size=3, other=4) == 6
        assert (module.API.static(1), module.API.klass(a=2)) == (1, module.API)
        ask_lines = ask_messages(recorded)
    assert ask_lines == [
        "service:API.create name='x' size=3 rest=(1, 2) more={'other': 4} LIMIT=7",
        "service:API.static a=1 b=2",
        "service:API.klass a=2 cls=<class 'service.API'>",
    ]
    lines = (tmp_path / "ask.log").read_text().splitlines()
    assert " DEBUG ask [-] service:API.create name='x' size=3" in lines[0]
    assert lines[0].endswith(f" create /service.py:{line_of('@named')}")


def test_a_line_has_the_result_or_the_exception(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path) as recorded:
        added("service:API.create", "result, name", when="return")
        added("service:failing", "n, result", when="return", key="2")
        module.API().create("x", 5)
        with pytest.raises(LookupError, match="own"):
            module.failing(3)
        assert ask_messages(recorded) == [
            "service:API.create returned result=6 name='x'", "service:failing raised LookupError: own n=3",
        ]  # fmt: skip


def test_a_line_is_below_the_call_of_its_function(tmp_path: Path, module: Any) -> None:
    """Regardless of whether the call point or the ask point was added first."""
    with recording(tmp_path, points=[["service", ["API.*", "recursive"], []]]) as recorded:
        added("service:API.create", "name")
        added("service:recursive", "n", key="2")
        module.API().create("x")
        module.recursive(1)
        calls = {event.number: event.name for event in recorded.events("call")}
        assert [calls[event.parent or 0] for event in recorded.events("ask")] == [
            "service:API.create", "service:recursive", "service:recursive",
        ]  # fmt: skip
        ask_points.remove("1")
        module.API().create("y")
        assert len(ask_messages(recorded)) == 3


def test_removing_a_point_restores_the_original_object(tmp_path: Path, module: Any) -> None:
    """Also in a module that imported it meanwhile, and in a class that only inherited it."""
    before = [vars(module.API)["create"], module.failing, vars(module.API)["static"]]
    with recording(tmp_path):
        for number, where in enumerate(["API.create", "API.create", "failing", "API.static", "Sub.create"]):
            added(f"service:{where}", key=str(number))
        taken = ModuleType("taken")
        taken.__dict__["failing"] = module.failing
        sys.modules["taken"] = taken
        assert module.failing is not before[1]
        for key in "01234":
            assert ask_points.remove(key)
        del sys.modules["taken"]
        assert [vars(module.API)["create"], module.failing, vars(module.API)["static"]] == before
        assert "create" not in vars(module.Sub)
        assert taken.__dict__["failing"] is before[1]
        assert patching.replaced == []
        assert not ask_points.remove("0")


def test_a_wrapper_that_another_tool_has_wrapped_stays_but_logs_nothing(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path) as recorded:
        added("service:failing", "n")
        ours = module.failing
        module.failing = functools.partial(ours)
        ask_points.remove("1")
        with pytest.raises(LookupError):
            module.failing(1)
        assert ask_messages(recorded) == []
        module.failing = ours


def test_a_point_in_a_module_that_is_imported_later_is_added_then(tmp_path: Path) -> None:
    (tmp_path / "late_service.py").write_text("def f(n): return n\n")
    sys.path.insert(0, str(tmp_path))
    try:
        with recording(tmp_path / "cap", points=[["late_*", ["*"], []]]) as recorded:
            ask_point = ask_points.add(point("late_service:f", "n"))
            assert ask_point.state == "module not loaded yet"
            import late_service  # type: ignore[import-not-found]

            assert ask_point.state == "added"
            late_service.f(5)
            (call,), (line,) = recorded.events("call"), recorded.events("ask")
        assert (line.attributes["message"], line.parent) == ("late_service:f n=5", call.number)
    finally:
        sys.modules.pop("late_service", None)


@pytest.mark.parametrize(
    ("where", "when", "state", "near"),
    [
        ("service:API.creat", "entry", "no such function", "API.create"),
        ("service:Ape.create", "entry", "no such function", "API.create"),
        ("servic:f", "entry", "no such module", "service"),
        ("json.decode:f", "entry", "no such module", "json.decoder"),
        ("service.more:f", "entry", "no such module", ""),
        ("service:API.create", 2, "no such line", "22"),
        ("service:API.summary", "entry", "it is a property, not a function", ""),
        ("service:API", "entry", "it is a class, not a function", ""),
        ("service:LIMIT", "entry", "it is not a function written in Python", ""),
    ],
)
def test_a_point_at_a_missing_name_is_refused_with_a_suggestion(
    tmp_path: Path, module: Any, where: str, when: Any, state: str, near: str
) -> None:
    with recording(tmp_path):
        ask_point = ask_points.add(point(where, when=when))
        assert ask_point.state == state
        assert not near or near in ask_point.near
        assert ask_points.listed() == []


def test_the_hooks_own_failures_do_not_reach_the_host(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path), failing():
        added("service:API.create", "name")
        for _ in range(9):
            assert module.API().create("x") == 1
        assert ask_eval.asks.failures == 5
