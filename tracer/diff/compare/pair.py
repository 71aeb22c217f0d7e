"""The matches between siblings of an old and a new tree: equal, equal but for the inside, changed, renamed."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable

from tracer.diff.compare.subtrees import Digests
from tracer.model import NormalStep
from tracer.notation.parse import parse

#: The most candidates on a side that are compared with each other; longer lists are matched in order.
_FEW = 24
#: The least likeness of two steps of different names that are a renamed one.
_ALIKE = 0.5

#: Indexes in the old and in the new list.
Match = tuple[int, int]


def same(old: list[NormalStep], new: list[NormalStep], known: Digests) -> list[Match]:
    """Return the matches of siblings that are the same step, whatever happens inside."""
    left, right = list(range(len(old))), list(range(len(new)))
    matches: list[Match] = []
    for key in (known.whole, known.body, lambda node: (node.service, node.text)):
        fresh = _by(key, old, new, left, right, known)
        matches += fresh
        left, right = _rest(left, right, fresh)
    return sorted(matches, key=lambda match: match[1])


def similar(old: list[NormalStep], new: list[NormalStep], matches: list[Match], known: Digests) -> list[Match]:
    """Return further matches among the siblings that ``same`` left: of changed and of renamed steps."""
    left, right = _rest(range(len(old)), range(len(new)), matches)
    by_name = _by(lambda node: (node.kind, parse(node.text).name), old, new, left, right, known)
    left, right = _rest(left, right, by_name)
    return by_name + _renamed(old, new, [*matches, *by_name], left, right, known)


def _rest(left: Iterable[int], right: Iterable[int], matches: list[Match]) -> tuple[list[int], list[int]]:
    gone_left, gone_right = {a for a, _ in matches}, {b for _, b in matches}
    return [a for a in left if a not in gone_left], [b for b in right if b not in gone_right]


def _by(
    key: Callable[[NormalStep], Hashable], old: list[NormalStep], new: list[NormalStep],
    left: list[int], right: list[int], known: Digests,
) -> list[Match]:  # fmt: skip
    """Return the matches with equal keys, the most similar ones where there are several."""
    there: defaultdict[Hashable, list[int]] = defaultdict(list)
    for b in right:
        there[key(new[b])].append(b)
    here: defaultdict[Hashable, list[int]] = defaultdict(list)
    for a in left:
        here[key(old[a])].append(a)
    return [match for group in here if group in there for match in _best(old, new, here[group], there[group], known)]


def _best(
    old: list[NormalStep], new: list[NormalStep], left: list[int], right: list[int], known: Digests
) -> list[Match]:
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


def _neighbours(old: list[NormalStep], new: list[NormalStep], a: int, b: int) -> int:
    """Count the equal adjacent siblings, 0 to 2: they show which of several equal steps was removed."""
    return sum(_text(old, a + step) == _text(new, b + step) for step in (-1, 1))


def _text(nodes: list[NormalStep], index: int) -> str:
    return nodes[index].text if 0 <= index < len(nodes) else ""


def likeness(old: NormalStep, new: NormalStep, known: Digests) -> float:
    """Return the equal share of the steps directly inside, 0 to 1; 1 for two without any."""
    if known.body(old) == known.body(new):
        return 1.0
    inside = [Counter(child.text for child in node.children) for node in (old, new)]
    most = max(sum(counts.values()) for counts in inside)
    return sum((inside[0] & inside[1]).values()) / most if most else 1.0


def _renamed(
    old: list[NormalStep],
    new: list[NormalStep],
    matches: list[Match],
    left: list[int],
    right: list[int],
    known: Digests,
) -> list[Match]:
    """Return the matches of a removed and an added step between the same neighbours, of one kind, and alike."""
    after = {b: a for a, b in matches}
    before = [b for _, b in sorted(matches)]
    old_indexes = sorted(a for a, _ in matches)
    gaps: defaultdict[int, list[int]] = defaultdict(list)
    for a in left:
        index = bisect_left(old_indexes, a)
        gaps[before[index - 1] if index else -1].append(a)
    new_indexes = sorted(after)
    renamed: list[Match] = []
    for b in right:
        index = bisect_left(new_indexes, b)
        here = gaps.get(new_indexes[index - 1] if index else -1, [])
        fitting = next((a for a in here[:_FEW] if _could_be(old[a], new[b], known)), None)
        if fitting is not None:
            here.remove(fitting)
            renamed.append((fitting, b))
    return renamed


def _could_be(old: NormalStep, new: NormalStep, known: Digests) -> bool:
    if old.kind != new.kind or old.service != new.service:
        return False
    if old.children or new.children:
        return bool(old.children and new.children) and likeness(old, new, known) >= _ALIKE
    if old.kind == "sql":
        return old.text.split(" ", 2)[1] == new.text.split(" ", 2)[1]  # the verb
    return home(old.text) == home(new.text)


def home(text: str) -> str:
    """Return the owner of a step: ``compute/api.py.API``, ``virDomain``, the command, the path's beginning."""
    for mark in (" -> ", ".", " "):
        before, separator, _ = text.partition(mark)
        if separator:
            return before
    return text
