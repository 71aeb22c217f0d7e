"""Siblings of merged boots arranged in combined fragments: what some lack, where they differ, how often, in any order.

Every boot can be read back from the result: of opt and alt the operands that have it, of a loop as often as it counts,
of par its operands in some order that mixes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tracer.model import Fragment, MergedStep, Operand

Part = MergedStep | Fragment
Boots = frozenset[int]

#: With so many operands a par says no more than that the order varies: of more, no fitting one is looked for.
_MOST = 64
#: So many opts in one another are more than anybody reads, and would be more than Python's stack bears in the end.
_DEEPEST = 8


@dataclass(slots=True)
class Sibling:
    """One of the steps inside a step: what each boot that has it says of it."""

    step: MergedStep
    #: How often in a row, and where among its siblings, by boot.
    counts: dict[int, int]
    places: dict[int, int]
    #: The boots in which it ran beside a sibling.
    beside: Boots = frozenset()


#: What stands between two others in the same order in every boot: one step, or what goes side by side.
_Unit = list[list[Sibling]]


def arranged(siblings: Sequence[Sibling], boots: Boots) -> list[Part]:
    """The siblings of a step that ``boots`` have, as steps and fragments."""
    return _grouped(list(_units(siblings)), boots)


def _units(siblings: Sequence[Sibling]) -> Iterator[_Unit]:
    start = 0
    for first, last in _mixed(siblings):
        yield from ([[one]] for one in siblings[start:first])
        yield _threads(siblings[first : last + 1])
        start = last + 1
    yield from ([[one]] for one in siblings[start:])


def _mixed(siblings: Sequence[Sibling]) -> list[tuple[int, int]]:
    """From where to where siblings come in another order in some boot, or run beside each other."""
    spans = [
        (place - 1, place) for place in range(1, len(siblings))
        if siblings[place - 1].beside & siblings[place].beside
    ]  # fmt: skip
    for boot in {boot for one in siblings for boot in one.places}:
        order = sorted((one.places[boot], place) for place, one in enumerate(siblings) if boot in one.places)
        latest = -1
        for _, place in order:
            if place < latest:
                spans.append((place, latest))
            latest = max(latest, place)
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _threads(mixed: Sequence[Sibling]) -> _Unit:
    """As few sequences as can be found simply, in each of which every boot keeps the order."""
    threads: list[_Thread] = []
    for one in mixed:
        thread = next((each for each in threads[:_MOST] if each.takes(one)), None)
        if thread is None:
            threads.append(thread := _Thread())
        thread.add(one)
    return [thread.inside for thread in threads]


@dataclass(slots=True)
class _Thread:
    """One operand of a par, as it is put together: its latest place in each boot, and the boots it ran beside in."""

    inside: list[Sibling] = field(default_factory=list)
    latest: dict[int, int] = field(default_factory=dict)
    beside: set[int] = field(default_factory=set)

    def takes(self, one: Sibling) -> bool:
        """Whether it comes after all that is in it, in every boot, and beside nothing."""
        follows = all(self.latest.get(boot, -1) < place for boot, place in one.places.items())
        return follows and not one.beside & self.beside

    def add(self, one: Sibling) -> None:
        """Puts it at the end."""
        self.inside.append(one)
        self.latest |= one.places
        self.beside |= one.beside


def _boots(unit: _Unit) -> Boots:
    return frozenset(boot for thread in unit for one in thread for boot in one.counts)


def _grouped(units: list[_Unit], boots: Boots, depth: int = 0) -> list[Part]:
    """The units as parts, those that only some of the ``boots`` have in opt and alt."""
    parts: list[Part] = []
    optional: list[tuple[_Unit, Boots]] = []
    for unit in units:
        having = _boots(unit)
        if having != boots:
            optional.append((unit, having))
            continue
        parts += _choices(optional, boots, depth)
        optional = []
        parts.append(_part(unit, boots))
    return [*parts, *_choices(optional, boots, depth)]


def _part(unit: _Unit, boots: Boots) -> Part:
    if len(unit) > 1:
        having = [_boots([thread]) for thread in unit]
        inside = (_grouped([[[one]] for one in thread], had) for thread, had in zip(unit, having, strict=True))
        return Fragment("par", list(map(Operand, having, inside)))
    return _repeated(unit[0][0], boots)


def _repeated(one: Sibling, boots: Boots) -> Part:
    if max(one.counts.values()) == 1:
        return one.step
    return Fragment("loop", [Operand(boots, [one.step])], dict(one.counts))


def _choices(optional: list[tuple[_Unit, Boots]], boots: Boots, depth: int) -> Iterator[Part]:
    blocks = [
        Operand(having, _grouped([unit for unit, _ in inside], having, depth + 1))
        for inside, having in _blocks(_sorted(optional), nested=depth < _DEEPEST)
    ]
    start = 0
    while start < len(blocks):
        end = _exclusive(blocks, start, boots)
        # What most do comes first.
        operands = sorted(blocks[start:end], key=lambda block: (-len(block.boots), min(block.boots)))
        yield Fragment("alt" if len(operands) > 1 else "opt", operands)
        start = end


def _exclusive(blocks: list[Operand], start: int, boots: Boots) -> int:
    """Where the blocks end of which each boot has exactly one; behind the first if it is none of such."""
    found: Boots = frozenset()
    for end, block in enumerate(blocks[start:], start + 1):
        if found & block.boots:
            break
        found |= block.boots
        if found == boots:
            return end
    return start + 1


def _sorted(optional: list[tuple[_Unit, Boots]]) -> list[tuple[_Unit, Boots]]:
    """What the same boots have, together: it may pass what none of them has."""
    kept: list[tuple[_Unit, Boots]] = []
    for unit, having in optional:
        place = len(kept)
        while place and not kept[place - 1][1] & having:
            place -= 1
        kept.insert(place if place and kept[place - 1][1] == having else len(kept), (unit, having))
    return kept


def _blocks(optional: list[tuple[_Unit, Boots]], *, nested: bool) -> list[tuple[list[tuple[_Unit, Boots]], Boots]]:
    """Neighbours whose boots are among those of one of them, largest sets first; or, not nested, are the same."""
    free = [True] * len(optional)
    found: list[tuple[int, int, Boots]] = []
    for middle in sorted(range(len(optional)), key=lambda place: (-len(optional[place][1]), place)):
        if not free[middle]:
            continue
        having = optional[middle][1]
        first = last = middle
        while first and free[first - 1] and _belongs(optional[first - 1][1], having, nested):
            first -= 1
        while last + 1 < len(optional) and free[last + 1] and _belongs(optional[last + 1][1], having, nested):
            last += 1
        free[first : last + 1] = [False] * (last + 1 - first)
        found.append((first, last, having))
    return [(optional[first : last + 1], having) for first, last, having in sorted(found, key=lambda each: each[0])]


def _belongs(boots: Boots, having: Boots, nested: bool) -> bool:
    return boots <= having if nested else boots == having
