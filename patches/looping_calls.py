"""Looping calls of oslo.service: a loop's runs are below the step that started it while somebody waits for the loop.

So Nova waits for a guest to boot or to go. A loop that nobody waits for (heartbeats, periodic tasks) is not part of the
step that started it: only its first run is, which may begin before its starter can wait.
"""

from __future__ import annotations

import functools
from collections import deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from . import hooks, import_hooks, nested_calls, patching, recorder
from .host_fields import field, path

if TYPE_CHECKING:
    from types import ModuleType

    from .hooks import Function

looping = hooks.Hook("looping")

_MODULES = (
    "oslo_service.loopingcall",  # before oslo.service 4.0 all of it
    "oslo_service.backend._common.loopingcall",
    "oslo_service.backend._eventlet.loopingcall",
    "oslo_service.backend._threading.loopingcall",
)


class _Loop:
    """A loop that was started within a step."""

    __slots__ = ("call", "context", "functions", "parent")

    def __init__(self, call: Any) -> None:
        self.call = call
        #: The function that runs, and ours in its place.
        self.functions: tuple[Any, Any] | None = None
        self.parent = recorder.current.get()
        self.context = recorder.context.get()

    def next_run(self, waited_for: bool) -> None:
        """Set the step that the next run belongs to."""
        recorder.current.set(self.parent if waited_for else 0)
        recorder.context.set(self.context if waited_for else None)

    def record_function(self) -> None:
        """Have the loop run a recording function, if a call point names its own."""
        own = field(self.call, "f")
        ours = nested_calls.recorded(own)
        if ours is not own:
            self.functions = own, ours
            self.call.f = ours
            _recorded.append(self)

    def restore_function(self) -> None:
        """Give the looping call its own function back."""
        if self.functions is not None:
            _recorded.remove(self)
            own, ours = self.functions
            self.functions = None
            if field(self.call, "f") is ours:
                self.call.f = own


#: Loops whose function is ours.
_recorded: list[_Loop] = []
#: Loops that were started and do not run yet, by their LoopingCall's identity.
_started: dict[int, _Loop] = {}
#: The loop that this thread or greenthread runs.
_running: ContextVar[_Loop | None] = ContextVar("bootseq_loop", default=None)


def install() -> None:
    """Wrap the looping calls once they are imported."""
    patching.undo(_restore_functions)
    for module in _MODULES:
        import_hooks.when_imported(module, functools.partial(looping.guarded, _wrap))


def _restore_functions() -> None:
    while _recorded:
        _recorded[-1].restore_function()


def _wrap(module: ModuleType) -> None:
    owner = vars(module).get("LoopingCallBase")
    if owner is None or owner.__module__ != module.__name__:
        return
    for name, make in (("_start", _make_start), ("_run_loop", _make_run), ("_sleep", _make_sleep)):
        if name in vars(owner):
            patching.replace(owner, name, make)


def _make_start(_original: Function) -> Function:
    @functools.wraps(_original)
    def wrapper(call: Any, *args: Any, **kwargs: Any) -> Any:
        if not recorder.current.get() or recorder.recorder is None:
            return _original(call, *args, **kwargs)
        _started[id(call)] = _Loop(call)
        try:
            return _original(call, *args, **kwargs)
        except BaseException:
            _started.pop(id(call), None)
            raise

    return wrapper


def _make_run(_original: Function) -> Function:
    @functools.wraps(_original)
    def wrapper(call: Any, *args: Any, **kwargs: Any) -> Any:
        loop = _started.pop(id(call), None)
        if loop is None or loop.call is not call:
            return _original(call, *args, **kwargs)
        before, context, outer = recorder.current.get(), recorder.context.get(), _running.get()
        loop.next_run(True)
        _running.set(loop)
        looping.guarded(loop.record_function)
        try:
            return _original(call, *args, **kwargs)
        finally:
            looping.attempt(loop.restore_function)
            recorder.current.set(before)
            recorder.context.set(context)
            _running.set(outer)

    return wrapper


def _make_sleep(_original: Function) -> Function:
    @functools.wraps(_original)
    def wrapper(call: Any, *args: Any, **kwargs: Any) -> Any:
        result = _original(call, *args, **kwargs)
        loop = _running.get()
        if loop is not None and loop.call is call:
            loop.next_run(bool(looping.guarded(_is_waited_for, call)))
        return result

    return wrapper


def _is_waited_for(call: Any) -> bool:
    """Return whether somebody waits for the loop's end: on eventlet's Event, or on the one in oslo.service's own."""
    done = field(call, "done")
    condition = path(done, "_event", "_cond")
    waiters = field(done if condition is None else condition, "_waiters")
    return type(waiters) in (set, list, deque) and len(waiters) > 0
