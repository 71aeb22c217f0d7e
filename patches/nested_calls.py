"""Calls of nested functions that call points name, such as ``LibvirtDriver.spawn.<locals>._wait_for_boot``.

No attribute holds such a function: it exists while its outer function runs. So it is wrapped where a hook of ours gets
it: where a looping call, a pool, a thread or a greenthread is to run it.
"""

from __future__ import annotations

import functools
from types import FunctionType
from typing import TYPE_CHECKING, Any, Sequence

from . import calls, patching, wrapper_frames
from .host_fields import function_names

if TYPE_CHECKING:
    from .hooks import Function

_NESTED = ".<locals>."

#: Tests of a module, a qualified name, and an excluded name.
_points: list[tuple[calls.Matcher, calls.Matcher, calls.Matcher]] = []


def install(points: Sequence[tuple[str, Sequence[str], Sequence[str]]]) -> None:
    """Record the nested functions that ``points`` name."""
    patching.undo(_points.clear)
    for module_glob, texts, excluded in points:
        names = [name for name in calls.alternatives(texts) if _NESTED in name]
        if names:
            _points.append((calls.Matcher([module_glob]), calls.Matcher(names), calls.Matcher(excluded)))


def recorded(function: Function) -> Function:
    """Return a function that records its calls and does the same if a point names it, else the function itself."""
    if not _points:
        return function
    return calls.calls.guarded(_recorded, function) or function


def _recorded(function: Any) -> Function | None:
    if type(function) is functools.partial:
        inner = _recorded(function.func)
        return inner and functools.partial(inner, *function.args, **function.keywords)
    if type(function) is not FunctionType or not calls.is_whole(function):
        return None
    module, name = function_names(function)
    if _NESTED not in name or not _is_named(module, name):
        return None
    wrapper = calls.maker(function, module, name)(function)
    wrapper_frames.disguise(wrapper, function)
    return wrapper


def _is_named(module: str, name: str) -> bool:
    return any(
        is_module(module) and is_name(name) and not is_excluded(name) for is_module, is_name, is_excluded in _points
    )
