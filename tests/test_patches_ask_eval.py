"""Values of ask points: formatted, capped, masked; failures reported once; nothing loaded, consumed or changed."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any, ClassVar

import pytest

from patches import ask_points
from tests.support.ask_service import added, ask_messages, module
from tests.support.recording import recording

__all__ = ["module"]


def test_a_failing_expression_reports_its_error_once_and_the_point_is_switched_off(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path) as recorded:
        ask_point = added("service:API.create", "nope, name")
        for _ in range(7):
            assert module.API().create("x") == 1
        assert ask_messages(recorded) == [
            "service:API.create nope=<NameError: name 'nope' is not defined> name='x'",
            *["service:API.create nope=? name='x'"] * 3,
            "service:API.create nope=? name='x' (failed 5 times, switched off: NameError: name 'nope' is not defined)",
        ]
        assert (ask_point.state, ask_points.listed()[0]["failures"]) == ("switched off", 5)


class Nasty:
    """A value whose ``repr`` fails."""

    password = "geheim1"

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Row:
    """A lazily loading object, as of SQLAlchemy or Nova: reading a missing field queries the database."""

    fields: ClassVar = {"flavor": 1}

    def __init__(self) -> None:
        self._obj_name = "loaded"

    def obj_load_attr(self, _name: str) -> None:
        """Query the database."""
        raise AssertionError("the database was queried")

    @property
    def flavor(self) -> None:
        """Load the field."""
        self.obj_load_attr("flavor")


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("value_", Nasty(), "<Nasty>"),
        ("value_.password", Nasty(), "***"),
        ("[value_.password]", Nasty(), "***"),
        ("value_['user_data']", {"user_data": "x"}, "***"),
        ("value_", {"user_data": "x", "a": [None, 1.5, ("b",)]}, "{'user_data': ***, 'a': [None, 1.5, ('b',)]}"),
        ("value_", object(), "<object>"),
        ("value_", "mysql://u:geheim@h/nova", "'mysql://***@h/nova'"),
        ("value_", "two\nlines", "'two\\nlines'"),
        ("value_", "x" * 9999, f"'{'x' * 500}… (9999 characters)'"),
        ("value_", b"12", "<2 bytes>"),
        ("value_.flavor", Row(), "<not loaded>"),
        ("value_['a']", collections.defaultdict(list), "<KeyError: a>"),
        ("list(value_)", iter([1]), "<list_iterator: use --unsafe>"),
        ("1 in value_", iter([1]), "<list_iterator: use --unsafe>"),
        ("value_ * 9", "x", "<TypeError: str is not a number to calculate with>"),
        ("type(value_), len(value_), max(1, 2), f'{value_!r:>5}'", "x", None),
    ],
)
def test_values_are_shown_without_side_effects(
    tmp_path: Path, module: Any, text: str, value: Any, shown: str | None
) -> None:
    with recording(tmp_path) as recorded:
        added("service:API.create", text.replace("value_", "name"))
        module.API().create(value)
        (line,) = ask_messages(recorded)
    assert "geheim" not in (tmp_path / "ask.log").read_text()
    if shown is None:
        assert line.endswith(" type(name)='str' len(name)=1 max(1, 2)=2 f'{name!r:>5}'=\"  'x'\"")
    else:
        assert line.removeprefix("service:API.create ").partition("=")[2][: len(shown)] == shown
    if isinstance(value, dict):
        assert "a" not in value or value["a"]


def test_unsafe_expressions_may_do_anything(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path) as recorded:
        added("service:API.create", "[each * size for each in rest], name.upper()", unsafe=True)
        module.API().create("x", 1, 2, size=2)
        assert ask_messages(recorded) == ["service:API.create [each * size for each in rest]=[2, 4] name.upper()='X'"]


def test_an_expression_that_calls_its_own_function_ends(tmp_path: Path, module: Any) -> None:
    """The point is on a function that the expression's property calls."""
    with recording(tmp_path) as recorded:
        added("service:API.create", "self.summary", unsafe=True)
        module.API().create("x")
        assert ask_messages(recorded) == ["service:API.create self.summary=1"]
