"""The keys of a store as a tree: names of steps, their order, the topmost of some."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from tracer.fleet.keys import ROOT, Key
from tracer.fleet.scope import Run
from tracer.model.fleet import Column

#: The columns of a step in a table.
STEP = (Column("service", "service"), Column("step", "step"), Column("inside", "inside"))


def names(run: Run, keys: Collection[int]) -> dict[int, tuple[str, str, str]]:
    """Return service and name of each key, and the name above it; "?" where the store has no name."""
    listed = ", ".join(map(str, keys))
    rows = run(
        "SELECT k.key, k.service, k.name, coalesce(p.name, '') FROM keys k LEFT JOIN keys p ON k.parent = p.key"
        f" WHERE k.key IN ({listed})"
    ) if keys else []  # fmt: skip
    known = {key: (service, name, above) for key, service, name, above in rows}
    return {key: known.get(key, ("?", f"key {key}", "")) for key in keys}


@dataclass(slots=True)
class Tree:
    """All keys of a store by number, and those below each."""

    keys: dict[int, Key]
    below: dict[int, list[int]] = field(default_factory=dict)

    def top(self, numbers: Collection[int]) -> list[int]:
        """Return those of the keys that are below none of the others."""
        return [number for number in numbers if not any(above in numbers for above in self.above(number))]

    def deepest(self, numbers: Collection[int]) -> list[int]:
        """Return those of the keys that have none of the others below them."""
        covered = {above for number in numbers for above in self.above(number)}
        return [number for number in numbers if number not in covered]

    def above(self, number: int) -> Iterable[int]:
        """Yield the keys above a key, the nearest first."""
        passed = {number}
        while (key := self.keys.get(number)) is not None and key.parent not in passed:
            number = key.parent
            passed.add(number)
            if number == ROOT:
                return
            yield number

    def name(self, number: int) -> tuple[str, str, str]:
        """Return service and name of a key, and the name above it."""
        key = self.keys.get(number)
        if key is None:
            return "?", f"key {number}", ""
        above = self.keys.get(key.parent)
        return key.service, key.name, above.name if above else ""

    def in_order(self) -> Iterable[Key]:
        """Yield the keys in the tree's order."""
        stack = list(reversed(self.below.get(ROOT, [])))
        passed: set[int] = set()
        while stack:
            number = stack.pop()
            if number in passed:
                continue
            passed.add(number)
            yield self.keys[number]
            stack.extend(reversed(self.below.get(number, [])))


def tree(run: Run) -> Tree:
    """Return the tree of all keys."""
    rows = run("SELECT key, parent, kind, service, name, depth FROM keys ORDER BY depth, key")
    result = Tree({row[0]: Key(*row) for row in rows})
    below: defaultdict[int, list[int]] = defaultdict(list)
    for key in result.keys.values():
        below[key.parent if key.parent in result.keys else ROOT].append(key.number)
    result.below = dict(below)
    return result
