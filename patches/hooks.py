"""A hook: a named pair of functions around a foreign call that can fail without the host's noticing.

``begin(args, kwargs)`` returns a token, ``end(token, result, error)`` takes it. What they raise is counted, and after
MAX_FAILURES within a while the hook switches itself off; what the host raises while they run is passed on. The host's
own call is outside of every such ``try``.
"""

from __future__ import annotations

import functools
from collections import deque
from typing import TYPE_CHECKING, Any, Callable

from . import faults, values
from . import recorder as patches_recorder

if TYPE_CHECKING:
    Function = Callable[..., Any]
    #: The maker that patching.replace takes: the original function in, ours out.
    Maker = Callable[[Function], Function]
    Begin = Callable[["tuple[Any, ...]", "dict[str, Any]"], Any]
    End = Callable[[Any, Any, "BaseException | None"], object]

MAX_FAILURES = 5
#: Nanoseconds after which a failure no longer counts.
FORGOTTEN_AFTER = 600_000_000_000

#: The result of a function that has failed.
FAILED = object()

#: Every hook, by name, for status and tests.
hooks: dict[str, Hook] = {}


def _guard(failed: Any, *, blamed: bool) -> Function:
    """Make a method that calls ``function(*args)`` and returns its result, ``failed`` where it raises."""

    def call(self: Hook, function: Function, *args: Any) -> Any:
        if not self.enabled or patches_recorder.recorder is None:
            return None
        try:
            return function(*args)
        except Exception as error:
            try:
                self.swallow(error, blamed)
            except RecursionError as second:  # no stack is left, unless it is the very error, of the host's
                if second is error or not faults.SWALLOWS_RECURSION:
                    raise
            return failed

    return call


class Hook:
    """A hook's failures, and whether its wrappers record: ``enabled``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.last_error: str | None = None
        self.reset()
        hooks[name] = self

    def reset(self) -> None:
        """Forget all failures."""
        self.enabled = True
        self.failures = 0
        self._recent: deque[int] = deque(maxlen=MAX_FAILURES)

    def failed(self, error: BaseException) -> bool:
        """Count and report a failure of our own; return False where it is the host's, who must get it.

        Running out of memory or stack is no failure of the hook's.
        """
        if not faults.is_ours(error):
            return False
        if not isinstance(error, faults.EXHAUSTED):
            self.failures += 1
            self._recent.append(patches_recorder.clock())
            self._report(error)
        return True

    def swallow(self, error: BaseException, blamed: bool = False) -> None:
        """Count a failure of our own, and ``blame`` the hook if asked; raise what is the host's."""
        try:
            ours = self.failed(error)
            if ours and blamed:
                self.blame()
        except RecursionError:  # there was no stack left to ask
            ours = faults.SWALLOWS_RECURSION
        if not ours:
            raise error

    def blame(self) -> None:
        """Give up after too many failures that no error of the host's explains."""
        recent = self._recent
        if len(recent) == MAX_FAILURES and recent[-1] - recent[0] < FORGOTTEN_AFTER:
            self.enabled = False

    #: ``function(*args)``; None where the hook is off, FAILED where the function raised. Nobody is blamed: the host's
    #: call fails too, or may yet fail, for a reason that made ours fail.
    attempt = _guard(FAILED, blamed=False)
    #: ``function(*args)``, or None where the hook is off or the function raised, for which the hook is blamed.
    guarded = _guard(None, blamed=True)

    def unrecorded(self, _original: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make a call of the host's whose ``begin`` failed: the fault was ours only if the call succeeds."""
        result = _original(*args, **kwargs)
        self.blame()
        return result

    def _report(self, error: BaseException) -> None:
        try:
            self.last_error = values.error_text(error)
            recorder = patches_recorder.recorder
            if recorder is not None:
                recorder.failed()
                text = "the hook %s failed: %s" % (self.name, self.last_error)
                patches_recorder.happened("log", "bootseq", ("logger", "bootseq", "message", text))
        except Exception as second:
            faults.pass_on(second)
            self.last_error = "%s, and it could not be counted" % self.last_error


def around(hook: Hook, begin: Begin, end: End) -> Maker:
    """Return a maker for ``patching.replace``: the host's function with ``begin`` before and ``end`` after it.

    Where ``begin`` returns None, ``end`` is not called.
    """

    def make(_original: Function) -> Function:
        @functools.wraps(_original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            token = hook.attempt(begin, args, kwargs)
            if token is None:
                return _original(*args, **kwargs)
            if token is FAILED:
                return hook.unrecorded(_original, args, kwargs)
            try:
                result = _original(*args, **kwargs)
            except BaseException as error:
                hook.attempt(end, token, None, error)
                raise
            hook.guarded(end, token, result, None)
            return result

        return wrapper

    return make


def within(hook: Hook, begin: Begin, end: End) -> Maker:
    """Like ``around``, for calls with a step that is current meanwhile: ``begin`` returns its id (0 or None: no step).

    ``begin`` may set ``recorder.context`` as its last act; it is restored with the current step.
    """

    def make(_original: Function) -> Function:
        @functools.wraps(_original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            before, context = patches_recorder.current.get(), patches_recorder.context.get()
            step = hook.attempt(begin, args, kwargs)
            if not step:
                return _original(*args, **kwargs)
            if step is FAILED:
                return hook.unrecorded(_original, args, kwargs)
            try:
                patches_recorder.current.set(step)
                result = _original(*args, **kwargs)
            except BaseException as error:
                patches_recorder.current.set(before)
                patches_recorder.context.set(context)
                hook.attempt(end, step, None, error)
                raise
            patches_recorder.current.set(before)
            patches_recorder.context.set(context)
            hook.guarded(end, step, result, None)
            return result

        return wrapper

    return make


def argument(args: tuple[Any, ...], kwargs: dict[str, Any], position: int, name: str, default: Any = None) -> Any:
    """Return an argument that the caller passed by position or by name."""
    return args[position] if len(args) > position else kwargs.get(name, default)
