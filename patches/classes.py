"""Classes, read without their metaclasses: bases, names, namespaces."""

from __future__ import annotations

from types import FunctionType
from typing import Any

MISSING: Any = object()

# The type's own descriptors, which no metaclass can replace.
mro = type.__dict__["__mro__"].__get__
namespace: Any = vars(type)["__dict__"].__get__
type_name = type.__dict__["__name__"].__get__
_subclasses: Any = vars(type)["__subclasses__"]
_qualified_name = type.__dict__["__qualname__"].__get__


def is_kind(kind: type, wanted: type) -> bool:
    """Return whether a class is ``wanted`` or derived from it, by its bases alone."""
    for base in mro(kind):  # noqa: SIM110 - a generator takes four times as long
        if base is wanted:
            return True
    return False


def lookup(kind: type, name: str) -> Any:
    """Return the raw attribute of a class or its nearest base that has one; MISSING if none has."""
    for base in mro(kind):
        names = namespace(base)
        if name in names:
            return names[name]
    return MISSING


def module_of(kind: type) -> str | None:
    """Return the name of the module that a class is from."""
    module = namespace(kind).get("__module__")
    return module if type(module) is str else None


def methods(kind: type) -> list[str]:
    """Return the names of the methods of a class that are written in Python, inherited ones included."""
    pairs = [pair for base in mro(kind) for pair in list(namespace(base).items())]
    return [name for name, raw in pairs if _is_function(type(raw))]


def every_class() -> list[type]:
    """Return all classes of the process: some ten thousand in a service of Nova."""
    classes: list[type] = [object]
    known = {id(object)}
    for kind in classes:  # grows meanwhile
        for derived in _subclasses(kind):
            if id(derived) not in known:
                known.add(id(derived))
                classes.append(derived)
    return classes


def _is_function(kind: type) -> bool:
    # By identity: a metaclass may say what its classes are equal to.
    return kind is FunctionType or kind is staticmethod or kind is classmethod


def class_name(kind: type) -> str:
    """Return the name of a class with its module."""
    module = module_of(kind)
    name = str.__str__(_qualified_name(kind))
    return name if module is None else "%s.%s" % (module, name)


def iterates(kind: type) -> bool:
    """Return whether instances are iterators, files, results of a query or the like, whose attributes say little."""
    return any(lookup(kind, name) is not MISSING for name in ("__iter__", "__next__", "__enter__"))
