"""Boots that other tracers recorded, compared step by step with our own trace of the very same boot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tracer.model import Request, Step

#: Two records of one step are at most so far apart once the clocks' offset is taken away, in nanoseconds.
NEAR = 8_000_000


@dataclass
class Agreement:
    """Matched steps by kind and side, and parents that are right, wrong or lost; ``truth`` counts what there was."""

    truth: Counter[tuple[str, str]] = field(default_factory=Counter)
    matched: Counter[tuple[str, str]] = field(default_factory=Counter)
    right: int = 0
    lost: int = 0
    wrong: list[tuple[str, str, str]] = field(default_factory=list)


def agreement(foreign: Request, truth: Request, offset: int) -> Agreement:
    """Compare a foreign boot with the true one, whose clock is ``offset`` nanoseconds behind."""
    result = Agreement(Counter(map(_kind, truth.walk())))
    true_parents, parents = _parents(truth), _parents(foreign)
    unused = list(truth.walk())
    pairs: dict[str, str] = {}
    for step in sorted(foreign.walk(), key=lambda step: step.start):
        fitting = [other for other in unused if _same(step, other) and abs(other.start + offset - step.start) < NEAR]
        if fitting:
            nearest = min(fitting, key=lambda other: abs(other.start + offset - step.start))
            unused.remove(nearest)
            pairs[step.address] = nearest.address
            result.matched[_kind(step)] += 1
    known = set(pairs.values())
    for own, true in pairs.items():
        expected = next((above for above in _above(true, true_parents) if above in known), "")
        actual = next((pairs[above] for above in _above(own, parents) if above in pairs), "")
        if actual == expected:
            result.right += 1
        elif not actual or actual in set(_above(expected, true_parents)):
            result.lost += 1
        else:
            result.wrong.append((true, expected, actual))
    return result


def _kind(step: Step) -> tuple[str, str]:
    return step.kind, step.text("side")


def _parents(request: Request) -> dict[str, str]:
    parents = {child.address: step.address for step in request.walk() for child in step.children}
    return parents | {chapter.address: chapter.opened_by for chapter in request.chapters if chapter.opened_by}


def _above(address: str, parents: dict[str, str]) -> Iterator[str]:
    while address := parents.get(address, ""):
        yield address


def _same(step: Step, other: Step) -> bool:
    """Return whether a foreign step may be the true one: same service, side and content."""
    if _kind(step) != _kind(other) or step.service != other.service:
        return False
    return _CONTENT.get(step.kind, _name)(step) == _CONTENT.get(step.kind, _name)(other)


def _name(step: Step) -> str:
    return step.text("function") or step.name


def _method(step: Step) -> str:
    """Return the method that carries a message: an object's are all object_action."""
    return "object" if "." in step.name or step.name.startswith("object_") else step.name


_CONTENT: dict[str, Callable[[Step], str]] = {
    "sql": lambda step: " ".join(step.text("statement").split()),
    "http": lambda step: f"{step.text('method')} {step.text('path')}",
    "rpc": _method,
}
