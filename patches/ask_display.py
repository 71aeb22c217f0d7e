"""Values as a line of text: masked and capped.

``read`` shows what ``host_objects`` reads and runs no code of the host's; ``represented`` calls each object's
``repr()``, which the user has allowed by --unsafe.
"""

from __future__ import annotations

import inspect
import itertools
from types import FunctionType, ModuleType
from typing import Any, Callable

from . import classes, host_objects, values
from .classes import MISSING

MAX_VALUE = 500
#: Characters for the note on the rest.
_REST = 64
_BRACKETS: dict[type, str] = {dict: "{%s}", list: "[%s]", tuple: "(%s)", set: "{%s}", frozenset: "frozenset({%s})"}
_Leaf = Callable[[Any, int, "list[int]"], str]


def read(value: Any) -> str:
    """Return the value as it is stored."""
    return _shown(value, _stored)


def represented(value: Any) -> str:
    """Return the value as it represents itself."""
    return _shown(value, _repr)


def _shown(value: Any, leaf: _Leaf) -> str:
    text = _part(value, 0, [MAX_VALUE], leaf)
    return values.masked_text(text.replace("\n", "\\n"), MAX_VALUE + _REST)


def _part(value: Any, depth: int, left: list[int], leaf: _Leaf) -> str:
    if left[0] <= 0:
        return "…"
    scalar = host_objects.scalar(value)
    base = host_objects.container(type(value)) if scalar is MISSING and type(value) is not bool else None
    if base is not None and (leaf is _stored or base is type(value)):
        return "…" if depth >= values.MAX_DEPTH else _of_container(value, base, depth, left, leaf)
    text = leaf(value, depth, left) if scalar is MISSING else _of_scalar(scalar)
    left[0] -= len(text)
    return text


def _of_scalar(value: Any) -> str:
    if type(value) is str:
        return repr(values.masked_text(value, MAX_VALUE))
    return str(values.scalar(value))


def _of_container(value: Any, base: type, depth: int, left: list[int], leaf: _Leaf) -> str:
    if base is dict:
        pairs = itertools.islice(dict.items(value), values.MAX_ITEMS)
        parts = [_named("%s: %s", *pair, depth, left, leaf) for pair in list(pairs) if left[0] > 0]
    else:
        first = list(itertools.islice(base.__iter__(value), values.MAX_ITEMS))  # type: ignore[attr-defined]
        parts = [_part(item, depth + 1, left, leaf) for item in first if left[0] > 0]
    count = host_objects.length(value)
    text = ", ".join(parts + ["…"] * (len(parts) < count))
    if base is tuple and count == 1:
        text += ","
    shown = _BRACKETS.get(base, base.__name__ + "([%s])") % text if count or base is not set else "set()"
    return shown if base is type(value) else "%s(%s)" % (classes.type_name(type(value)), shown)


def _named(form: str, key: Any, value: Any, depth: int, left: list[int], leaf: _Leaf) -> str:
    """Return a name and its value, which is masked if the name is a secret's."""
    name = key if form.startswith("%s=") else _part(key, depth + 1, left, leaf)
    secret = type(key) is str and values.secret_key(key) and values.may_be_secret(value)
    left[0] -= len(name) // 2
    return form % (name, values.MASK if secret else _part(value, depth + 1, left, leaf))


def _stored(value: Any, depth: int, left: list[int]) -> str:
    """Return an object as its class and the fields that oslo.versionedobjects and SQLAlchemy loaded, at the top all."""
    kind = type(value)
    name = classes.type_name(kind)
    if classes.is_kind(kind, type):
        return "<class '%s'>" % classes.class_name(value)
    if classes.is_kind(kind, BaseException):
        return "<%s>" % values.error_text(value)
    if kind is FunctionType:
        return "<function %s>" % value.__qualname__
    if classes.class_name(kind) == "uuid.UUID":
        return "UUID('%032x')" % host_objects.attribute(value, "int")
    attributes, close = _attributes(value, depth)
    parts = [_named("%s=%s", *pair, depth, left, _stored) for pair in attributes[: values.MAX_ITEMS] if left[0] > 0]
    parts += ["…"] * (len(parts) < len(attributes))
    return "%s(%s)" % (name, ", ".join(parts)) if close else "<%s>" % " ".join([name, *parts])


def _attributes(value: Any, depth: int) -> tuple[list[tuple[str, Any]], bool]:
    """Return names and values to show, and whether they are the fields of a data object."""
    kind = type(value)
    own = [pair for pair in host_objects.pairs(host_objects.stored(value)) if type(pair[0]) is str]
    fields = host_objects.fields(kind)
    if fields:
        loaded = dict(own)
        return [(name, loaded["_obj_" + name]) for name in fields if "_obj_" + name in loaded], True
    if host_objects.is_mapped(value):
        return [(key, value) for key, value in own if key != "_sa_instance_state"], True
    if depth > 0 or classes.is_kind(kind, ModuleType) or classes.iterates(kind):
        return [], False
    return own, False


def _repr(value: Any, depth: int, left: list[int]) -> str:
    """Return the object's own representation; what that raises is caught."""
    name = classes.type_name(type(value))
    if inspect.getattr_static(type(value), "__repr__", None) is object.__repr__:
        return "<%s>" % name
    try:
        text = repr(value)
    except Exception as error:
        return "<%s, whose repr() raised %s>" % (name, values.error_text(error))
    return values.masked_text(text, MAX_VALUE) if type(text) is str else "<%s>" % name
