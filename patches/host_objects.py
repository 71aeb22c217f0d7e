"""The host's objects, read without any of the host's code: no property, no special method, no descriptor.

Attributes are read from instance dictionaries, slots and class namespaces, items from builtin containers' storage.
UnsafeError is raised where only the host's own code could answer, NotLoadedError where the host would load a value.
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

#: Items of a container that is looked through.
MAX_HELD = 100_000
_MAX_DEPTH = 50

# The types' own descriptors, which no class can replace.
_getset_doc = GetSetDescriptorType.__dict__["__doc__"].__get__
_read_getset = GetSetDescriptorType.__get__
_read_member = MemberDescriptorType.__get__


class NotLoadedError(LookupError):
    """The host would load the value first."""


class UnsafeError(LookupError):
    """Only the host's own code could answer."""

    def __init__(self, code: str) -> None:
        super().__init__("%s: use --unsafe" % code)


class _Ordinary:
    """A class whose instances have a dictionary."""


#: The docstring of the descriptor that Python adds to a class for its instances' ``__dict__``; extensions have others.
_ORDINARY = _getset_doc(_Ordinary.__dict__["__dict__"])
_DICTS: tuple[Any, ...] = tuple(
    [namespace(kind)["__dict__"] for kind in (BaseException, FunctionType, functools.partial)]
)
_TupleGetter: type = type(collections.namedtuple("_One", "only").only)  # type: ignore[attr-defined]
_read_field: Any = vars(_TupleGetter)["__get__"]

#: The containers whose storage is read, by identity: a class may be hashed by its metaclass.
_CONTAINERS: dict[int, type] = {id(kind): kind for kind in (dict, list, tuple, set, frozenset, collections.deque)}
_CONTAINERS.update((id(kind), dict) for kind in (collections.OrderedDict, collections.defaultdict, collections.Counter))
#: A subclass that defines one of these may have its items elsewhere, or fetch them.
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
    map(id, [namespace(kind)["__getattribute__"] for kind in (object, type, ModuleType, BaseException)])
)


def stored(thing: Any) -> dict[Any, Any]:
    """Return the attributes in an object's own dictionary; none where its class computes them."""
    kind = type(thing)
    descriptor = dict_descriptor(kind)
    if descriptor is None:
        return {}
    own = descriptor.__get__(thing, kind)
    return own if type(own) is dict or is_kind(type(own), dict) else {}


def dict_descriptor(kind: type) -> Any:
    """Return the descriptor that reads the dictionary of a class's instances without code of the host's, or None."""
    for base in mro(kind):
        descriptor = namespace(base).get("__dict__", MISSING)
        if descriptor is MISSING:
            continue
        descriptor_kind = type(descriptor)
        if descriptor_kind is GetSetDescriptorType:
            return descriptor if _getset_doc(descriptor) == _ORDINARY or descriptor in _DICTS else None
        return descriptor if descriptor_kind is MemberDescriptorType else None
    return None


def pairs(mapping: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """Return the keys and values in a dict's own storage, whatever its class."""
    return some(dict.items(mapping), dict.__len__(mapping))


def some(iterator: Any, length: int) -> list[Any]:
    """Return the items of a builtin's storage; ValueError if there are too many."""
    if length > MAX_HELD:
        raise ValueError("%d items" % length)
    return list(itertools.islice(iterator, MAX_HELD))


def attribute(thing: Any, name: str) -> Any:
    """Return an attribute's value as it is stored."""
    kind = type(thing)
    if is_kind(kind, type):
        raw, own = lookup(thing, name), MISSING
    else:
        raw, own = lookup(kind, name), _entry(stored(thing), name)
    if own is not MISSING and (raw is MISSING or lookup(type(raw), "__set__") is MISSING):
        return own
    if raw is MISSING:
        _raise_missing(kind, name)
    return _class_value(thing, name, raw, own)


def _entry(own: dict[Any, Any], name: str) -> Any:
    """Return an entry by a search through all: a lookup would compare keys of the same hash by their own code."""
    return next((value for key, value in pairs(own) if type(key) is str and key == name), MISSING)


def _raise_missing(kind: type, name: str) -> None:
    if lookup(kind, "__getattr__") is not MISSING:
        raise UnsafeError("__getattr__")
    getattribute = lookup(kind, "__getattribute__")
    if id(getattribute) not in _PLAIN_GETATTRIBUTES and container(kind) is None and not is_scalar(kind):
        raise UnsafeError("__getattribute__")
    raise AttributeError("%s has no %s" % (type_name(kind), name))


def _class_value(thing: Any, name: str, raw: Any, own: Any) -> Any:
    """Return the value of a class's attribute: a value, a function, or what a descriptor reads if it is a known one."""
    kind = type(raw)
    if id(kind) in _FUNCTIONS or lookup(kind, "__get__") is MISSING:
        return raw
    if not is_kind(type(thing), type):
        if kind is MemberDescriptorType:
            return _read_member(raw, thing, type(thing))
        if kind is _TupleGetter:
            return _read_field(raw, thing, type(thing))
        if kind is GetSetDescriptorType and id(raw.__objclass__) in _READ_BY_C:
            return _read_getset(raw, thing, type(thing))
        if kind is property and name in fields(type(thing)):
            own = _entry(stored(thing), "_obj_" + name)
        elif not _is_column(kind):
            raise UnsafeError("property")
        if own is MISSING:
            raise NotLoadedError(name)
        return own
    raise UnsafeError("property")


def fields(kind: type) -> list[str]:
    """Return the fields of a class of oslo.versionedobjects, which are stored as ``_obj_NAME``; [] of other classes."""
    own = lookup(kind, "fields")
    if type(own) is not dict or lookup(kind, "obj_load_attr") is MISSING:
        return []
    return [key for key, _ in pairs(own) if type(key) is str]


def _is_column(kind: type) -> bool:
    """Return whether a descriptor is SQLAlchemy's of a mapped attribute: instances' dictionaries have loaded values."""
    return any(
        type_name(base) == "InstrumentedAttribute" and module_of(base) == "sqlalchemy.orm.attributes"
        for base in mro(kind)
    )


def is_mapped(thing: Any) -> bool:
    """Return whether the object is one of SQLAlchemy's mapped classes."""
    return _entry(stored(thing), "_sa_instance_state") is not MISSING


def container(kind: type) -> type | None:
    """Return the builtin container whose storage has the items of a class's instances; None if it may lack some."""
    for base in mro(kind):
        if id(base) in _CONTAINERS:
            return _CONTAINERS[id(base)]
        names = namespace(base)
        if any(name in names for name in _ITEM_METHODS):
            return None
    return None


def held(thing: Any) -> Any:
    """Return the container itself, or the list within oslo.versionedobjects' lists; UnsafeError for anything else."""
    if container(type(thing)) is not None:
        return thing
    if "objects" in fields(type(thing)):
        inner = attribute(thing, "objects")
        if container(type(inner)) is not None:
            return inner
    raise UnsafeError(type_name(type(thing)))


def length(thing: Any) -> int:
    """Return the number of items of a container."""
    thing = held(thing)
    count: int = container(type(thing)).__len__(thing)  # type: ignore[union-attr]
    return count


def items(thing: Any) -> list[Any]:
    """Return the items of a container; of a dict its keys."""
    thing = held(thing)
    base: Any = container(type(thing))
    return some(base.__iter__(thing), base.__len__(thing))


def is_scalar(kind: type) -> bool:
    """Return whether ``scalar`` has a value for instances of the class."""
    return id(kind) in _DATES or any(id(base) in _SCALARS for base in mro(kind))


def scalar(thing: Any) -> Any:
    """Return a text, number, date or None as its exact builtin type; MISSING for anything else."""
    kind = type(thing)
    if id(kind) in _DATES:
        return thing if getattr(thing, "tzinfo", None) is None or type(thing.tzinfo) is datetime.timezone else MISSING
    for base in mro(kind):
        read = _SCALARS.get(id(base))
        if read is not None:
            return read(thing)
    return MISSING


def exact(thing: Any, left: list[int] | None = None, depth: int = 0) -> Any:
    """Return a copy in exact builtin types, fit for any operator; UnsafeError where it contains anything else."""
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
    """Return the index of the first value that equals the key; UnsafeError if none does and some are not comparable."""
    wanted, left = exact(key), [MAX_HELD]
    foreign: UnsafeError | None = None
    for index, candidate in enumerate(candidates):
        try:
            # Texts alone are compared in a tenth of the time.
            if (candidate if type(candidate) is str else exact(candidate, left)) == wanted:
                return index
        except UnsafeError as error:
            foreign = error
    if foreign is not None:
        raise foreign
    return None
