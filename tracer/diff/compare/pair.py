"""Siblings of an old and of a new tree, paired: the same, the same with another inside, the same changed, renamed."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable

from tracer.diff.compare.subtree_ids import Digests
from tracer.model import Node
from tracer.notation.parse import parse

#: Up to so many candidates on a side the most similar are found; of more, the first goes with the first.
_FEW = 24
#: Two steps of different names are one that was renamed if so much of what they do inside is the same.
_ALIKE = 0.5

#: Places in the old and in the new list.
Match = tuple[int, int]


def same(old: list[Node], new: list[Node], known: Digests) -> list[Match]:
    """Pairs of siblings that are the same step, whatever happens inside."""
    left, right = list(range(len(old))), list(range(len(new)))
    matches: list[Match] = []
    for key in (known.whole, known.body, lambda node: (node.service, node.text)):
        found = _by(key, old, new, left, right, known)
        matches += found
        left, right = _rest(left, right, found)
    return sorted(matches, key=lambda match: match[1])


def similar(old: list[Node], new: list[Node], matches: list[Match], known: Digests) -> list[Match]:
    """Pairs among what ``same`` left over: one thing changed about the step, or its name did."""
    left, right = _rest(range(len(old)), range(len(new)), matches)
    found = _by(lambda node: (node.kind, parse(node.text).name), old, new, left, right, known)
    left, right = _rest(left, right, found)
    return found + _renamed(old, new, [*matches, *found], left, right, known)


def _rest(left: Iterable[int], right: Iterable[int], found: list[Match]) -> tuple[list[int], list[int]]:
    gone_left, gone_right = {a for a, _ in found}, {b for _, b in found}
    return [a for a in left if a not in gone_left], [b for b in right if b not in gone_right]


def _by(
    key: Callable[[Node], Hashable], old: list[Node], new: list[Node],
    left: list[int], right: list[int], known: Digests,
) -> list[Match]:  # fmt: skip
    """The pairs that have the same key, the most similar ones where there are several."""
    there: defaultdict[Hashable, list[int]] = defaultdict(list)
    for b in right:
        there[key(new[b])].append(b)
    here: defaultdict[Hashable, list[int]] = defaultdict(list)
    for a in left:
        here[key(old[a])].append(a)
    return [match for group in here if group in there for match in _best(old, new, here[group], there[group], known)]


def _best(old: list[Node], new: list[Node], left: list[int], right: list[int], known: Digests) -> list[Match]:
    if len(left) == len(right) or max(len(left), len(right)) > _FEW:
        return list(zip(left, right, strict=False))
    ranked = sorted(
        (-likeness(old[a], new[b], known), -_neighbours(old, new, a, b), abs(rank_a - rank_b), a, b)
        for rank_a, a in enumerate(left)
        for rank_b, b in enumerate(right)
    )
    matches: list[Match] = []
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    for *_, a, b in ranked:
        if a not in taken_left and b not in taken_right:
            matches.append((a, b))
            taken_left.add(a)
            taken_right.add(b)
    return matches


def _neighbours(old: list[Node], new: list[Node], a: int, b: int) -> int:
    """How many of the siblings on both sides are the same: tells which of several equal steps is gone."""
    return sum(_text(old, a + step) == _text(new, b + step) for step in (-1, 1))


def _text(nodes: list[Node], place: int) -> str:
    return nodes[place].text if 0 <= place < len(nodes) else ""


def likeness(old: Node, new: Node, known: Digests) -> float:
    """The share of what the two do directly inside that is the same, 0 to 1; 1 for two that do nothing inside."""
    if known.body(old) == known.body(new):
        return 1.0
    inside = [Counter(child.text for child in node.children) for node in (old, new)]
    most = max(sum(counts.values()) for counts in inside)
    return sum((inside[0] & inside[1]).values()) / most if most else 1.0


def _renamed(
    old: list[Node], new: list[Node], matches: list[Match], left: list[int], right: list[int], known: Digests
) -> list[Match]:
    """One step gone and one come between the same neighbours, of the same kind, and alike."""
    after = {b: a for a, b in matches}
    before = [b for _, b in sorted(matches)]
    olds = sorted(a for a, _ in matches)
    gaps: defaultdict[int, list[int]] = defaultdict(list)
    for a in left:
        place = bisect_left(olds, a)
        gaps[before[place - 1] if place else -1].append(a)
    news = sorted(after)
    found: list[Match] = []
    for b in right:
        place = bisect_left(news, b)
        here = gaps.get(news[place - 1] if place else -1, [])
        fitting = next((a for a in here[:_FEW] if _could_be(old[a], new[b], known)), None)
        if fitting is not None:
            here.remove(fitting)
            found.append((fitting, b))
    return found


def _could_be(old: Node, new: Node, known: Digests) -> bool:
    if old.kind != new.kind or old.service != new.service:
        return False
    if old.children or new.children:
        return bool(old.children and new.children) and likeness(old, new, known) >= _ALIKE
    if old.kind == "sql":
        return old.text.split(" ", 2)[1] == new.text.split(" ", 2)[1]  # the verb
    return home(old.text) == home(new.text)


def home(text: str) -> str:
    """Where a step's code is or goes: ``compute/api.py.API``, ``virDomain``, the command, the path's beginning."""
    for mark in (" -> ", ".", " "):
        before, found, _ = text.partition(mark)
        if found:
            return before
    return text
