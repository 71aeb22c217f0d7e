"""What differs between two trees laid over each other, place by place, as changes with a class each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tracer.diff.compare import counts, traits
from tracer.diff.compare.order import out_of_order
from tracer.diff.compare.places import Place
from tracer.model import Change, Node, Pair
from tracer.notation.parse import is_library

#: A step is slower if it takes so many times as long as it ever did, and so much longer in nanoseconds.
_SLOWER, _LONGER = 1.5, 1_000_000
#: No busy machine explains a step that takes so many times as long, and so much longer.
_STALLED, _LONG = 30, 1_000_000_000


def mark(top: Pair) -> list[Change]:
    """Every change below ``top``, each also put on its pair; in the order of the trees."""
    origins = _Origins(top)
    stack = [Place(top)]
    places = []
    while stack:
        place = stack.pop()
        places.append(place)
        inside = [pair for pair in place.pair.children if pair.old is not None and pair.new is not None]
        _mark_siblings(place, inside, origins)
        # What is below a step that is gone or came is told with it; what was moved into it is not.
        stack.extend(Place(pair, place) for pair in reversed(place.pair.children))
    _drop_echoes(places)
    return [change for pair in top.walk() for change in pair.changes]


class _Origins:
    """Which old step stood around which, and which of the new tree's places has it now."""

    def __init__(self, top: Pair) -> None:
        self._around: dict[int, Node] = {}
        self._kept: set[int] = set()
        for pair in top.walk():
            if pair.old is not None:
                self._around |= {id(child): pair.old for child in pair.old.children}
                if pair.new is not None:
                    self._kept.add(id(pair.old))
        self._above: dict[int, Pair] = {id(child): pair for pair in top.walk() for child in pair.children}

    def moved(self, pair: Pair) -> bool:
        """Whether what stands around it is another step; not if a step between the two merely came or went."""
        return self._kept_around_old(pair) is not self._kept_around_new(pair)

    def _kept_around_old(self, pair: Pair) -> Node | None:
        node = self._around.get(id(pair.old))
        while node is not None and id(node) not in self._kept:
            node = self._around.get(id(node))
        return node

    def _kept_around_new(self, pair: Pair) -> Node | None:
        above = self._above.get(id(pair))
        while above is not None and (above.old is None or above.new is None):
            above = self._above.get(id(above))
        return above.old if above is not None else None


def _mark_siblings(place: Place, kept: list[Pair], origins: _Origins) -> None:
    stayed = []
    for pair in kept:
        if origins.moved(pair):
            pair.changes.append(_moved(place, pair))
        else:
            stayed.append(pair)
        pair.changes += _of_pair(place, pair)
    _mark_order(place, stayed)
    if place.pair.old is None and place.pair.new is not None:
        return  # all of it came
    if place.pair.new is None and place.pair.old is not None:
        return  # all of it is gone
    elsewhere = {id(pair) for pair in kept} - {id(pair) for pair in stayed}
    counts.mark(place, [pair for pair in place.pair.children if id(pair) not in elsewhere])


def _of_pair(place: Place, pair: Pair) -> Iterator[Change]:
    for class_, text in traits.changed(pair):
        yield place.change(class_, pair, text)
    if (slower := _slower(place, pair)) is not None:
        yield slower


def _moved(place: Place, pair: Pair) -> Change:
    assert pair.new is not None, "it has both sides"
    return place.change("moved", pair, f"{pair.new.text} moved: {place.around}", below=_size(pair.new))


def _size(node: Node) -> int:
    return sum(1 for _ in node.walk()) - 1


def _mark_order(place: Place, pairs: list[Pair]) -> None:
    """The fewest steps that have to be moved to get from one order to the other, but for those with no order."""
    known = {id(child): rank for rank, child in enumerate(place.pair.old.children if place.pair.old else _roots(pairs))}
    fixed = [pair for pair in pairs if not _free(pair) and id(pair.old) in known]
    ranks = [known[id(pair.old)] for pair in fixed]
    for rank in out_of_order(_as_one(fixed, ranks)):
        pair = fixed[rank]
        assert pair.new is not None, "it has both sides"
        pair.changes.append(place.change("reordered", pair, f"{pair.new.text} {_when(fixed, rank)}"))


def _as_one(pairs: list[Pair], ranks: list[int]) -> list[int]:
    """The ranks with steps of one text, whose counts vary, in their order: which of them is which nobody knows."""
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for place, pair in enumerate(pairs):
        alike[pair.old.text if pair.old else ""].append(place)
    ranks = list(ranks)
    for places in alike.values():
        if len(places) > 1 and any(_varies(pairs[place]) for place in places):
            for place, rank in zip(places, sorted(ranks[place] for place in places), strict=True):
                ranks[place] = rank
    return ranks


def _varies(pair: Pair) -> bool:
    return any(node is not None and node.low != node.high for node in (pair.old, pair.new))


def _roots(pairs: list[Pair]) -> list[Node]:
    return sorted((pair.old for pair in pairs if pair.old is not None), key=lambda node: node.address)


def _free(pair: Pair) -> bool:
    if pair.old is None or pair.new is None or pair.old.free or pair.new.free:
        return True
    return is_library(pair.new.text)  # between two transactions' brackets, what is inside is what moved


def _when(pairs: list[Pair], rank: int) -> str:
    """Next to which step it comes now."""
    if rank:
        before = pairs[rank - 1].new
        return f"now comes after {before.text}" if before is not None else ""
    return "now comes first"


def _slower(place: Place, pair: Pair) -> Change | None:
    if not _is_slower(pair) or any(_is_slower(child) for child in pair.children):
        return None
    assert pair.old is not None, "it has both sides"
    assert pair.new is not None, "it has both sides"
    before, now = pair.old.took[2], pair.new.took[1]
    text = f"{pair.new.text}: {before / 1e6:.0f} ms at most → {now / 1e6:.0f} ms"
    ratio = now / max(before, 1)
    class_ = "stalled" if ratio >= _STALLED and now - before >= _LONG else "slower"
    return place.change(class_, pair, text, ratio=ratio)


def _is_slower(pair: Pair) -> bool:
    if pair.old is None or pair.new is None or not pair.old.took or not pair.new.took:
        return False
    before, now = max(pair.old.took[2], 1), pair.new.took[1]
    return now > before * _SLOWER and now - before > _LONGER


def _drop_echoes(places: list[Place]) -> None:
    """A change that the step around it shows as well is told once: outside; an error is told where it comes from."""
    for place in reversed(places):
        inside = [(change.class_, told(change)) for pair in place.pair.children for change in pair.changes]
        place.pair.changes = [
            change for change in place.pair.changes if change.class_ != "error" or ("error", told(change)) not in inside
        ]
    seen: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)
    for place in places:
        here = {(change.class_, told(change)) for change in place.pair.changes}
        for pair in place.pair.children:
            if pair.changes:
                pair.changes = [c for c in pair.changes if c.class_ == "error" or (c.class_, told(c)) not in here]
            seen[id(pair)] |= here


def told(change: Change) -> str:
    """What of a change is the same on both ends of a message: ``status 200 → 404``."""
    return change.text.rpartition(": ")[2] if "→" in change.text else change.text
