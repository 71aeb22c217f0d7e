"""The changes between two aligned trees, position by position, each with its class."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from tracer.diff.compare import counts, traits
from tracer.diff.compare.order import out_of_order
from tracer.diff.compare.positions import TreePosition
from tracer.model import Change, NormalStep, Pair
from tracer.notation.parse import is_library

#: A step is slower if it takes this many times its longest time, and this much longer, in nanoseconds.
_SLOWER, _LONGER = 1.5, 1_000_000
#: A step is stalled if it takes this many times as long, and this much longer: a busy machine does not explain it.
_STALLED, _LONG = 30, 1_000_000_000
_ORDINAL = re.compile("[0-9]+")


def mark(top: Pair) -> list[Change]:
    """Return every change below ``top`` in the order of the trees, and append each to its pair's changes."""
    origins = _Origins(top)
    stack = [TreePosition(top)]
    positions = []
    while stack:
        position = stack.pop()
        positions.append(position)
        inside = [pair for pair in position.pair.children if pair.old is not None and pair.new is not None]
        _mark_siblings(position, inside, origins)
        # A removed or added step is reported with all below it, except what was moved into it.
        stack.extend(TreePosition(pair, position) for pair in reversed(position.pair.children))
    _drop_echoes(positions)
    return [change for pair in top.walk() for change in pair.changes]


class _Origins:
    """The parents of old steps, and the pairs above pairs: both are needed to recognise moves."""

    def __init__(self, top: Pair) -> None:
        self._around: dict[NormalStep | None, NormalStep] = {}
        self._matched: set[NormalStep] = set()
        for pair in top.walk():
            if pair.old is not None:
                self._around |= dict.fromkeys(pair.old.children, pair.old)
                if pair.new is not None:
                    self._matched.add(pair.old)
        self._above: dict[Pair, Pair] = {child: pair for pair in top.walk() for child in pair.children}

    def moved(self, pair: Pair) -> bool:
        """Return whether the step around it is another one, not counting steps between that were added or removed."""
        return self._matched_around_old(pair) is not self._matched_around_new(pair)

    def _matched_around_old(self, pair: Pair) -> NormalStep | None:
        node = self._around.get(pair.old)
        while node is not None and node not in self._matched:
            node = self._around.get(node)
        return node

    def _matched_around_new(self, pair: Pair) -> NormalStep | None:
        above = self._above.get(pair)
        while above is not None and (above.old is None or above.new is None):
            above = self._above.get(above)
        return above.old if above is not None else None


def _mark_siblings(position: TreePosition, matched: list[Pair], origins: _Origins) -> None:
    stayed = []
    for pair in matched:
        if origins.moved(pair):
            pair.changes.append(_move_change(position, pair))
        else:
            stayed.append(pair)
        pair.changes += _pair_changes(position, pair)
    _mark_order(position, stayed)
    if position.pair.old is None and position.pair.new is not None:
        return  # all of it was added
    if position.pair.new is None and position.pair.old is not None:
        return  # all of it was removed
    elsewhere = set(matched).difference(stayed)
    counts.mark(position, [pair for pair in position.pair.children if pair not in elsewhere])


def _pair_changes(position: TreePosition, pair: Pair) -> Iterator[Change]:
    for class_, text in traits.changed(pair):
        yield position.change(class_, pair, text)
    if (slower := _slower(position, pair)) is not None:
        yield slower


def _move_change(position: TreePosition, pair: Pair) -> Change:
    assert pair.new is not None, "it has both sides"
    return position.change("moved", pair, f"{pair.new.text} moved: {position.around}", below=_size(pair.new))


def _size(node: NormalStep) -> int:
    return sum(1 for _ in node.walk()) - 1


def _mark_order(position: TreePosition, pairs: list[Pair]) -> None:
    """Mark as reordered the fewest steps whose move turns one order into the other; free steps have no order."""
    known: dict[NormalStep | None, int] = {
        child: rank for rank, child in enumerate(position.pair.old.children if position.pair.old else _roots(pairs))
    }
    fixed = [pair for pair in pairs if not _free(pair) and pair.old in known]
    ranks = [known[pair.old] for pair in fixed]
    for rank in out_of_order(_sort_alike(fixed, ranks)):
        pair = fixed[rank]
        assert pair.new is not None, "it has both sides"
        pair.changes.append(position.change("reordered", pair, f"{pair.new.text} {_when(fixed, rank)}"))


def _sort_alike(pairs: list[Pair], ranks: list[int]) -> list[int]:
    """Sort the ranks of steps with equal texts and varying counts: which of them is which is unknown."""
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for index, pair in enumerate(pairs):
        alike[pair.old.text if pair.old else ""].append(index)
    ranks = list(ranks)
    for indexes in alike.values():
        if len(indexes) > 1 and any(_varies(pairs[index]) for index in indexes):
            for index, rank in zip(indexes, sorted(ranks[index] for index in indexes), strict=True):
                ranks[index] = rank
    return ranks


def _varies(pair: Pair) -> bool:
    return any(node is not None and node.min_count != node.max_count for node in (pair.old, pair.new))


def _roots(pairs: list[Pair]) -> list[NormalStep]:
    return sorted((pair.old for pair in pairs if pair.old is not None), key=_ordinals)


def _ordinals(node: NormalStep) -> list[tuple[int, str]]:
    """Return an address as numbers: chapter 13 comes after chapter 9."""
    # As text: a baseline may come from anyone, and int() refuses thousands of digits.
    digits = (ordinal.lstrip("0") for ordinal in _ORDINAL.findall(node.address))
    return [(len(ordinal), ordinal) for ordinal in digits]


def _free(pair: Pair) -> bool:
    if pair.old is None or pair.new is None or pair.old.unordered or pair.new.unordered:
        return True
    return is_library(pair.new.text)  # of BEGIN, COMMIT and their contents, the contents moved


def _when(pairs: list[Pair], rank: int) -> str:
    """Return a phrase for the new order: after which step it is now."""
    if rank:
        before = pairs[rank - 1].new
        return f"now comes after {before.text}" if before is not None else ""
    return "now comes first"


def _slower(position: TreePosition, pair: Pair) -> Change | None:
    """Return the change of the innermost step that takes longer: of one that stalls, or of most of a run."""
    if not _takes_longer(pair) or any(_takes_longer(child) for child in pair.children):
        return None
    assert pair.old is not None, "it has both sides"
    assert pair.new is not None, "it has both sides"
    stalls = _stalls(pair)
    before, now = pair.old.durations[2], pair.new.durations[2 if stalls else 1]
    text = f"{pair.new.text}: {before / 1e6:.0f} ms at most → {now / 1e6:.0f} ms"
    return position.change("stalled" if stalls else "slower", pair, text, ratio=now / max(before, 1))


def _takes_longer(pair: Pair) -> bool:
    return _stalls(pair) or _is_slower(pair)


def _is_slower(pair: Pair) -> bool:
    if pair.old is None or pair.new is None or not pair.old.durations or not pair.new.durations:
        return False
    before, now = max(pair.old.durations[2], 1), pair.new.durations[1]
    return now > before * _SLOWER and now - before > _LONGER


def _stalls(pair: Pair) -> bool:
    """Return whether a step, of a run a single one, takes much longer than any did before."""
    if pair.old is None or pair.new is None or not pair.old.durations or not pair.new.durations:
        return False
    before, now = max(pair.old.durations[2], 1), pair.new.durations[2]
    return now >= before * _STALLED and now - before >= _LONG


def _drop_echoes(positions: list[TreePosition]) -> None:
    """Drop changes that the step around shows too, and errors that a step inside shows: each is reported once."""
    for position in reversed(positions):
        inside = [(change.class_, change_suffix(change)) for pair in position.pair.children for change in pair.changes]
        position.pair.changes = [
            change
            for change in position.pair.changes
            if change.class_ != "error" or ("error", change_suffix(change)) not in inside
        ]
    reported: defaultdict[Pair, set[tuple[str, str]]] = defaultdict(set)
    for position in positions:
        here = {(change.class_, change_suffix(change)) for change in position.pair.changes}
        for pair in position.pair.children:
            if pair.changes:
                pair.changes = [
                    c for c in pair.changes if c.class_ == "error" or (c.class_, change_suffix(c)) not in here
                ]
            reported[pair] |= here


def change_suffix(change: Change) -> str:
    """Return the part of a change that both ends of a message share: ``status 200 → 404``."""
    return change.text.rpartition(": ")[2] if "→" in change.text else change.text
