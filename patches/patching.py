"""Replacement of single attributes of classes and modules, undone to the very same objects.

The raw attribute is read without binding it, so that a staticmethod or classmethod stays one; what the owner only
inherited is deleted on undo, not set. Undo touches nothing that somebody else has wrapped since: such a wrapper of ours
stays and passes calls through, because its hook records nothing any more.
"""

from __future__ import annotations

import functools
import inspect
import sys
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Callable, Iterator

from . import faults, wrapper_frames
from .classes import every_class, namespace
from .host_fields import cell_content

if TYPE_CHECKING:
    from .hooks import Function, Maker

#: The raw attribute of an owner that has none itself.
ABSENT = object()

#: (owner, name, what the owner held before or ABSENT, our object), in the order of replacing
replaced: list[tuple[Any, str, Any, Any]] = []

#: Those of ours that somebody had wrapped by the time of the undo, likewise. They record again when hooks come back, so
#: no second one is put around them.
_stayed: list[tuple[Any, str, Any, Any]] = []

#: (owner, name, the function before, our function) of those that modules and class bodies may take under a second name,
#: by the identity of our function
_functions: dict[int, tuple[Any, str, Any, Any]] = {}

#: functions that undo the rest (a logger's level, a table of ours), in the order of changing
_undoing: list[Callable[[], object]] = []


def undo(function: Callable[[], object]) -> None:
    """Call ``function()`` when everything is undone, after the attributes are restored."""
    _undoing.append(function)


def replace(owner: Any, name: str, make: Maker) -> bool:
    """Set ``owner.name`` to ``make(original function)``; return False where there is nothing to wrap."""
    try:
        raw = inspect.getattr_static(owner, name)
    except AttributeError as error:
        faults.pass_on(error)
        return False
    if any(entry[0] is owner and entry[1] == name and _reaches(raw, _inside(entry[3])) for entry in _stayed):
        return True
    own = vars(owner).get(name, ABSENT)
    if id(own) in _functions and _functions[id(own)][:2] != (owner, name):
        # A second name of another owner's function, taken while ours was in its place: the function itself is meant.
        raw = own = _functions[id(own)][2]
    new = _wrapped(owner, raw, make)
    if new is None:
        return False
    try:
        setattr(owner, name, new)
    except (AttributeError, TypeError) as error:  # a class written in C, or a metaclass that refuses
        faults.pass_on(error)
        return False
    # A metaclass may have set another object than ours: remember what the owner holds now.
    held = vars(owner).get(name, ABSENT)
    if held is own:
        return False
    replaced.append((owner, name, own, held))
    function = _inside(held)
    if not isinstance(owner, type) or (type(function) is FunctionType and type(held) is not classmethod):
        _functions[id(function)] = (owner, name, _inside(raw), function)
    return True


def replace_second_names() -> None:
    """Replace functions that other modules took with ``from x import f`` before ours replaced them."""
    originals = {id(own): ours for owner, _, own, ours in replaced if not isinstance(owner, type) and own is not ABSENT}
    for module in list(sys.modules.values()):
        if not issubclass(type(module), ModuleType):
            continue
        names = object.__getattribute__(module, "__dict__")  # vars() would make a lazy module load
        for name, value in list(names.items()):
            if id(value) in originals and value is not originals[id(value)]:
                names[name] = originals[id(value)]
                replaced.append((module, name, value, names[name]))


def _wrapped(owner: Any, raw: Any, make: Maker) -> Any:
    """Return the replacement of ``raw``; None where calls through a wrapper would not do the same."""
    if isinstance(raw, (staticmethod, classmethod)):
        inner = raw.__func__
        fits = isinstance(raw, staticmethod) or type(inner) is FunctionType
        return type(raw)(_wrapper(inner, make)) if fits else None
    if isinstance(raw, type) or not callable(raw):
        return None
    if type(raw) is FunctionType or not isinstance(owner, type):
        return _wrapper(raw, make)
    # A callable in a class that is not a function (wrapt's, a C method): unbound it does not get the instance.
    return _wrapper(_binding(raw), make) if hasattr(type(raw), "__get__") else None


def _wrapper(original: Any, make: Maker) -> Any:
    wrapper = make(original)
    if type(wrapper) is FunctionType:
        wrapper_frames.disguise(wrapper, original)
    return wrapper


def _binding(raw: Any) -> Function:
    @wrapper_frames.hide
    @functools.wraps(raw)
    def bound(instance: Any, *args: Any, **kwargs: Any) -> Any:
        return raw.__get__(instance, type(instance))(*args, **kwargs)

    return bound


def restore(ours: Any) -> bool:
    """Undo one replacement under all of its names; False where somebody has wrapped ours since, and it stays."""
    rest = [entry for entry in replaced if entry[3] is not ours or not _restored(*entry)]
    replaced[:] = rest
    function = id(_inside(ours))
    if function in _functions:
        _restore_second_names({function})
    gone = not any(entry[3] is ours for entry in rest)
    if gone:
        _functions.pop(function, None)
    return gone


def restore_all() -> list[str]:
    """Undo every replacement, latest first; return the names that stay because somebody wrapped ours."""
    done = set()
    before, _stayed[:] = _stayed[:], []
    for owner, name, own, ours in _taken_off(replaced) + before:
        if _restored(owner, name, own, ours):
            done.add((id(owner), name))
        elif (id(owner), name) not in done and _reaches(vars(owner).get(name), _inside(ours)):
            _stayed.append((owner, name, own, ours))
            _functions.pop(id(_inside(ours)), None)
    _restore_second_names(set(_functions))
    _functions.clear()
    stayed = ["%s.%s" % (owner.__name__, name) for owner, name, _, _ in _stayed]
    for function in _taken_off(_undoing):
        try:
            function()
        except Exception as error:
            faults.pass_on(error)
            stayed.append("%s: %s" % (type(error).__name__, error))
    return stayed


def _taken_off(stack: list[Any]) -> list[Any]:
    taken = []
    while stack:
        taken.append(stack.pop())
    return taken


def _restored(owner: Any, name: str, own: Any, ours: Any) -> bool:
    if vars(owner).get(name, ABSENT) is not ours:
        return False
    try:
        if own is ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, own)
            if vars(owner).get(name) is not own:  # a metaclass that wraps what is set
                type.__setattr__(owner, name, own)
    except Exception:
        return False
    return True


def _restore_second_names(wrappers: set[int]) -> None:
    """Restore functions that modules (``from x import f``) and class bodies took while ours were in their places."""
    if not wrappers:
        return
    for module in list(sys.modules.values()):
        if issubclass(type(module), ModuleType):
            names = object.__getattribute__(module, "__dict__")  # vars() would make a lazy module load
            for name, original in _second_names(names, wrappers):
                names[name] = original
    for kind in every_class():
        for name, original in _second_names(namespace(kind), wrappers):
            type.__setattr__(kind, name, original)


def _second_names(names: Any, wrappers: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield the names of a namespace that hold one of ``wrappers`` (identities), and the original of each."""
    # First in C alone: a service has a hundred thousand names, and hardly ever a second one.
    if wrappers.isdisjoint(map(id, list(names.values()))):
        return
    for name, value in list(names.items()):
        original = value
        while id(original) in wrappers and _functions[id(original)][3] is original:
            original = _functions[id(original)][2]
        if original is not value:
            yield name, original


def _inside(raw: Any) -> Any:
    return raw.__func__ if isinstance(raw, (staticmethod, classmethod)) else raw


def _reaches(thing: Any, ours: Any, depth: int = 0) -> bool:
    """Return whether calls of ``thing`` come through ``ours``, by closures and ``__wrapped__``."""
    if thing is ours:
        return True
    kind = type(thing)
    inner = []
    if kind is FunctionType:
        inner = [vars(thing).get("__wrapped__")]
        inner.extend(cell_content(cell) for cell in thing.__closure__ or ())
    elif kind in (staticmethod, classmethod, MethodType):
        inner = [thing.__func__]
    elif kind is functools.partial:
        inner = [thing.func]
    elif inspect.getattr_static(kind, "__wrapped__", None) is not None:  # wrapt's
        inner = [thing.__wrapped__]
    return depth < 8 and any(callable(part) and _reaches(part, ours, depth + 1) for part in inner)
