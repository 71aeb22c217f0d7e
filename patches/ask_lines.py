"""Ask points at lines: sys.monitoring on the very code from Python 3.12 on, else a trace function during calls only.

Neither costs anything in functions without points. The trace function is set only while a function with points runs in
this thread; it calls the one that was set before, which is restored afterwards.
"""

from __future__ import annotations

import dis
import sys
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from types import CodeType
from typing import TYPE_CHECKING, Any, Iterator

from . import wrapper_frames
from .ask_eval import Point, asks
from .unpatched import get_ident

if TYPE_CHECKING:
    from types import FrameType

_monitoring: Any = getattr(sys, "monitoring", None)
#: Tool ids that Python has not reserved.
_TOOLS = (4, 3)
_tool: int | None = None
_NAME = "bootseq"

#: id of a code object -> (the object, its points by line)
_points: dict[int, tuple[CodeType, dict[int, tuple[Point, ...]]]] = {}

#: thread -> [number of functions with points that run in it, the trace function that was set before]
_tracing: dict[int, list[Any]] = {}

_LATER = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR


def numbers(code: CodeType) -> list[int]:
    """Return the lines with code, of the function and of those nested in it."""
    lines = {line for part in _codes(code) for _, line in dis.findlinestarts(part) if line}
    return sorted(lines - {code.co_firstlineno}) or sorted(lines)


def needs_wrapper(code: CodeType) -> bool:
    """Return whether lines are seen only within a wrapper of ours; LookupError where a wrapper does not help either."""
    if _monitoring is None and code.co_flags & _LATER:
        raise LookupError("lines of generators and coroutines can be watched from Python 3.12 on")
    return _monitoring is None


def ask(point: Point, code: CodeType) -> CodeType:
    """Start asking at a line; return the code object that has it, for ``leave``."""
    within = next(part for part in _codes(code) if point.when in [line for _, line in dis.findlinestarts(part)])
    _, points = _points.get(id(within), (within, {}))
    _set(within, {**points, point.when: points.get(point.when, ()) + (point,)})
    return within


def leave(point: Point, code: CodeType) -> None:
    """Stop asking at a line."""
    _, points = _points.get(id(code), (code, {}))
    rest = {line: tuple([other for other in others if other is not point]) for line, others in points.items()}
    _set(code, {line: others for line, others in rest.items() if others})


def _set(code: CodeType, points: dict[int, tuple[Point, ...]]) -> None:
    if points:
        _points[id(code)] = (code, points)
    else:
        _points.pop(id(code), None)
    if _monitoring is not None:
        _monitor(code, bool(points))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if type(constant) is CodeType:
            yield from _codes(constant)


def _monitor(code: CodeType, wanted: bool) -> None:
    global _tool
    event = _monitoring.events.LINE
    if _tool is None:
        _tool = next((number for number in _TOOLS if _monitoring.get_tool(number) is None), None)
        if _tool is None:
            raise LookupError("other tools use all ids of sys.monitoring")
        _monitoring.use_tool_id(_tool, _NAME)
        _monitoring.register_callback(_tool, event, _monitored)
    _monitoring.set_local_events(_tool, code, 0)
    if wanted:
        _monitoring.set_local_events(_tool, code, event)
    elif not _points:
        _monitoring.register_callback(_tool, event, None)
        _monitoring.free_tool_id(_tool)
        _tool = None


def _monitored(code: CodeType, line: int) -> None:
    _, points = _points.get(id(code), (code, {}))
    if line in points:
        asks.guarded(_ask, points[line], sys._getframe(1), line)


def _ask(points: tuple[Point, ...], frame: FrameType, line: int) -> None:
    names = dict(frame.f_locals)
    for point in points:
        point.ask(names, frame.f_globals, line)


def start() -> bool:
    """Trace this thread's calls until ``end()`` was called as often as ``start()``: its greenlets take turns."""
    state = _tracing.setdefault(get_ident(), [0, None])
    if state[0] == 0:
        state[1] = sys.gettrace()
        sys.settrace(_trace)
    state[0] += 1
    return True


def end() -> None:
    """Restore the previous trace function, unless somebody else has set one meanwhile."""
    state = _tracing.get(get_ident())
    if state is None:
        return
    state[0] -= 1
    if state[0] <= 0:
        del _tracing[get_ident()]
        if sys.gettrace() is _trace:
            sys.settrace(state[1])


@wrapper_frames.hide
def _trace(frame: FrameType, event: str, argument: Any) -> Any:
    state = _tracing.get(get_ident())
    inner = state[1](frame, event, argument) if state is not None and state[1] is not None else None
    _, points = _points.get(id(frame.f_code), (None, None))
    return inner if points is None else _Local(points, inner)


class _Local:
    """The trace function of a frame: ours, and the one that another tracer has for it."""

    def __init__(self, points: dict[int, tuple[Point, ...]], inner: Any) -> None:
        self.points, self.inner = points, inner

    @wrapper_frames.hide
    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and frame.f_lineno in self.points:
            asks.guarded(_ask, self.points[frame.f_lineno], frame, frame.f_lineno)
        if self.inner is not None:
            self.inner = self.inner(frame, event, argument)
        return self
