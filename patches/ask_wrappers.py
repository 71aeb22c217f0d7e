"""Wrappers that ask points attach to: one a function, inside those of our hooks, removed with its last point.

A call point's step is the current one while its function runs; so the wrapper is between that hook and the function, in
the cell in which the hook has its original.
"""

from __future__ import annotations

import functools
import inspect
from types import FunctionType
from typing import TYPE_CHECKING, Any, Iterator

from . import ask_lines, faults, patching, recorder, wrapper_frames
from .ask_eval import Point, asks

if TYPE_CHECKING:
    from types import CellType

    from .hooks import Function

_PACKAGE = __name__.rpartition(".")[0]
_VARARGS, _VARKEYWORDS = 4, 8


class AskWrapper:
    """The wrapper of a function with ask points; ``function`` is the innermost one, below the decorators."""

    def __init__(self, owner: Any, name: str, function: Any) -> None:
        self.owner, self.name, self.function = owner, name, function
        self.points: list[Point] = []
        self.entry: tuple[Point, ...] = ()
        self.returns: tuple[Point, ...] = ()
        self.traced: tuple[Point, ...] = ()
        self.held: Any = None
        self.cell: CellType | None = None
        self.before: Any = None

    def install(self) -> bool:
        """Wrap the function; return False where it cannot be wrapped."""
        own = vars(self.owner).get(self.name)
        self.cell = _innermost_cell(getattr(own, "__func__", own))
        if self.cell is not None:
            self.before = self.cell.cell_contents
            self.cell.cell_contents = self.held = self.make(self.before)
            return True
        done = patching.replace(self.owner, self.name, self.make)
        if done:
            self.held = vars(self.owner)[self.name]
            if not isinstance(self.owner, type):
                patching.replace_second_names()
        return done

    def remove(self) -> bool:
        """Restore the function; return False where somebody has wrapped ours since, which then passes calls on."""
        if self.cell is None:
            return patching.restore(self.held)
        if self.cell.cell_contents is self.held:
            self.cell.cell_contents = self.before
            return True
        return False

    def is_called_by(self, owner: Any, name: str) -> bool:
        """Return whether calls of the owner's own attribute come through our wrapper."""
        own = vars(owner).get(name)
        ours = getattr(self.held, "__func__", self.held)
        return any(wrapper is ours for wrapper in _wrappers(getattr(own, "__func__", own)))

    def update(self) -> None:
        """Sort the points after a change of ``points``."""
        self.entry = tuple([point for point in self.points if point.when == "entry"])
        self.returns = tuple([point for point in self.points if point.when == "return"])
        self.traced = tuple([point for point in self.points if type(point.when) is int])

    def make(self, _original: Function) -> Function:
        """Return the wrapper of a function, for patching.replace."""

        @wrapper_frames.hide
        @functools.wraps(_original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if recorder.recorder is None or not asks.enabled:
                return _original(*args, **kwargs)
            names = asks.guarded(self.entered, args, kwargs) if self.entry or self.returns else None
            if not self.returns and not self.traced:
                return _original(*args, **kwargs)
            tracing = asks.guarded(ask_lines.start) if self.traced else None
            try:
                result = _original(*args, **kwargs)
            except BaseException as error:
                if tracing:
                    ask_lines.end()
                asks.guarded(self.left, names, None, error)
                raise
            if tracing:
                ask_lines.end()
            asks.guarded(self.left, names, result, None)
            return result

        return wrapper

    def entered(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Write the lines of points at the entry; return the arguments by their names."""
        names = arguments(self.function, args, kwargs)
        for point in self.entry:
            point.ask(names, self.function.__globals__)
        return names

    def left(self, names: dict[str, Any] | None, result: Any, error: BaseException | None) -> None:
        """Write the lines of points at the return."""
        for point in self.returns if names is not None else ():
            local = names if error is not None else dict(names or {}, result=result)
            point.ask(local or {}, self.function.__globals__, 0, error)


def _wrappers(function: Any) -> Iterator[Any]:
    """Yield our hooks' wrappers around a function, the outermost first."""
    while type(function) is FunctionType and function.__globals__.get("__package__") == _PACKAGE:
        cell = _cell(function)
        if cell is None:
            break
        yield function
        function = cell.cell_contents


def _cell(wrapper: Any) -> CellType | None:
    """Return the cell with the function that a wrapper of ours calls."""
    names = wrapper.__code__.co_freevars
    return wrapper.__closure__[names.index("_original")] if "_original" in names else None


def _innermost_cell(function: Any) -> CellType | None:
    """Return the cell of the innermost of our hooks' wrappers; None where there is none."""
    wrappers = list(_wrappers(function))
    return _cell(wrappers[-1]) if wrappers else None


def innermost(function: Any, name: str) -> Any:
    """Return the Python function below the decorators; None where that is unknown."""
    for _ in range(32):
        inner = getattr(function, "__dict__", {}).get("__wrapped__")
        if inner is None and inspect.getattr_static(type(function), "__wrapped__", None) is not None:  # wrapt's
            inner = function.__wrapped__
        if inner is None:
            inner = _enclosed(function, name)
        if inner is None:
            break
        function = getattr(inner, "__func__", inner)
    return function if type(function) is FunctionType else None


def _enclosed(function: Any, name: str) -> Any:
    """Return the function of that name in the closure of a decorator without functools.wraps."""
    if type(function) is not FunctionType or function.__code__.co_name == name:
        return None
    for cell in function.__closure__ or ():
        try:
            inner = cell.cell_contents
        except ValueError as error:
            faults.pass_on(error)
            continue
        if type(inner) is FunctionType and inner.__name__ == name:
            return inner
    return None


def arguments(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return a call's arguments by the function's names for them, as far as they fit."""
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    count = code.co_argcount + code.co_kwonlyargcount
    known = code.co_varnames[:count]
    defaults = function.__defaults__ or ()
    by_name: dict[str, Any] = dict(function.__kwdefaults__ or {})
    by_name.update(zip(positional[len(positional) - len(defaults) :], defaults))
    by_name.update(zip(positional, args))
    by_name.update((name, value) for name, value in kwargs.items() if name in known)
    if code.co_flags & _VARARGS:
        by_name[code.co_varnames[count]] = args[len(positional) :]
        count += 1
    if code.co_flags & _VARKEYWORDS:
        by_name[code.co_varnames[count]] = {name: value for name, value in kwargs.items() if name not in known}
    return by_name
