"""The ask points of this process, added and removed while it runs.

A module that is not imported yet gets its points at its import, after the other hooks, whose wrappers are to be around
ours. Nothing is imported for the sake of a point.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from types import FunctionType, ModuleType
from typing import Any, Iterable

from . import ask_eval, ask_lines, ask_wrappers, classes, import_hooks, patching
from .ask_eval import Point, asks
from .ask_outcomes import ADDED, NO_FUNCTION, NO_LINE, NO_MODULE, WAITING

#: Names that exist, reported in place of one that does not.
_MAX_NEAR = 3000

_points: dict[str, Point] = {}
_wrappers: list[ask_wrappers.AskWrapper] = []


class _NotThereError(Exception):
    """A name does not exist; ``near`` has those that do."""

    def __init__(self, state: str, near: Iterable[str]) -> None:
        super().__init__(state)
        self.state, self.near = state, sorted(near)[:_MAX_NEAR]


def install(capture: str, specs: list[dict[str, Any]]) -> None:
    """Write lines into the capture's ask.log, and add points."""
    ask_eval.log = os.path.join(capture, "ask.log")
    patching.undo(_forget)
    sync(specs)


def sync(specs: list[dict[str, Any]]) -> None:
    """Add those of the points that are missing."""
    for spec in specs:
        if spec["key"] not in _points:
            asks.guarded(add, spec)


def add(spec: dict[str, Any]) -> Point:
    """Add a point: ``key``, ``where``, ``when``, ``expressions`` (text, code, names); its state is the outcome."""
    remove(spec["key"])
    point = Point(spec)
    _points[point.key] = point
    missing = _missing(point.module)
    if missing is not None:
        point.state, point.near = NO_MODULE, missing
        del _points[point.key]
    else:
        # As a pattern: their callbacks are called after those of hooks that have the module's name.
        pattern = "%s[%s]" % (point.module[:-1], point.module[-1])
        import_hooks.when_imported(pattern, functools.partial(asks.guarded, _arrived, point))
        if point.state not in (ADDED, WAITING):
            del _points[point.key]
    return point


def remove(key: str) -> bool:
    """Remove the point with this key; return whether there was one."""
    point = _points.pop(key, None)
    if point is None:
        return False
    point.enabled = False
    point.take_off()
    return True


def listed() -> list[dict[str, Any]]:
    """Return all points, with their states and counts."""
    return [
        {
            "key": point.key, "where": point.where, "when": str(point.when), "state": point.state,
            "lines": point.lines, "failures": point.failures, "error": point.last_error or "",
        }
        for point in list(_points.values())
    ]  # fmt: skip


def _forget() -> None:
    """Remove all points; a wrapper that somebody has wrapped stays, without points."""
    for key in list(_points):
        remove(key)
    _wrappers[:] = [wrapper for wrapper in _wrappers if any(entry[3] is wrapper.held for entry in patching._stayed)]


def _arrived(point: Point, module: ModuleType) -> None:
    """Attach the point to its function, once, now that the module is imported."""
    if _points.get(point.key) is not point or point.state != WAITING:
        return
    try:
        owner, name, function = _find(module, point.qualified)
        _attach(point, owner, name, function)
        point.state = ADDED
    except _NotThereError as error:
        point.state, point.near = error.state, error.near
    except LookupError as error:
        point.state = str(error)


def _attach(point: Point, owner: Any, name: str, function: Any) -> None:
    code = function.__code__
    point.source = (code.co_filename, code.co_firstlineno, name)
    wrapped = True
    within = None
    if type(point.when) is int:
        if point.when not in ask_lines.numbers(code):
            raise _NotThereError(NO_LINE, map(str, ask_lines.numbers(code)))
        wrapped = ask_lines.needs_wrapper(code)
        within = ask_lines.ask(point, code)
    if wrapped:
        wrapper = _wrapper(owner, name, function)
        wrapper.points.append(point)
        wrapper.update()
    point.take_off = functools.partial(_detach, point, wrapper if wrapped else None, within)


def _wrapper(owner: Any, name: str, function: Any) -> ask_wrappers.AskWrapper:
    for wrapper in _wrappers:
        if (wrapper.owner is owner and wrapper.name == name) or wrapper.is_called_by(owner, name):
            return wrapper
    wrapper = ask_wrappers.AskWrapper(owner, name, function)
    if not wrapper.install():
        raise LookupError("it cannot be wrapped")
    _wrappers.append(wrapper)
    return wrapper


def _detach(point: Point, wrapper: ask_wrappers.AskWrapper | None, within: Any) -> None:
    if within is not None:
        ask_lines.leave(point, within)
    if wrapper is not None:
        wrapper.points.remove(point)
        wrapper.update()
        if not wrapper.points and wrapper.remove():
            _wrappers.remove(wrapper)


def _find(module: ModuleType, qualified: str) -> tuple[Any, str, Any]:
    """Return owner, name and innermost function of ``Class.method`` or ``function``, without code of the host's."""
    owner: Any = module
    *outer, name = qualified.split(".")
    for part in outer:
        inner = inspect.getattr_static(owner, part, None)
        if not classes.is_kind(type(inner), type):
            raise _NotThereError(NO_FUNCTION, _names(module))
        owner = inner
    raw = inspect.getattr_static(owner, name, None)
    if raw is None:
        raise _NotThereError(NO_FUNCTION, _names(module))
    if classes.is_kind(type(raw), property) or classes.is_kind(type(raw), type):
        raise LookupError("it is a %s, not a function" % ("class" if classes.is_kind(type(raw), type) else "property"))
    function = ask_wrappers.innermost(_function(raw), name)
    if function is None:
        raise LookupError("it is not a function written in Python")
    return owner, name, function


def _function(raw: Any) -> Any:
    return raw.__func__ if type(raw) is staticmethod or type(raw) is classmethod else raw


def _names(module: ModuleType) -> list[str]:
    """Return what could have been meant: the module's functions, and its classes' methods."""
    names = []
    for name, value in list(vars(module).items()):
        if type(value) is FunctionType:
            names.append(name)
        elif classes.is_kind(type(value), type) and classes.module_of(value) == module.__name__:
            names.extend(["%s.%s" % (name, method) for method in classes.methods(value)])
    return list(dict.fromkeys(names))


def _missing(name: str) -> list[str] | None:
    """Return None where the module exists or can be imported; else the names of its siblings."""
    parts = name.split(".")
    path: Any = None
    for count in range(1, len(parts) + 1):
        prefix = ".".join(parts[:count])
        module = sys.modules.get(prefix)
        if module is None:
            return None if _findable(prefix, path) else _beside(".".join(parts[: count - 1]), path)
        path = getattr(module, "__path__", None)
        if path is None and count < len(parts):
            return _beside(prefix, ())
    return None


def _findable(name: str, path: Any) -> bool:
    """Return whether a finder has the module; it is not imported."""
    for finder in list(sys.meta_path):
        find = getattr(finder, "find_spec", None)
        if find is not None and not type(finder).__module__.startswith(__package__ or "_bootseq"):
            try:
                if find(name, path) is not None:
                    return True
            except Exception:  # a broken finder: it may have the module
                return True
    return False


def _beside(package: str, path: Any) -> list[str]:
    start = package + "." if package else ""
    names = {name for name in list(sys.modules) if name.startswith(start)}
    for folder in path or ():
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        names.update(start + entry.partition(".")[0] for entry in entries if entry.partition(".")[0].isidentifier())
    return sorted(names)[:_MAX_NEAR]
