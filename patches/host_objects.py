"""Reads the host's objects without running any of the host's code: no property, no special method, no descriptor.

Attributes come from instance dictionaries, slots and class namespaces, items from the storage of builtin containers.
What only the host's own code could answer raises UnsafeError; what the host would load first raises NotLoadedError.
"""

from __future__ import annotations

import collections
import datetime
import functools
import itertools
from types import (
    BuiltinFunctionType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from .classes import MISSING, is_kind, lookup, module_of, mro, namespace, type_name

#: Larger containers are not looked through.
MAX_HELD = 100_000
_MAX_DEPTH = 50

# The types' own answers, which no class can replace.
_getset_doc = GetSetDescriptorType.__dict__["__doc__"].__get__
_read_getset = GetSetDescriptorType.__get__
_read_member = MemberDescriptorType.__get__


class NotLoadedError(LookupError):
    """The host would load it first."""


class UnsafeError(LookupError):
    """Only the host's own code could answer."""

    def __init__(self, code: str) -> None:
        super().__init__("%s: use --unsafe" % code)


class _Ordinary:
    """A class whose instances have a dictionary."""


#: What Python gives each class of a module for its instances' ``__dict__``; an extension's descriptor reads otherwise.
_ORDINARY = _getset_doc(_Ordinary.__dict__["__dict__"])
_DICTS: tuple[Any, ...] = tuple(
    [namespace(each)["__dict__"] for each in (BaseException, FunctionType, functools.partial)]
)
_TupleGetter: type = type(collections.namedtuple("_One", "only").only)  # type: ignore[attr-defined]
_read_field: Any = vars(_TupleGetter)["__get__"]

#: The containers whose storage is read, by identity: a class may be hashed by its metaclass.
_CONTAINERS: dict[int, type] = {id(each): each for each in (dict, list, tuple, set, frozenset, collections.deque)}
_CONTAINERS.update((id(each), dict) for each in (collections.OrderedDict, collections.defaultdict, collections.Counter))
#: A subclass with one of these may hold its items elsewhere, or fetch them.
_ITEM_METHODS = (
    "__len__", "__getitem__", "__iter__", "__contains__", "__missing__", "__getattribute__", "items", "keys", "values",
    "get",
)  # fmt: skip
_SCALARS: dict[int, Any] = {
    id(str): str.__str__, id(int): int.__int__, id(float): float.__float__, id(bool): bool,
    id(type(None)): lambda _: None,
    id(bytes): lambda value: bytes.__getitem__(value, slice(None)),
}  # fmt: skip
_DATES = tuple(map(id, (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)))
_READ_BY_C = tuple(map(id, (datetime.datetime, datetime.date, datetime.time, int, float, BaseException)))
_FUNCTIONS = tuple(
    map(
        id,
        (FunctionType, MethodType, BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType, classmethod,
         staticmethod, type),
    )
)  # fmt: skip
_PLAIN_GETATTRIBUTES = tuple(
    map(id, [namespace(each)["__getattribute__"] for each in (object, type, ModuleType, BaseException)])
)


def stored(thing: Any) -> dict[Any, Any]:
    """The attributes that an object holds itself; none where its class computes them."""
    kind = type(thing)
    found = dict_descriptor(kind)
    if found is None:
        return {}
    own = found.__get__(thing, kind)
    return own if type(own) is dict or is_kind(type(own), dict) else {}


def dict_descriptor(kind: type) -> Any:
    """What reads the dictionary off a class's instances and runs no code of the host's; None where nothing does."""
    for each in mro(kind):
        found = namespace(each).get("__dict__", MISSING)
        if found is MISSING:
            continue
        how = type(found)
        if how is GetSetDescriptorType:
            return found if _getset_doc(found) == _ORDINARY or found in _DICTS else None
        return found if how is MemberDescriptorType else None
    return None


def pairs(mapping: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """The keys and values that stand in a dict's own storage, whatever its class."""
    return some(dict.items(mapping), dict.__len__(mapping))


def some(iterator: Any, length: int) -> list[Any]:
    """Items of a builtin's storage; ValueError if there are too many."""
    if length > MAX_HELD:
        raise ValueError("%d items" % length)
    return list(itertools.islice(iterator, MAX_HELD))


def attribute(thing: Any, name: str) -> Any:
    """An attribute's value as it is stored."""
    kind = type(thing)
    if is_kind(kind, type):
        found, own = lookup(thing, name), MISSING
    else:
        found, own = lookup(kind, name), _entry(stored(thing), name)
    if own is not MISSING and (found is MISSING or lookup(type(found), "__set__") is MISSING):
        return own
    if found is MISSING:
        _raise_missing(kind, name)
    return _described(thing, name, found, own)


def _entry(own: dict[Any, Any], name: str) -> Any:
    """Looked for one by one: a dict asks keys of the same hash whether they are equal."""
    return next((value for key, value in pairs(own) if type(key) is str and key == name), MISSING)


def _raise_missing(kind: type, name: str) -> None:
    if lookup(kind, "__getattr__") is not MISSING:
        raise UnsafeError("__getattr__")
    getattribute = lookup(kind, "__getattribute__")
    if id(getattribute) not in _PLAIN_GETATTRIBUTES and container(kind) is None and not is_scalar(kind):
        raise UnsafeError("__getattribute__")
    raise AttributeError("%s has no %s" % (type_name(kind), name))


def _described(thing: Any, name: str, found: Any, own: Any) -> Any:
    """What the class has under the name: a value, a function, or a descriptor that is read only if it is known."""
    how = type(found)
    if id(how) in _FUNCTIONS or lookup(how, "__get__") is MISSING:
        return found
    if not is_kind(type(thing), type):
        if how is MemberDescriptorType:
            return _read_member(found, thing, type(thing))
        if how is _TupleGetter:
            return _read_field(found, thing, type(thing))
        if how is GetSetDescriptorType and id(found.__objclass__) in _READ_BY_C:
            return _read_getset(found, thing, type(thing))
        if how is property and name in fields(type(thing)):
            own = _entry(stored(thing), "_obj_" + name)
        elif not _is_column(how):
            raise UnsafeError("property")
        if own is MISSING:
            raise NotLoadedError(name)
        return own
    raise UnsafeError("property")


def fields(kind: type) -> list[str]:
    """The names that oslo.versionedobjects makes properties of, each stored as ``_obj_NAME``; none in other classes."""
    found = lookup(kind, "fields")
    if type(found) is not dict or lookup(kind, "obj_load_attr") is MISSING:
        return []
    return [key for key, _ in pairs(found) if type(key) is str]


def _is_column(how: type) -> bool:
    """Whether a descriptor is SQLAlchemy's of a mapped attribute, which the instance's dictionary has once loaded."""
    return any(
        type_name(each) == "InstrumentedAttribute" and module_of(each) == "sqlalchemy.orm.attributes"
        for each in mro(how)
    )


def is_mapped(thing: Any) -> bool:
    """Whether SQLAlchemy keeps its state in the object."""
    return _entry(stored(thing), "_sa_instance_state") is not MISSING


def container(kind: type) -> type | None:
    """The builtin container whose storage has the items of a class's instances; None if it may have not all."""
    for each in mro(kind):
        if id(each) in _CONTAINERS:
            return _CONTAINERS[id(each)]
        names = namespace(each)
        if any(name in names for name in _ITEM_METHODS):
            return None
    return None


def held(thing: Any) -> Any:
    """The container itself, or the list in one of oslo.versionedobjects' lists; UnsafeError for anything else."""
    if container(type(thing)) is not None:
        return thing
    if "objects" in fields(type(thing)):
        inner = attribute(thing, "objects")
        if container(type(inner)) is not None:
            return inner
    raise UnsafeError(type_name(type(thing)))


def length(thing: Any) -> int:
    """How many items a container has."""
    thing = held(thing)
    count: int = container(type(thing)).__len__(thing)  # type: ignore[union-attr]
    return count


def items(thing: Any) -> list[Any]:
    """The items of a container; of a dict its keys."""
    thing = held(thing)
    base: Any = container(type(thing))
    return some(base.__iter__(thing), base.__len__(thing))


def is_scalar(kind: type) -> bool:
    """Whether ``scalar`` has a value for instances of the class."""
    return id(kind) in _DATES or any(id(each) in _SCALARS for each in mro(kind))


def scalar(thing: Any) -> Any:
    """A text, number, date or None as its exact builtin type; MISSING for anything else."""
    kind = type(thing)
    if id(kind) in _DATES:
        return thing if getattr(thing, "tzinfo", None) is None or type(thing.tzinfo) is datetime.timezone else MISSING
    for each in mro(kind):
        read = _SCALARS.get(id(each))
        if read is not None:
            return read(thing)
    return MISSING


def exact(thing: Any, left: list[int] | None = None, depth: int = 0) -> Any:
    """A copy in exact builtin types all through, fit for any operator; UnsafeError where it holds anything else."""
    left = [MAX_HELD] if left is None else left
    value = scalar(thing)
    if value is not MISSING:
        return value
    thing = held(thing)
    base: Any = container(type(thing))
    left[0] -= 1 + base.__len__(thing)
    if left[0] < 0 or depth > _MAX_DEPTH:
        raise ValueError("too many items")
    if base is dict:
        return {exact(key, left, depth + 1): exact(value, left, depth + 1) for key, value in pairs(thing)}
    return base([exact(item, left, depth + 1) for item in items(thing)])


def position(candidates: list[Any], key: Any) -> int | None:
    """Where the first value is that equals the key; UnsafeError if none does and some cannot be compared."""
    wanted, left = exact(key), [MAX_HELD]
    foreign: UnsafeError | None = None
    for at, each in enumerate(candidates):
        try:
            # Texts alone are compared in a tenth of the time.
            if (each if type(each) is str else exact(each, left)) == wanted:
                return at
        except UnsafeError as error:
            foreign = error
    if foreign is not None:
        raise foreign
    return None
