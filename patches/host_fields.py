"""Fields of the host's objects for hooks: a stored value, or None where only code of the host's could compute one."""

from __future__ import annotations

import functools
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, MethodType
from typing import Any, Callable, Generic, TypeVar
from weakref import ref

from . import faults
from .classes import MISSING, is_kind, lookup, module_of, mro, namespace, type_name
from .host_objects import stored

_Value = TypeVar("_Value")


def field(thing: Any, name: str) -> Any:
    """Return an object's field from its dictionary, a slot, or its class; None if there is none."""
    value = dict.get(stored(thing), name, MISSING)
    if value is not MISSING:
        return value
    raw = lookup(type(thing), name)
    if type(raw) is not MemberDescriptorType:
        return None if raw is MISSING or lookup(type(raw), "__get__") is not MISSING else raw
    try:
        return raw.__get__(thing, type(thing))
    except AttributeError as error:  # a slot that is empty
        faults.pass_on(error)
        return None


def path(thing: Any, *names: str) -> Any:
    """Return the field of a field, and so on along the names."""
    for name in names:
        thing = field(thing, name)
    return thing


#: The type's own descriptor, which no metaclass can replace.
_read_module = type.__dict__["__module__"].__get__
#: Names that decorators without ``functools.wraps`` give to all that they decorate.
_WRAPPERS = frozenset(("wrapper", "wrapped", "wrap", "inner", "decorated", "context_wrapper"))
_MAX_WRAPPED = 8


def function_names(function: Any, depth: int = _MAX_WRAPPED) -> tuple[str, str]:
    """Return the module and qualified name of a function, or of the class of any other callable.

    A method has the name that its class has for it, a decorator's ``wrapper`` that of the only function in its closure.
    """
    while type(function) is functools.partial:
        function = function.func
    kind = type(function)
    if kind is MethodType:
        owner, function = function.__self__, function.__func__
        names = _names_in_class(owner if is_kind(type(owner), type) else type(owner), function)
        if names is not None:
            return names
        kind = type(function)
    if kind is FunctionType:
        inner = _decorated(function) if depth else None
        if inner is not None:
            return function_names(inner, depth - 1)
    if kind is FunctionType or kind is BuiltinFunctionType:
        module, name = function.__module__, function.__qualname__
        return (module if type(module) is str else _module(type(function.__self__)), name)
    return (module_of(kind) or "", type_name(kind))


def _is_local(function: Any) -> bool:
    return str(function.__qualname__).rpartition(".")[0].endswith("<locals>")


def _names_in_class(owner: type, function: Any) -> tuple[str, str] | None:
    """Return the names of a method that does not know them itself: Cython's, or what a decorator made."""
    if type(function) is FunctionType and not _is_local(function):
        return None
    for base in mro(owner):
        for name, value in list(namespace(base).items()):
            if value is function:
                return _module(base), "%s.%s" % (type_name(base), name)
    return None


def _decorated(function: Any) -> Any:
    """Return what a decorator's function wraps, None where that is not certain."""
    if not _is_local(function):
        return None
    name = function.__qualname__.rpartition(".")[2]
    if name.strip("_") not in _WRAPPERS:
        return None
    inner = dict.get(stored(function), "__wrapped__")
    if inner is not None:
        return inner
    functions = [content for content in map(cell_content, function.__closure__ or ()) if type(content) in _CALLED]
    return functions[0] if len(functions) == 1 else None


_CALLED = (FunctionType, MethodType, BuiltinFunctionType, functools.partial)


def cell_content(cell: Any) -> Any:
    """Return what a closure's cell holds, None while it is empty."""
    try:
        return cell.cell_contents
    except ValueError as error:  # still empty
        faults.pass_on(error)
        return None


def _module(kind: type) -> str:
    """Return the module of a class, of C's too, which have none in their namespace."""
    module = _read_module(kind)
    return module if type(module) is str else ""


class ByIdentity(Generic[_Value]):
    """Values by object, without references to the objects or comparisons; objects without weak references have none."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[Any, _Value]] = {}
        #: Remove all values.
        self.clear = self._values.clear

    def get(self, thing: Any) -> _Value | None:
        """Return the value of this very object, None if it has none."""
        entry = self._values.get(id(thing))
        return None if entry is None else entry[1]

    def set(self, thing: Any, value: _Value) -> None:
        """Store a value for the object, as long as it lives."""
        key = id(thing)
        values = self._values

        def forget(_: Any, pop: Callable[..., Any] = values.pop) -> None:
            pop(key, None)

        try:
            values[key] = (ref(thing, forget), value)
        except TypeError as error:  # a class with slots, none of them for weak references
            faults.pass_on(error)
