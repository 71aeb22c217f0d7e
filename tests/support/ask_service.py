"""A small service's module in this process, and ask points for it."""

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
            for number in rest:
                total += number
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
    """Return the number of a line of the source."""
    return next(number for number, line in enumerate(SOURCE.splitlines(), 1) if line.strip() == text)


@pytest.fixture
def module() -> Iterator[Any]:
    """Yield the service's module."""
    service = ModuleType("service")
    exec(compile(textwrap.dedent(SOURCE), "/service.py", "exec"), vars(service))
    sys.modules["service"] = service
    yield service
    del sys.modules["service"]


def point(where: str, *texts: str, when: Any = "entry", key: str = "1", unsafe: bool = False) -> dict[str, Any]:
    """Return an ask point in the form in which the tool sends it."""
    parsed = ask_expressions.parse(texts or ["0"], unsafe)
    expressions = [[expression.text, expression.code, list(expression.names)] for expression in parsed]
    return {"key": key, "where": where, "when": when, "expressions": expressions, "unsafe": unsafe}


def added(where: str, *texts: str, **how: Any) -> ask_eval.Point:
    """Add a point and return it."""
    point_added = ask_points.add(point(where, *texts, **how))
    assert point_added.state == "added"
    return point_added


def ask_messages(recorded: Recorded) -> list[str]:
    """Return the messages of the recorded ask lines."""
    return [str(event.attributes["message"]) for event in recorded.events("ask")]
