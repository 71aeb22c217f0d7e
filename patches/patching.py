"""Replace one attribute of a class or module, and put the very same object back.

The raw attribute is read without binding it, so that a staticmethod or classmethod stays one; what the owner only
inherited is deleted on undo, not set. Undo touches nothing that somebody else has wrapped since: such a wrapper of ours
stays and passes calls through, because its hook records nothing any more.
"""

from __future__ import annotations

import functools
import inspect
import sys
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Callable

from . import faults, wrapper_frames

if TYPE_CHECKING:
    from .hooks import Function, Maker

#: Stands for what an owner does not hold itself.
ABSENT = object()

#: (owner, name, what the owner held before or ABSENT, our object), in the order of replacing
replaced: list[tuple[Any, str, Any, Any]] = []

#: Ours that somebody had wrapped when they should have gone, likewise. They record again when hooks come back, so no
#: second one is put around them.
_stayed: list[tuple[Any, str, Any, Any]] = []

#: those of modules, and plain methods, of which other modules may take a second name, by the identity of our object
_functions: dict[int, tuple[Any, str, Any, Any]] = {}

#: what puts back the rest (a logger's level, a table of ours), in the order of changing
_undoing: list[Callable[[], object]] = []


def undo(function: Callable[[], object]) -> None:
    """Call ``function()`` when everything is undone, after the attributes were put back."""
    _undoing.append(function)


def replace(owner: Any, name: str, make: Maker) -> bool:
    """Set ``owner.name`` to ``make(original function)``; True if done, False where there is nothing to wrap."""
    try:
        raw = inspect.getattr_static(owner, name)
    except AttributeError as error:
        faults.pass_on(error)
        return False
    if any(one is owner and named == name and _reaches(raw, _inside(ours)) for one, named, _, ours in _stayed):
        return True
    own = vars(owner).get(name, ABSENT)
    if id(own) in _functions and _functions[id(own)][:2] != (owner, name):
        # A second name of a function of another module, taken while ours stood there: what is meant is the function.
        raw = own = _functions[id(own)][2]
    new = _wrapped(owner, raw, make)
    if new is None:
        return False
    try:
        setattr(owner, name, new)
    except (AttributeError, TypeError) as error:  # a class written in C, or a metaclass that minds
        faults.pass_on(error)
        return False
    # A metaclass may have put something else there than what we gave it: remember what is held now.
    held = vars(owner).get(name, ABSENT)
    if held is own:
        return False
    replaced.append((owner, name, own, held))
    if own is not ABSENT and (not isinstance(owner, type) or type(held) is FunctionType):
        _functions[id(held)] = replaced[-1]
    return True


def replace_second_names() -> None:
    """Replace functions where other modules have taken them with ``from x import f`` before ours stood there."""
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
    """What to put in place of ``raw``; None where calls through a wrapper would not be what they were."""
    if isinstance(raw, (staticmethod, classmethod)):
        inner = raw.__func__
        return type(raw)(_made(inner, make)) if isinstance(raw, staticmethod) or type(inner) is FunctionType else None
    if isinstance(raw, type) or not callable(raw):
        return None
    if type(raw) is FunctionType or not isinstance(owner, type):
        return _made(raw, make)
    # A callable in a class that is no function (wrapt's, a C method): only what binds may be called with the instance.
    return _made(_binding(raw), make) if hasattr(type(raw), "__get__") else None


def _made(original: Any, make: Maker) -> Any:
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
    """Undo one replacement, wherever our object stands; False where somebody has wrapped it since, and it stays."""
    rest = [entry for entry in replaced if entry[3] is not ours or not _restored(*entry)]
    replaced[:] = rest
    if id(ours) in _functions:
        _restore_second_names(ours)
    gone = not any(entry[3] is ours for entry in rest)
    if gone:
        _functions.pop(id(ours), None)
    return gone


def restore_all() -> list[str]:
    """Undo every replacement, latest first; the names that could not be put back because someone wrapped ours."""
    done = set()
    before, _stayed[:] = _stayed[:], []
    for owner, name, own, ours in _taken_off(replaced) + before:
        if _restored(owner, name, own, ours):
            done.add((id(owner), name))
        elif (id(owner), name) not in done and _reaches(vars(owner).get(name), _inside(ours)):
            _stayed.append((owner, name, own, ours))
            _functions.pop(id(ours), None)
    _restore_second_names()
    _functions.clear()
    kept = ["%s.%s" % (owner.__name__, name) for owner, name, _, _ in _stayed]
    for function in _taken_off(_undoing):
        try:
            function()
        except Exception as error:
            faults.pass_on(error)
            kept.append("%s: %s" % (type(error).__name__, error))
    return kept


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
            if vars(owner).get(name) is not own:  # a metaclass that wraps what it is given
                type.__setattr__(owner, name, own)
    except Exception:
        return False
    return True


def _restore_second_names(only: Any = ABSENT) -> None:
    """Put functions back that other modules took with ``from x import f`` while ours stood there."""
    for module in list(sys.modules.values()) if _functions else ():
        if not issubclass(type(module), ModuleType):
            continue
        names = object.__getattribute__(module, "__dict__")  # vars() would make a lazy module load
        for name, value in list(names.items()):
            while id(value) in _functions and _functions[id(value)][3] is value and only in (ABSENT, value):
                names[name] = value = _functions[id(value)][2]


def _inside(raw: Any) -> Any:
    return raw.__func__ if isinstance(raw, (staticmethod, classmethod)) else raw


def _reaches(thing: Any, ours: Any, depth: int = 0) -> bool:
    """Whether calls of ``thing`` come through ``ours``, as far as closures and ``__wrapped__`` tell."""
    if thing is ours:
        return True
    kind = type(thing)
    inner = []
    if kind is FunctionType:
        inner = [vars(thing).get("__wrapped__")]
        inner.extend(_content(cell) for cell in thing.__closure__ or ())
    elif kind in (staticmethod, classmethod, MethodType):
        inner = [thing.__func__]
    elif kind is functools.partial:
        inner = [thing.func]
    elif inspect.getattr_static(kind, "__wrapped__", None) is not None:  # wrapt's
        inner = [thing.__wrapped__]
    return depth < 8 and any(callable(each) and _reaches(each, ours, depth + 1) for each in inner)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError as error:  # empty yet
        faults.pass_on(error)
        return None
