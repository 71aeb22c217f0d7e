"""Conditions of branches: what the requests of a set of boots contain and those of the others do not.

They are read from the recorded body of the request and the properties of the image. That a request contains something
is a fact; whether it causes a branch is for the reader to judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracer.model import Request, Value

#: Longer values do not distinguish kinds of boots; deeper keys are parts of keys that are reported already.
_LONG, _DEEP = 40, 4
#: Every server has a name, and equal names are a coincidence.
_NAME = "request.name"

_Boots = frozenset[int]


def conditions(boots: Sequence[Request]) -> dict[_Boots, str]:
    """Return the distinctive condition of sets of boots: ``request has block_device_mapping_v2``."""
    values = [dict(_request_values(boot)) for boot in boots]
    sets: dict[_Boots, str] = {}
    # Keys near the top come first.
    keys = sorted({key for of_boot in values for key in of_boot}, key=lambda key: (key.count("."), key))
    for say in (_having, _being, _lacking):
        for key in keys:
            for having, text in say(key, values):
                if 0 < len(having) < len(boots):
                    sets.setdefault(having, text)
    return sets


def _having(key: str, values: list[dict[str, str]]) -> Iterator[tuple[_Boots, str]]:
    yield _boots_with(key, values), _phrase(key, "has")


def _being(key: str, values: list[dict[str, str]]) -> Iterator[tuple[_Boots, str]]:
    texts = [of_boot[key] for of_boot in values if of_boot.get(key)]
    # A value that is unique in every boot does not define a kind.
    if len(set(texts)) < len(texts) and key != _NAME:
        for text in sorted(set(texts)):
            having = frozenset(number for number, of_boot in enumerate(values) if of_boot.get(key) == text)
            yield having, f"{_phrase(key, 'has')} {text}"


def _lacking(key: str, values: list[dict[str, str]]) -> Iterator[tuple[_Boots, str]]:
    yield frozenset(range(len(values))) - _boots_with(key, values), _phrase(key, "has no")


def _boots_with(key: str, values: list[dict[str, str]]) -> _Boots:
    return frozenset(number for number, of_boot in enumerate(values) if key in of_boot)


def _phrase(key: str, has: str) -> str:
    whose, _, what = key.partition(".")
    return f"{whose} {has} {what}"


def _request_values(boot: Request) -> Iterator[tuple[str, str]]:
    """Yield each key with its value as text, "" for long or nested values: ``request.flavorRef``, ``1``."""
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
