"""The key of a step: the same in every boot and release in which ``diff`` takes it for the same step.

It is a digest of the path of (service, kind, name), the name being what ``parse`` keeps of a step that changes: neither
status nor error, versions or a statement's text. Folding repeats does not change it: what is folded has one path. The
path begins at the API: whichever client asked, and whether it was recorded, the steps of the services have one key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tracer.diff.baseline.normalise import is_compared
from tracer.model import Request, Step, lanes
from tracer.notation import normal_text
from tracer.notation.parse import parse

#: Raised whenever the same step gets another key; keys of different versions are never compared.
VERSION = 1
#: The parent of a step without one.
ROOT = 0
_CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Key:
    """A step's key with the parts that it is made of."""

    number: int
    parent: int
    kind: str
    service: str
    name: str
    depth: int


def digest(*parts: str) -> int:
    """Return 63 bits of the parts, the same on every machine: a positive BIGINT in every engine."""
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


@lru_cache(maxsize=65536)
def key(parent: int, depth: int, service: str, kind: str, name: str) -> Key:
    """Return the key of a step below ``parent``."""
    return Key(digest(str(parent), service, kind, name), parent, kind, service, name, depth)


def keyed(boot: Request) -> Iterator[tuple[Step, Key]]:
    """Yield the steps that count with their keys, chapters after the steps that sent them."""
    senders = {step.address: None for step in boot.walk() if step.opens}
    positions: dict[str, tuple[int, int]] = {}
    for chapter in _in_order(boot, senders):
        yield from _below(chapter, positions.get(chapter.opened_by, (ROOT, 0)), positions)


def _in_order(boot: Request, senders: dict[str, None]) -> Iterator[Step]:
    """Yield chapters so that a sender precedes what it opened; those that open each other come last."""
    waiting = list(boot.chapters)
    passed: set[str] = set()
    while waiting:
        ready = [c for c in waiting if c.opened_by not in senders or c.opened_by in passed] or waiting
        yield from ready
        passed.update(step.address for chapter in ready for step in chapter.walk() if step.opens)
        done = set(map(id, ready))
        waiting = [chapter for chapter in waiting if id(chapter) not in done]


def _below(top: Step, position: tuple[int, int], positions: dict[str, tuple[int, int]]) -> Iterator[tuple[Step, Key]]:
    stack = [(top, position)]
    while stack:
        step, (parent, depth) = stack.pop()
        if is_compared(step) or step.kind == "log":
            own = key(parent, depth, lanes.family(step.service), step.kind, _name(step))
            parent, depth = own.number, own.depth + 1
            yield step, own
        below = [(child, (ROOT, 0) if _leaves_client(step, child) else (parent, depth)) for child in step.children]
        if step.opens:
            positions[step.address] = parent, depth
        stack.extend(reversed(below))


def _leaves_client(step: Step, child: Step) -> bool:
    return step.service == _CLIENT and child.service != _CLIENT


def _name(step: Step) -> str:
    return parse(normal_text.text(step)).name
