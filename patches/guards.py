"""What checked expressions may use in a service: functions that they call, and guards in place of what could harm.

A guard loads nothing from a database, adds no key to a defaultdict, uses up no generator and fills no memory.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable

#: No number that a product may have is longer, in bits.
_MAX_BITS = 4096
_MAX_HELD = 100_000

_type_name = type.__dict__["__name__"].__get__


class NotLoadedError(LookupError):
    """Asking for it would load it."""


def _get(thing: Any, name: str) -> Any:
    """An attribute, unless asking for it would make the host load something."""
    own = getattr(thing, "__dict__", None)
    if type(own) is dict and not isinstance(thing, type):
        fields = inspect.getattr_static(type(thing), "fields", None)
        if (
            "_obj_" + name not in own
            and isinstance(fields, dict)
            and name in fields
            and hasattr(thing, "obj_load_attr")
        ):
            raise NotLoadedError(name)
        if "_sa_instance_state" in own and name not in own:
            kind = type(inspect.getattr_static(type(thing), name, None))
            if kind.__module__.startswith("sqlalchemy."):
                raise NotLoadedError(name)
    return getattr(thing, name)


def _item(thing: Any, key: Any) -> Any:
    """An item, without making one in a defaultdict."""
    if isinstance(thing, dict) and key not in thing:
        raise KeyError(str(key))
    return thing[key]


def _held(thing: Any) -> Any:
    """What has a length has its items; anything else might be used up, or ask a database."""
    length = getattr(type(thing), "__len__", None)
    if length is None or hasattr(type(thing), "__next__"):
        raise TypeError("%s would be used up" % _type_name(type(thing)))
    if length(thing) > _MAX_HELD:
        raise ValueError("%d items" % length(thing))
    return thing


def _number(value: Any) -> Any:
    if not isinstance(value, (int, float)) or (isinstance(value, int) and value.bit_length() > _MAX_BITS):
        raise TypeError("%s is no number to reckon with" % _type_name(type(value)))
    return value


def _has(thing: Any, name: str) -> bool:
    try:
        _get(thing, name)
    except (AttributeError, LookupError):
        return False
    return True


def _formatted(value: Any, conversion: int, spec: str) -> str:
    if conversion != -1:
        value = repr(value) if conversion == ord("r") else ascii(value) if conversion == ord("a") else str(value)
    return format(value, spec)


def _over(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, of things that have their items."""

    @functools.wraps(function)
    def guarded(*things: Any) -> Any:
        return function(*[_held(thing) for thing in things] if len(things) == 1 else things)

    return guarded


_TYPES = (
    BaseException, Exception, bool, bytes, dict, float, frozenset, int, list, object, set, str, tuple, type
)  # fmt: skip
#: Of expressions that the tool has checked; it writes ``_ask_NAME(…)`` for the guards.
BUILTINS: dict[str, Any] = {each.__name__: each for each in _TYPES}
_PLAIN: tuple[Callable[..., Any], ...] = (abs, bool, float, int, isinstance, len, repr, slice, str)
_TAKING: tuple[Callable[..., Any], ...] = (dict, list, max, min, set, sorted, sum, tuple)
BUILTINS.update({"_ask_" + each.__name__: each for each in _PLAIN})
BUILTINS.update({"_ask_" + each.__name__: _over(each) for each in _TAKING})
BUILTINS.update(
    _ask_get=_get, _ask_item=_item, _ask_held=_held, _ask_hasattr=_has, _ask_format=_formatted,
    _ask_text=lambda *parts: "".join(parts), _ask_type=lambda thing: _type_name(type(thing)),
    _ask_times=lambda one, other: _number(one) * _number(other),
    _ask_modulo=lambda one, other: _number(one) % _number(other),
)  # fmt: skip
