"""Operators and functions of checked ask expressions: the only ones that they may call in a service.

They work on values that ``host_objects`` reads from the host's own storage, and compare, count and join them as exact
builtin types. None of them runs a special method of the host's, and none builds a value that fills the memory.
"""

from __future__ import annotations

import operator
from typing import Any, Callable

from . import ask_display, classes, host_objects
from .classes import MISSING
from .classes import type_name as _name
from .host_objects import NotLoadedError, UnsafeError, exact

__all__ = ["BUILTINS", "NotLoadedError", "UnsafeError"]

#: Maximum length of numbers to calculate with, in bits, and of texts that are built, in characters.
_MAX_BITS = 4096
_MAX_TEXT = 100_000

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class _Condition:
    """An operand of ``and``, ``or``, ``not`` and ``if``: true or false as the value in its storage is."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return _truth(self.value)


def _truth(thing: Any) -> bool:
    value = host_objects.scalar(thing)
    if value is not MISSING:
        return bool(value)
    kind = type(thing)
    if classes.lookup(kind, "__bool__") is MISSING and classes.lookup(kind, "__len__") is MISSING:
        return True
    return host_objects.length(thing) > 0


def _raw(condition: _Condition) -> Any:
    return condition.value


def _item(thing: Any, key: Any) -> Any:
    """Return an item, without a new one in a defaultdict."""
    text = host_objects.scalar(thing)
    if type(text) is str or type(text) is bytes:
        return text[_index(key)]
    thing = host_objects.held(thing)
    base: Any = host_objects.container(type(thing))
    if base is dict:
        return _value(thing, key)
    if base is list or base is tuple:
        return base.__getitem__(thing, _index(key))
    if base is set or base is frozenset:
        raise TypeError("a %s has no order" % base.__name__)
    return host_objects.items(thing)[_index(key)]


def _index(key: Any) -> Any:
    return key if type(key) is slice else _whole(key)


def _whole(key: Any) -> int:
    value = host_objects.scalar(key)
    if type(value) is not int and type(value) is not bool:
        raise TypeError("%s is not an index" % _name(type(key)))
    return value


def _value(mapping: dict[Any, Any], key: Any) -> Any:
    pairs = host_objects.pairs(mapping)
    index = host_objects.position([candidate for candidate, _ in pairs], key)
    if index is not None:
        return pairs[index][1]
    raise KeyError(str(exact(key)))


def _contains(thing: Any, key: Any) -> bool:
    text = host_objects.scalar(thing)
    if type(text) is str or type(text) is bytes:
        return exact(key) in text
    return host_objects.position(host_objects.items(thing), key) is not None


def _compare(first: Any, *rest: Any) -> bool:
    """Return ``a < b in c``, as (a, "<", b, "in", c)."""
    for sign, second in zip(rest[::2], rest[1::2]):
        if not _holds(first, sign, second):
            return False
        first = second
    return True


def _holds(left: Any, sign: str, right: Any) -> bool:
    if sign.startswith("is"):
        return (left is right) == (sign == "is")
    if sign.endswith("in"):
        return _contains(right, left) == (sign == "in")
    return bool(_COMPARISONS[sign](exact(left), exact(right)))


def _number(value: Any) -> Any:
    number = host_objects.scalar(value)
    if type(number) is float or (isinstance(number, int) and number.bit_length() <= _MAX_BITS):
        return number
    raise TypeError("%s is not a number to calculate with" % _name(type(value)))


def _operand(thing: Any) -> Any:
    value = exact(thing)
    if type(value) is int:
        return _number(value)
    if type(value) in (str, bytes) and len(value) > _MAX_TEXT:
        raise ValueError("%d characters" % len(value))
    return value


def _of_operands(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *things: function(*map(_operand, things))


def _of_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *things: function(*map(_number, things))


def _add(left: Any, right: Any) -> Any:
    """Add lists and tuples with any items; anything else as exact builtin types."""
    bases = {host_objects.container(type(operand)) for operand in (left, right)}
    for base in (list, tuple):
        if bases == {base}:
            return base(host_objects.items(left) + host_objects.items(right))
    return _operand(left) + _operand(right)


def _isinstance(thing: Any, kinds: Any) -> bool:
    wanted = kinds if type(kinds) is tuple else (kinds,)
    if not all(classes.is_kind(type(kind), type) for kind in wanted):
        raise TypeError("isinstance() of a class, or of a tuple of classes")
    return any(classes.is_kind(type(thing), kind) for kind in wanted)


def _has(thing: Any, name: str) -> bool:
    try:
        _get(thing, name)
    except AttributeError:
        return False
    return True


def _get(thing: Any, name: Any) -> Any:
    if type(name) is not str:
        raise TypeError("an attribute's name is a text")
    return host_objects.attribute(thing, name)


def _len(thing: Any) -> int:
    text = host_objects.scalar(thing)
    return len(text) if type(text) is str or type(text) is bytes else host_objects.length(thing)


def _list(*things: Any) -> list[Any]:
    texts = [host_objects.scalar(thing) for thing in things]
    if any(type(text) is str or type(text) is bytes for text in texts):
        return list(*[text[: host_objects.MAX_HELD] for text in texts])
    return list(*map(host_objects.items, things))


def _dict(*things: Any) -> dict[Any, Any]:
    """Build a dict: its keys are hashed, so they become exact builtin types; its values stay."""
    pairs: list[tuple[Any, Any]] = []
    for thing in things:
        held = host_objects.held(thing)
        of_dict = host_objects.container(type(held)) is dict
        pairs += host_objects.pairs(held) if of_dict else [tuple(_list(pair)) for pair in host_objects.items(held)]
    return {exact(key): value for key, value in pairs}


def _text(value: Any, conversion: int = ord("s")) -> str:
    text = host_objects.scalar(value)
    if type(text) is not str:
        return ask_display.read(value)
    text = text[:_MAX_TEXT]
    return text if conversion == ord("s") else repr(text) if conversion == ord("r") else ascii(text)


def _formatted(value: Any, conversion: int, spec: str) -> str:
    number = host_objects.scalar(value)
    if conversion == -1 and type(number) in (int, float, bool):
        return format(_number(number), spec)
    return format(_text(value, ord("s") if conversion == -1 else conversion), spec)


def _int(*things: Any) -> int:
    operands = map(_operand, things)
    return int(*[value[:_MAX_BITS] if type(value) in (str, bytes) else _number(value) for value in operands])


def _float(*things: Any) -> float:
    return float(*[value if type(value) is str else _number(value) for value in map(_operand, things)])


def _slice(*parts: Any) -> slice:
    return slice(*[None if part is None else _whole(part) for part in parts])


def _sum(thing: Any, start: Any = 0) -> Any:
    return sum(map(_number, host_objects.items(thing)), _number(start))


_TYPES = (
    BaseException, Exception, bool, bytes, dict, float, frozenset, int, list, object, set, str, tuple, type
)  # fmt: skip
#: The builtins of expressions that the tool has checked; it writes ``_ask_NAME(…)`` for the guards.
BUILTINS: dict[str, Any] = {kind.__name__: kind for kind in _TYPES}
BUILTINS.update(
    _ask_get=_get, _ask_item=_item, _ask_slice=_slice, _ask_compare=_compare, _ask_condition=_Condition, _ask_raw=_raw,
    _ask_format=_formatted, _ask_text=lambda *parts: "".join(parts), _ask_type=lambda thing: _name(type(thing)),
    _ask_hasattr=_has, _ask_isinstance=_isinstance, _ask_len=_len, _ask_bool=lambda *things: any(map(_truth, things)),
    _ask_int=_int, _ask_float=_float, _ask_str=lambda *things: "".join(map(_text, things)),
    _ask_repr=lambda thing: _text(thing, ord("r")), _ask_list=_list, _ask_tuple=lambda *things: tuple(_list(*things)),
    _ask_set=lambda *things: set(map(exact, _list(*things))), _ask_dict=_dict, _ask_sum=_sum,
    _ask_max=lambda *things: max(*map(exact, things)), _ask_min=lambda *things: min(*map(exact, things)),
    _ask_sorted=lambda thing: sorted(exact(_list(thing))),
    _ask_times=_of_numbers(operator.mul), _ask_modulo=_of_numbers(operator.mod), _ask_abs=_of_numbers(abs),
    _ask_negative=_of_numbers(operator.neg), _ask_positive=_of_numbers(operator.pos),
    _ask_inverted=_of_numbers(operator.invert), _ask_over=_of_numbers(operator.truediv),
    _ask_floor=_of_numbers(operator.floordiv), _ask_shifted=_of_numbers(operator.rshift),
    _ask_plus=_add, _ask_minus=_of_operands(operator.sub), _ask_both=_of_operands(operator.and_),
    _ask_either=_of_operands(operator.or_), _ask_unlike=_of_operands(operator.xor),
)  # fmt: skip
