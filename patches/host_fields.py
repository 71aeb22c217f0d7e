"""Fields of the host's objects for hooks: a stored value, or None where only code of the host's could compute one."""

from __future__ import annotations

import functools
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, MethodType
from typing import Any, Callable, Generic, TypeVar
from weakref import ref

from . import faults
from .classes import MISSING, lookup, module_of, type_name
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


def function_names(function: Any) -> tuple[str, str]:
    """Return the module and qualified name of a function, or of the class of any other callable."""
    while type(function) is functools.partial:
        function = function.func
    kind = type(function)
    if kind is MethodType:
        function, kind = function.__func__, type(function.__func__)
    if kind is FunctionType or kind is BuiltinFunctionType:
        module, name = function.__module__, function.__qualname__
        return (module if type(module) is str else module_of(kind) or "", name)
    return (module_of(kind) or "", type_name(kind))


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
