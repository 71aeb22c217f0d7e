"""Ask points in a process: lines with the values, at the right step, disturbing nothing, gone without a trace."""

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


def test_the_arguments_of_the_innermost_function(tmp_path: Path, module: Any) -> None:
    """Whatever decorators stand around it, however they were given; the module's names stand behind them."""
    with recording(tmp_path) as recorded:
        added("service:API.create", "name, size, rest, more, LIMIT")
        added("service:API.static", "a, b", key="2")
        added("service:API.klass", "a, cls", key="3")
        assert module.API().create("x", 1, 2, size=3, other=4) == 6
        assert (module.API.static(1), module.API.klass(a=2)) == (1, module.API)
        found = ask_messages(recorded)
    assert found == [
        "service:API.create name='x' size=3 rest=(1, 2) more={'other': 4} LIMIT=7",
        "service:API.static a=1 b=2",
        "service:API.klass a=2 cls=<class 'service.API'>",
    ]
    lines = (tmp_path / "ask.log").read_text().splitlines()
    assert " DEBUG ask [-] service:API.create name='x' size=3" in lines[0]
    assert lines[0].endswith(f" create /service.py:{line_of('@named')}")


def test_what_comes_back_or_is_raised(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path) as recorded:
        added("service:API.create", "result, name", when="return")
        added("service:failing", "n, result", when="return", key="2")
        module.API().create("x", 5)
        with pytest.raises(LookupError, match="own"):
            module.failing(3)
        assert ask_messages(recorded) == [
            "service:API.create returned result=6 name='x'", "service:failing raised LookupError: own n=3",
        ]  # fmt: skip


def test_a_line_stands_in_the_call_it_was_asked_in(tmp_path: Path, module: Any) -> None:
    """Inside the call point's step, whichever of the two came first."""
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


def test_removed_is_the_very_object_again(tmp_path: Path, module: Any) -> None:
    """Also what another module has taken meanwhile, and what the class had only inherited."""
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


def test_what_others_have_wrapped_stays_and_keeps_quiet(tmp_path: Path, module: Any) -> None:
    """Until it is asked again."""
    with recording(tmp_path) as recorded:
        added("service:failing", "n")
        ours = module.failing
        module.failing = functools.partial(ours)
        ask_points.remove("1")
        with pytest.raises(LookupError):
            module.failing(1)
        assert ask_messages(recorded) == []
        module.failing = ours


def test_a_module_that_comes_later(tmp_path: Path) -> None:
    (tmp_path / "late_service.py").write_text("def f(n): return n\n")
    sys.path.insert(0, str(tmp_path))
    try:
        with recording(tmp_path / "cap", points=[["late_*", ["*"], []]]) as recorded:
            made = ask_points.add(point("late_service:f", "n"))
            assert made.state == "module not loaded yet"
            import late_service  # type: ignore[import-not-found]

            assert made.state == "added"
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
def test_what_is_not_there(tmp_path: Path, module: Any, where: str, when: Any, state: str, near: str) -> None:
    with recording(tmp_path):
        made = ask_points.add(point(where, when=when))
        assert made.state == state
        assert not near or near in made.near
        assert ask_points.listed() == []


def test_our_own_failure_stays_ours(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path), failing():
        added("service:API.create", "name")
        for _ in range(9):
            assert module.API().create("x") == 1
        assert ask_eval.asks.failures == 5
