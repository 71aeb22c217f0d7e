"""The siblings of merged boots, arranged in combined fragments: optional, alternative, repeated, in any order.

Every boot can be read back from the result: of opt and alt the operands that have it, of a loop as often as it counts,
of par an interleaving of its operands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tracer.model import Fragment, MergedStep, Operand

Part = MergedStep | Fragment
Boots = frozenset[int]

#: The most operands of a par that are tried: with more, it merely shows that the order varies.
_MOST = 64
#: The deepest nesting of opts: deeper ones are unreadable, and would exceed Python's stack in the end.
_DEEPEST = 8


@dataclass(slots=True)
class Sibling:
    """A step inside a step, with its count and position in each boot that has it."""

    step: MergedStep
    #: Its count in a row, and its index among its siblings, by boot.
    counts: dict[int, int]
    positions: dict[int, int]
    #: The boots in which it ran concurrently with a sibling.
    beside: Boots = frozenset()


#: A part whose order among the others is the same in every boot: a step, or sequences that run side by side.
_Unit = list[list[Sibling]]


def arranged(siblings: Sequence[Sibling], boots: Boots) -> list[Part]:
    """Return the siblings inside a step that ``boots`` have, as steps and fragments."""
    return _grouped(list(_units(siblings)), boots)


def _units(siblings: Sequence[Sibling]) -> Iterator[_Unit]:
    start = 0
    for first, last in _mixed(siblings):
        yield from ([[sibling]] for sibling in siblings[start:first])
        yield _threads(siblings[first : last + 1])
        start = last + 1
    yield from ([[sibling]] for sibling in siblings[start:])


def _mixed(siblings: Sequence[Sibling]) -> list[tuple[int, int]]:
    """Return the (first, last) ranges of siblings whose order varies between boots, or which run concurrently."""
    spans = [
        (index - 1, index) for index in range(1, len(siblings))
        if siblings[index - 1].beside & siblings[index].beside
    ]  # fmt: skip
    for boot in {boot for sibling in siblings for boot in sibling.positions}:
        order = sorted(
            (sibling.positions[boot], index) for index, sibling in enumerate(siblings) if boot in sibling.positions
        )
        latest = -1
        for _, index in order:
            if index < latest:
                spans.append((index, latest))
            latest = max(latest, index)
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _threads(mixed: Sequence[Sibling]) -> _Unit:
    """Return sequences in which every boot keeps the order: few of them, found greedily."""
    threads: list[_Thread] = []
    for sibling in mixed:
        thread = next((candidate for candidate in threads[:_MOST] if candidate.takes(sibling)), None)
        if thread is None:
            threads.append(thread := _Thread())
        thread.add(sibling)
    return [thread.inside for thread in threads]


@dataclass(slots=True)
class _Thread:
    """An operand of a par while it is built: its latest position by boot, and the boots where it ran concurrently."""

    inside: list[Sibling] = field(default_factory=list)
    latest: dict[int, int] = field(default_factory=dict)
    beside: set[int] = field(default_factory=set)

    def takes(self, sibling: Sibling) -> bool:
        """Return whether the sibling follows all in the thread in every boot, and ran concurrently with none of it."""
        follows = all(self.latest.get(boot, -1) < index for boot, index in sibling.positions.items())
        return follows and not sibling.beside & self.beside

    def add(self, sibling: Sibling) -> None:
        """Append the sibling."""
        self.inside.append(sibling)
        self.latest |= sibling.positions
        self.beside |= sibling.beside


def _boots(unit: _Unit) -> Boots:
    return frozenset(boot for thread in unit for sibling in thread for boot in sibling.counts)


def _grouped(units: list[_Unit], boots: Boots, depth: int = 0) -> list[Part]:
    """Return the units as parts, those that only some of the ``boots`` have in opt and alt."""
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
        inside = (_grouped([[[sibling]] for sibling in thread], had) for thread, had in zip(unit, having, strict=True))
        return Fragment("par", list(map(Operand, having, inside)))
    return _repeated(unit[0][0], boots)


def _repeated(sibling: Sibling, boots: Boots) -> Part:
    if max(sibling.counts.values()) == 1:
        return sibling.step
    return Fragment("loop", [Operand(boots, [sibling.step])], dict(sibling.counts))


def _choices(optional: list[tuple[_Unit, Boots]], boots: Boots, depth: int) -> Iterator[Part]:
    blocks = [
        Operand(having, _grouped([unit for unit, _ in inside], having, depth + 1))
        for inside, having in _blocks(_sorted(optional), nested=depth < _DEEPEST)
    ]
    start = 0
    while start < len(blocks):
        end = _exclusive(blocks, start, boots)
        # The most frequent operand comes first.
        operands = sorted(blocks[start:end], key=lambda block: (-len(block.boots), min(block.boots)))
        yield Fragment("alt" if len(operands) > 1 else "opt", operands)
        start = end


def _exclusive(blocks: list[Operand], start: int, boots: Boots) -> int:
    """Return the end of the blocks of which each boot has exactly one, or the next index if there are none."""
    covered: Boots = frozenset()
    for end, block in enumerate(blocks[start:], start + 1):
        if covered & block.boots:
            break
        covered |= block.boots
        if covered == boots:
            return end
    return start + 1


def _sorted(optional: list[tuple[_Unit, Boots]]) -> list[tuple[_Unit, Boots]]:
    """Move units of the same boots together, past units that none of these boots has."""
    ordered: list[tuple[_Unit, Boots]] = []
    for unit, having in optional:
        index = len(ordered)
        while index and not ordered[index - 1][1] & having:
            index -= 1
        ordered.insert(index if index and ordered[index - 1][1] == having else len(ordered), (unit, having))
    return ordered


def _blocks(optional: list[tuple[_Unit, Boots]], *, nested: bool) -> list[tuple[list[tuple[_Unit, Boots]], Boots]]:
    """Group neighbours whose boots are a subset of those of one of them, largest sets first; not nested: equal ones."""
    free = [True] * len(optional)
    spans: list[tuple[int, int, Boots]] = []
    for middle in sorted(range(len(optional)), key=lambda index: (-len(optional[index][1]), index)):
        if not free[middle]:
            continue
        having = optional[middle][1]
        first = last = middle
        while first and free[first - 1] and _belongs(optional[first - 1][1], having, nested):
            first -= 1
        while last + 1 < len(optional) and free[last + 1] and _belongs(optional[last + 1][1], having, nested):
            last += 1
        free[first : last + 1] = [False] * (last + 1 - first)
        spans.append((first, last, having))
    return [(optional[first : last + 1], having) for first, last, having in sorted(spans, key=lambda span: span[0])]


def _belongs(boots: Boots, having: Boots, nested: bool) -> bool:
    return boots <= having if nested else boots == having
