"""What a set of boots was asked for and the others were not: under which condition they may go another way.

It is read from the body of the request that asked for the boot and from the properties of the image, as recorded. That
the request has something is a fact; that a branch comes of it is for the reader to judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracer.model import Request, Value

#: Longer values are nothing to tell kinds of boots by; what lies deeper is part of something that is told already.
_LONG, _DEEP = 40, 4
#: Every server has one, and where two have the same it is by chance.
_NAME = "request.name"

_Boots = frozenset[int]


def conditions(boots: Sequence[Request]) -> dict[_Boots, str]:
    """Sets of boots with what sets them apart: ``request has block_device_mapping_v2``."""
    asked = [dict(_asked(boot)) for boot in boots]
    found: dict[_Boots, str] = {}
    # What lies on the surface comes first.
    keys = sorted({key for one in asked for key in one}, key=lambda key: (key.count("."), key))
    for say in (_having, _being, _lacking):
        for key in keys:
            for having, said in say(key, asked):
                if 0 < len(having) < len(boots):
                    found.setdefault(having, said)
    return found


def _having(key: str, asked: list[dict[str, str]]) -> Iterator[tuple[_Boots, str]]:
    yield _with(key, asked), _named(key, "has")


def _being(key: str, asked: list[dict[str, str]]) -> Iterator[tuple[_Boots, str]]:
    values = [one[key] for one in asked if one.get(key)]
    # A value of its own in every boot is no kind.
    if len(set(values)) < len(values) and key != _NAME:
        for value in sorted(set(values)):
            having = frozenset(number for number, one in enumerate(asked) if one.get(key) == value)
            yield having, f"{_named(key, 'has')} {value}"


def _lacking(key: str, asked: list[dict[str, str]]) -> Iterator[tuple[_Boots, str]]:
    yield frozenset(range(len(asked))) - _with(key, asked), _named(key, "has no")


def _with(key: str, asked: list[dict[str, str]]) -> _Boots:
    return frozenset(number for number, one in enumerate(asked) if key in one)


def _named(key: str, has: str) -> str:
    whose, _, what = key.partition(".")
    return f"{whose} {has} {what}"


def _asked(boot: Request) -> Iterator[tuple[str, str]]:
    """Each key with its value as text, "" where that is long or not one value: ``request.flavorRef``, ``1``."""
    for step in boot.walk():
        body, image = step.attributes.get("body"), step.attributes.get("image")
        if isinstance(body, dict):
            # In an envelope: {"server": …}.
            yield from _flat("request", next(iter(body.values())) if len(body) == 1 else body)
            yield from _flat("image", image.get("properties") if isinstance(image, dict) else None)
            return


def _flat(key: str, value: Value) -> Iterator[tuple[str, str]]:
    stack = [(key, value)]
    while stack:
        key, value = stack.pop()
        if isinstance(value, dict) and key.count(".") < _DEEP:
            stack.extend((f"{key}.{name}", inner) for name, inner in value.items())
        if "." in key and value not in (None, [], {}):
            text = str(value) if isinstance(value, str | int | float) else ""
            yield key, text if len(text) <= _LONG else ""
