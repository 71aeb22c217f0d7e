"""Ask points at lines: sys.monitoring on the very code from Python 3.12 on, else a trace function during calls only.

Neither costs anything in functions that are not asked. The trace function stands only while such a function runs in
this thread, beside whichever one stood there, which goes on and stands there alone again afterwards.
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
#: Those that Python has left to whoever comes.
_TOOLS = (4, 3)
_tool: int | None = None
_NAME = "bootseq"

#: id of a code object -> (the object, its points by line)
_asked: dict[int, tuple[CodeType, dict[int, tuple[Point, ...]]]] = {}

#: thread -> [how many such functions run in it, the trace function that was there before]
_tracing: dict[int, list[Any]] = {}

_LATER = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR


def numbers(code: CodeType) -> list[int]:
    """The lines that something happens on, in the function and in those that it holds."""
    found = {line for each in _codes(code) for _, line in dis.findlinestarts(each) if line}
    return sorted(found - {code.co_firstlineno}) or sorted(found)


def needs_wrapper(code: CodeType) -> bool:
    """Whether lines are seen only while a wrapper of ours is around; LookupError where even that would not do."""
    if _monitoring is None and code.co_flags & _LATER:
        raise LookupError("a generator's or coroutine's lines can be asked from Python 3.12 on")
    return _monitoring is None


def ask(point: Point, code: CodeType) -> CodeType:
    """From now on; gives the code that holds the line, for ``leave``."""
    within = next(each for each in _codes(code) if point.when in [line for _, line in dis.findlinestarts(each)])
    _, points = _asked.get(id(within), (within, {}))
    _set(within, {**points, point.when: points.get(point.when, ()) + (point,)})
    return within


def leave(point: Point, code: CodeType) -> None:
    """No more."""
    _, points = _asked.get(id(code), (code, {}))
    rest = {line: tuple([each for each in told if each is not point]) for line, told in points.items()}
    _set(code, {line: told for line, told in rest.items() if told})


def _set(code: CodeType, points: dict[int, tuple[Point, ...]]) -> None:
    if points:
        _asked[id(code)] = (code, points)
    else:
        _asked.pop(id(code), None)
    if _monitoring is not None:
        _monitor(code, bool(points))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if type(each) is CodeType:
            yield from _codes(each)


def _monitor(code: CodeType, wanted: bool) -> None:
    global _tool
    event = _monitoring.events.LINE
    if _tool is None:
        _tool = next((each for each in _TOOLS if _monitoring.get_tool(each) is None), None)
        if _tool is None:
            raise LookupError("other tools have taken all that sys.monitoring has to give")
        _monitoring.use_tool_id(_tool, _NAME)
        _monitoring.register_callback(_tool, event, _monitored)
    _monitoring.set_local_events(_tool, code, 0)
    if wanted:
        _monitoring.set_local_events(_tool, code, event)
    elif not _asked:
        _monitoring.register_callback(_tool, event, None)
        _monitoring.free_tool_id(_tool)
        _tool = None


def _monitored(code: CodeType, line: int) -> None:
    _, points = _asked.get(id(code), (code, {}))
    if line in points:
        asks.guarded(_tell, points[line], sys._getframe(1), line)


def _tell(points: tuple[Point, ...], frame: FrameType, line: int) -> None:
    names = dict(frame.f_locals)
    for point in points:
        point.ask(names, frame.f_globals, line)


def start() -> bool:
    """Watch this thread's calls until as many ``end()`` as ``start()``: greenlets take turns in between."""
    state = _tracing.setdefault(get_ident(), [0, None])
    if state[0] == 0:
        state[1] = sys.gettrace()
        sys.settrace(_trace)
    state[0] += 1
    return True


def end() -> None:
    """What stood there before stands there again, unless somebody else has come meanwhile."""
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
    _, points = _asked.get(id(frame.f_code), (None, None))
    return inner if points is None else _Local(points, inner)


class _Local:
    """The trace function of one frame: ours, and the one that another tracer has for it."""

    def __init__(self, points: dict[int, tuple[Point, ...]], inner: Any) -> None:
        self.points, self.inner = points, inner

    @wrapper_frames.hide
    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and frame.f_lineno in self.points:
            asks.guarded(_tell, self.points[frame.f_lineno], frame, frame.f_lineno)
        if self.inner is not None:
            self.inner = self.inner(frame, event, argument)
        return self
