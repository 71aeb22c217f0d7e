"""Classes, read without their metaclasses: bases, names and what stands in them."""

from __future__ import annotations

from types import FunctionType
from typing import Any

MISSING: Any = object()

# The type's own answers, which no metaclass can replace.
mro = type.__dict__["__mro__"].__get__
namespace: Any = vars(type)["__dict__"].__get__
type_name = type.__dict__["__name__"].__get__
_qualified_name = type.__dict__["__qualname__"].__get__


def is_kind(kind: type, wanted: type) -> bool:
    """Whether a class is another or derived from it, by its bases alone."""
    for each in mro(kind):  # noqa: SIM110 - a generator takes four times as long
        if each is wanted:
            return True
    return False


def lookup(kind: type, name: str) -> Any:
    """What a class or one of its bases has under a name, as it stands there; MISSING if none."""
    for each in mro(kind):
        names = namespace(each)
        if name in names:
            return names[name]
    return MISSING


def module_of(kind: type) -> str | None:
    """The name of the module that a class is from."""
    module = namespace(kind).get("__module__")
    return module if type(module) is str else None


def methods(kind: type) -> list[str]:
    """The names of what is written in Python and can be called on a class's instances, its bases' too."""
    found = [pair for each in mro(kind) for pair in list(namespace(each).items())]
    return [name for name, raw in found if _is_function(type(raw))]


def _is_function(kind: type) -> bool:
    # By identity: a metaclass may say what its classes are equal to.
    return kind is FunctionType or kind is staticmethod or kind is classmethod


def class_name(kind: type) -> str:
    """A class with its module."""
    module = module_of(kind)
    name = str.__str__(_qualified_name(kind))
    return name if module is None else "%s.%s" % (module, name)


def iterates(kind: type) -> bool:
    """Whether instances are iterators, files, results of a query or the like, whose attributes say little."""
    return any(lookup(kind, name) is not MISSING for name in ("__iter__", "__next__", "__enter__"))
