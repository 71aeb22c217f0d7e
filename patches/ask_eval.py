"""Evaluation of ask points: their expressions, without disturbing the host, and a line of the values.

The tool has checked the expressions and replaced everything that could run code of the host's by guards
(``_ask_get(x, 'name')`` …). Unsafe ones are evaluated as they are, and show the objects' ``repr()``.
"""

from __future__ import annotations

import os
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Callable

from . import ask_display, ask_guards, ask_logger, hooks, values

if TYPE_CHECKING:
    from types import CodeType

asks = hooks.Hook("asks")

#: Characters of a line in the step; each value has a cap of its own.
MAX_LINE = 8_000

#: The file of the lines.
log = ""

#: Whether this thread or greenlet evaluates: an unsafe expression may run code that has points itself.
_busy: ContextVar[bool] = ContextVar("bootseq_asking", default=False)


class _Names(dict):  # type: ignore[type-arg]
    """The names of an expression: the function's own, and behind them its module's."""

    __slots__ = ("module",)
    module: dict[str, Any]

    def __missing__(self, name: str) -> Any:
        return self.module[name]


class Expression:
    """An expression, compiled."""

    def __init__(self, text: str, code: str, names: list[str], unsafe: bool) -> None:
        self.text = text
        self.secret = any(values.secret_key(name) for name in names)
        self.of_result = "result" in names
        self.unsafe = unsafe
        self.failed = False
        self.code: CodeType = compile(code, "<ask>", "eval", 0, True)

    def value(self, names: _Names) -> Any:
        """Evaluate it; what it raises is raised."""
        if self.unsafe:  # its inner scopes see a single dict only
            return eval(self.code, dict(names.module, **names))  # noqa: S307 - what the user wants to see
        return eval(self.code, {"__builtins__": ask_guards.BUILTINS}, names)  # noqa: S307 - checked by the tool, and guarded


class Point:
    """A position in the code, and the expressions to evaluate there."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.key: str = spec["key"]
        self.where: str = spec["where"]
        #: "entry", "return", or the number of a line
        self.when: Any = spec["when"]
        self.module, _, self.qualified = self.where.partition(":")
        unsafe = bool(spec.get("unsafe"))
        self.expressions = [Expression(text, code, names, unsafe) for text, code, names in spec["expressions"]]
        self.state = "module not loaded yet"
        self.near: list[str] = []
        self.lines = 0
        self.failures = 0
        self.last_error: str | None = None
        self.enabled = True
        #: file, first line and name of its function
        self.source: tuple[str, int, str] = ("", 0, "")
        #: detaches it from its function
        self.take_off: Callable[[], object] = dict

    def ask(
        self, names: dict[str, Any], module: dict[str, Any], line: int = 0, raised: BaseException | None = None
    ) -> None:
        """Write the line; ``names`` are the function's, ``module`` its globals, ``raised`` its exception."""
        if not self.enabled or _busy.get():
            return
        _busy.set(True)
        try:
            scope = _Names(names)
            scope.module = module
            parts = [self.where, "line %d" % line] if line else [self.where]
            if self.when == "return":
                parts.append("returned" if raised is None else "raised %s" % values.error_text(raised))
            before = self.failures
            expressions = [part for part in self.expressions if raised is None or not part.of_result]
            parts.extend([self._part(expression, scope) for expression in expressions])
            self.failures = min(self.failures, before + 1)  # a line counts once
            if self.failures >= hooks.MAX_FAILURES:
                self.enabled = False
                self.state = "switched off"
                parts.append("(failed %d times, switched off: %s)" % (self.failures, self.last_error))
            self._write(" ".join(parts), line)
        finally:
            _busy.set(False)

    def _part(self, expression: Expression, names: _Names) -> str:
        try:
            value = expression.value(names)
            if expression.secret and values.may_be_secret(value):
                return "%s=%s" % (expression.text, values.MASK)
            return "%s=%s" % (expression.text, shown(value, expression.unsafe))
        except ask_guards.NotLoadedError:
            return "%s=<not loaded>" % expression.text
        except ask_guards.UnsafeError as error:
            return "%s=<%s>" % (expression.text, error)
        except Exception as error:
            self.failures += 1
            self.last_error = values.error_text(error)
            value = "?" if expression.failed else "<%s>" % self.last_error
            expression.failed = True
            return "%s=%s" % (expression.text, value)

    def _write(self, message: str, line: int) -> None:
        file, first, function = self.source
        self.lines += 1
        ask_logger.write(log, _Written(message, file, line or first, function), message, MAX_LINE)


class _Written:
    """A log record to the ask logger, which the host's handlers never get."""

    def __init__(self, message: str, file: str, line: int, function: str) -> None:
        now = time.time()
        self.name, self.levelname, self.process = "ask", "DEBUG", os.getpid()
        self.created, self.msecs = now, int((now - int(now)) * 1000)
        self.pathname, self.lineno, self.funcName = file, line, function
        self.msg = self.message = message
        self.args = self.exc_info = None


def shown(value: Any, unsafe: bool = False) -> str:
    """Return a value as text: masked, on one line, capped."""
    return ask_display.represented(value) if unsafe else ask_display.read(value)
