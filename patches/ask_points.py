"""The ask points of this process: which there are, where they are, and how they come and go while it runs.

A module that is not there yet gets its points when it comes, after the other hooks: theirs are to stand around ours.
Nothing is imported for a point's sake.
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

#: Names that are told of what is there instead.
_MAX_NEAR = 3000

_points: dict[str, Point] = {}
_seams: list[ask_wrappers.Seam] = []


class _NotThereError(Exception):
    """What is named is not there; the names that are."""

    def __init__(self, state: str, near: Iterable[str]) -> None:
        super().__init__(state)
        self.state, self.near = state, sorted(near)[:_MAX_NEAR]


def install(capture: str, told: list[dict[str, Any]]) -> None:
    """Lines go into the capture's ask.log; these points are there from the start."""
    ask_eval.log = os.path.join(capture, "ask.log")
    patching.undo(_forget)
    sync(told)


def sync(told: list[dict[str, Any]]) -> None:
    """Have these points too."""
    for each in told:
        if each["key"] not in _points:
            asks.guarded(add, each)


def add(told: dict[str, Any]) -> Point:
    """Ask at a place: ``key``, ``where``, ``when``, ``expressions`` (text, code, names); the state says how it went."""
    remove(told["key"])
    point = Point(told)
    _points[point.key] = point
    missing = _missing(point.module)
    if missing is not None:
        point.state, point.near = NO_MODULE, missing
        del _points[point.key]
    else:
        # As a pattern: those are told of a module after the hooks that know its name.
        pattern = "%s[%s]" % (point.module[:-1], point.module[-1])
        import_hooks.when_imported(pattern, functools.partial(asks.guarded, _arrived, point))
        if point.state not in (ADDED, WAITING):
            del _points[point.key]
    return point


def remove(key: str) -> bool:
    """Ask no more under this key; whether anything was asked."""
    point = _points.pop(key, None)
    if point is None:
        return False
    point.enabled = False
    point.take_off()
    return True


def listed() -> list[dict[str, Any]]:
    """What is asked, and how it goes."""
    return [
        {
            "key": each.key, "where": each.where, "when": str(each.when), "state": each.state, "lines": each.lines,
            "failures": each.failures, "error": each.last_error or "",
        }
        for each in list(_points.values())
    ]  # fmt: skip


def _forget() -> None:
    """Everything goes; a wrapper that somebody has wrapped stays without points."""
    for key in list(_points):
        remove(key)
    _seams[:] = [seam for seam in _seams if any(ours is seam.held for _, _, _, ours in patching._stayed)]


def _arrived(point: Point, module: ModuleType) -> None:
    """The module is there: put the point where it belongs, once."""
    if _points.get(point.key) is not point or point.state != WAITING:
        return
    try:
        owner, name, function = _find(module, point.qualified)
        _put(point, owner, name, function)
        point.state = ADDED
    except _NotThereError as error:
        point.state, point.near = error.state, error.near
    except LookupError as error:
        point.state = str(error)


def _put(point: Point, owner: Any, name: str, function: Any) -> None:
    code = function.__code__
    point.place = (code.co_filename, code.co_firstlineno, name)
    wrapped = True
    within = None
    if type(point.when) is int:
        if point.when not in ask_lines.numbers(code):
            raise _NotThereError(NO_LINE, map(str, ask_lines.numbers(code)))
        wrapped = ask_lines.needs_wrapper(code)
        within = ask_lines.ask(point, code)
    if wrapped:
        seam = _seam(owner, name, function)
        seam.points.append(point)
        seam.update()
    point.take_off = functools.partial(_taken_off, point, seam if wrapped else None, within)


def _seam(owner: Any, name: str, function: Any) -> ask_wrappers.Seam:
    for seam in _seams:
        if (seam.owner is owner and seam.name == name) or seam.stands_in(owner, name):
            return seam
    made = ask_wrappers.Seam(owner, name, function)
    if not made.put_in():
        raise LookupError("it cannot be wrapped")
    _seams.append(made)
    return made


def _taken_off(point: Point, seam: ask_wrappers.Seam | None, within: Any) -> None:
    if within is not None:
        ask_lines.leave(point, within)
    if seam is not None:
        seam.points.remove(point)
        seam.update()
        if not seam.points and seam.take_out():
            _seams.remove(seam)


def _find(module: ModuleType, qualified: str) -> tuple[Any, str, Any]:
    """Owner, name and innermost function of what is called ``Class.method`` or ``function``, asking nobody."""
    owner: Any = module
    *outer, name = qualified.split(".")
    for each in outer:
        inner = inspect.getattr_static(owner, each, None)
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
        raise LookupError("it is no function written in Python")
    return owner, name, function


def _function(raw: Any) -> Any:
    return raw.__func__ if type(raw) is staticmethod or type(raw) is classmethod else raw


def _names(module: ModuleType) -> list[str]:
    """What could have been meant: the module's functions, and its classes' methods."""
    found = []
    for name, value in list(vars(module).items()):
        if type(value) is FunctionType:
            found.append(name)
        elif classes.is_kind(type(value), type) and classes.module_of(value) == module.__name__:
            found.extend(["%s.%s" % (name, method) for method in classes.methods(value)])
    return list(dict.fromkeys(found))


def _missing(name: str) -> list[str] | None:
    """None where the module is there or can come; else the names of those that are where it should be."""
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
    """Whether a finder knows where it is; that imports nothing."""
    for finder in list(sys.meta_path):
        find = getattr(finder, "find_spec", None)
        if find is not None and not type(finder).__module__.startswith(__package__ or "_bootseq"):
            try:
                if find(name, path) is not None:
                    return True
            except Exception:  # a finder that minds being asked: it may know
                return True
    return False


def _beside(package: str, path: Any) -> list[str]:
    start = package + "." if package else ""
    found = {name for name in list(sys.modules) if name.startswith(start)}
    for folder in path or ():
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        found.update(start + entry.partition(".")[0] for entry in entries if entry.partition(".")[0].isidentifier())
    return sorted(found)[:_MAX_NEAR]
