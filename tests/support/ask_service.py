"""A small service's module with ask points in it, in this very process."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from patches import ask_eval, ask_points
from tests.support.recording import Recorded
from tracer.recording import ask_expressions

SOURCE = """
    import functools

    LIMIT = 7

    def named(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)
        return wrapper

    def nameless(function):
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)
        return wrapper

    class API:
        @named
        @nameless
        def create(self, name, *rest, size=1, **more):
            total = size
            for each in rest:
                total += each
            return total

        @staticmethod
        def static(a, b=2):
            return a

        @classmethod
        def klass(cls, a):
            return cls

        @property
        def summary(self):
            return self.create("again")

        def generate(self):
            yield 1

    class Sub(API):
        pass

    def failing(n):
        raise LookupError("own")

    def recursive(n):
        return recursive(n - 1) if n else 0
"""


def line_of(text: str) -> int:
    """The number of a line of the source."""
    return next(number for number, line in enumerate(SOURCE.splitlines(), 1) if line.strip() == text)


@pytest.fixture
def module() -> Iterator[Any]:
    """A service's module."""
    made = ModuleType("service")
    exec(compile(textwrap.dedent(SOURCE), "/service.py", "exec"), vars(made))
    sys.modules["service"] = made
    yield made
    del sys.modules["service"]


def point(where: str, *texts: str, when: Any = "entry", key: str = "1", unsafe: bool = False) -> dict[str, Any]:
    """A point as the tool sends it."""
    parsed = ask_expressions.parse(texts or ["0"], unsafe)
    told = [[each.text, each.code, list(each.names)] for each in parsed]
    return {"key": key, "where": where, "when": when, "expressions": told, "unsafe": unsafe}


def added(where: str, *texts: str, **how: Any) -> ask_eval.Point:
    """A point that is in."""
    made = ask_points.add(point(where, *texts, **how))
    assert made.state == "added"
    return made


def ask_messages(recorded: Recorded) -> list[str]:
    """What was asked and answered, as the tree has it."""
    return [str(event.attributes["message"]) for event in recorded.events("ask")]
