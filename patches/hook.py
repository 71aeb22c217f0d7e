"""A hook: a named pair of functions around a foreign call that can fail without the host's noticing.

``begin(args, kwargs)`` gives a token, ``end(token, result, error)`` takes it. What they raise is counted, and after
MAX_FAILURES the hook switches itself off. The host's own call stands outside of every such ``try``.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable

from . import steps, values

if TYPE_CHECKING:
    Function = Callable[..., Any]
    #: What replacing.replace takes: the original function in, ours out.
    Maker = Callable[[Function], Function]
    Begin = Callable[["tuple[Any, ...]", "dict[str, Any]"], Any]
    End = Callable[[Any, Any, "BaseException | None"], object]

MAX_FAILURES = 5

#: Every hook that was made, by name, for status and tests.
hooks: dict[str, Hook] = {}


class Hook:
    """Counts the failures of one hook; ``enabled`` is what its wrappers look at."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.enabled = True
        self.failures = 0
        self.last_error: str | None = None
        hooks[name] = self

    def failed(self, error: BaseException) -> None:
        """One of our functions raised: count it, and give up after MAX_FAILURES."""
        self.failures += 1
        if self.failures >= MAX_FAILURES:
            self.enabled = False
        try:
            self.last_error = values.error_text(error)
            recorder = steps.recorder
            if recorder is not None:
                recorder.failed()
                said = ("logger", "bootseq", "message", "the hook %s failed: %s" % (self.name, self.last_error))
                steps.happened("log", "bootseq", said)
        except Exception:
            self.last_error = "%s, and it could not be counted" % self.last_error

    def guarded(self, function: Function, *args: Any) -> Any:
        """``function(*args)``, or None where the hook is off or the function raised."""
        if not self.enabled or steps.recorder is None:
            return None
        try:
            return function(*args)
        except Exception as error:
            self.failed(error)
            return None


def around(hook: Hook, begin: Begin, end: End) -> Maker:
    """A maker for ``replacing.replace``: the host's function with ``begin`` before and ``end`` after it.

    Where ``begin`` gives None there is no ``end``.
    """

    def make(original: Function) -> Function:
        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            token = hook.guarded(begin, args, kwargs)
            if token is None:
                return original(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                hook.guarded(end, token, None, error)
                raise
            hook.guarded(end, token, result, None)
            return result

        return wrapper

    return make


def within(hook: Hook, begin: Begin, end: End) -> Maker:
    """The same for calls during which a step is the current one: ``begin`` gives the step's id (0 or None: no step).

    ``begin`` may set ``steps.context``, last of all; it is put back with the current step.
    """

    def make(original: Function) -> Function:
        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            before, context = steps.current.get(), steps.context.get()
            step = hook.guarded(begin, args, kwargs)
            if not step:
                return original(*args, **kwargs)
            try:
                steps.current.set(step)
                result = original(*args, **kwargs)
            except BaseException as error:
                steps.current.set(before)
                steps.context.set(context)
                hook.guarded(end, step, None, error)
                raise
            steps.current.set(before)
            steps.context.set(context)
            hook.guarded(end, step, result, None)
            return result

        return wrapper

    return make


def argument(args: tuple[Any, ...], kwargs: dict[str, Any], position: int, name: str, default: Any = None) -> Any:
    """An argument by position or by name, as the caller happened to give it."""
    return args[position] if len(args) > position else kwargs.get(name, default)
