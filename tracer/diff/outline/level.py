"""One level of an outline laid over what happened: the lines under a line over all that is inside its step."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable
from itertools import islice

from tracer.diff.outline import score
from tracer.diff.outline.observed import ObservedStep
from tracer.diff.outline.score import OutlineLine, Pair
from tracer.notation.phrases import Key

#: How many equal lines or steps are looked at in one place.
NEAR = 64


def by_index(one: ObservedStep) -> int:
    """A step's place in the whole tree's order."""
    return one.index


def _outer(pairs: list[Pair]) -> list[Pair]:
    """The pairs whose step is inside no other's."""
    kept: list[Pair] = []
    last = -1
    for line, one in sorted(pairs, key=lambda pair: pair[1].index):
        if one.index > last or (kept and one is kept[-1][1]):
            kept.append((line, one))
            last = one.last
    return kept


def _outside(steps: list[ObservedStep], taken: list[ObservedStep], besides: bool = False) -> list[ObservedStep]:
    """The steps that are not inside one of those taken, nor one of them, unless these are wanted ``besides``."""
    taken = sorted(taken, key=by_index)
    outside = []
    for one in steps:
        at = bisect_right(taken, one.index, key=by_index)
        if not at or taken[at - 1].last < one.index or (besides and taken[at - 1] is one):
            outside.append(one)
    return outside


class Level:
    """The lines that stand directly under one line, laid over what happened in its step, as deep as it may be."""

    def __init__(self, one: ObservedStep, by_key: dict[Key, list[ObservedStep]]) -> None:
        self._one = one
        self._by_key = by_key
        self.used: dict[int, int] = {}
        self.got: dict[int, int] = {}

    def find(self, lines: list[OutlineLine]) -> list[Pair]:
        """Lay lines over steps; statements by themselves, since notes do not say what they come before or after."""
        statements = [line for line in lines if line.phrase.kind == "sql"]
        return self._lay([line for line in lines if line.phrase.kind != "sql"]) + self._lay(statements)

    def _lay(self, lines: list[OutlineLine]) -> list[Pair]:
        """A line over several steps where it is written so, several over one that happens so often."""
        free = self._often(lines, self._one.children)
        pairs: list[Pair] = []
        if score.may_compare(lines, free):
            pairs = score.in_order(lines, free, self._one)
        if len(pairs) < len(lines):
            # Not simply what the next level is: the outline is coarser, or wrong.
            pairs = self._deeper(lines, free)
        pairs = [(line, one) for line, one in pairs if self._take(line, one)]
        steps = _outside(self._candidates(lines), [one for _, one in pairs], besides=True)
        return pairs + self._more(lines, steps, {id(line) for line, _ in pairs})

    def _deeper(self, lines: list[OutlineLine], free: list[ObservedStep]) -> list[Pair]:
        """Lay lines over all that happened inside; what is inside a step with a line is that line's own matter."""
        steps = self._candidates(lines)
        found = [] if score.may_compare(lines, steps) else score.in_any_order(lines, free, self._one)
        laid: list[Callable[[list[OutlineLine], list[ObservedStep], ObservedStep], list[Pair]]] = [
            score.in_order,
            score.in_any_order,
        ]
        while laid:
            there = {id(line) for line, _ in found}
            left = [line for line in lines if id(line) not in there]
            steps = _outside(steps, [one for _, one in found])
            fresh = laid[0](left, steps, self._one) if score.may_compare(left, steps) else []
            found += (outer := _outer(fresh))
            if not outer:
                laid.pop(0)
        return found

    def _candidates(self, lines: list[OutlineLine]) -> list[ObservedStep]:
        """All steps inside that a line may name, in order."""
        found: dict[int, ObservedStep] = {}
        for key in {line.phrase.key for line in lines}:
            steps = self._by_key.get(key, [])
            first = bisect_right(steps, self._one.index, key=by_index)
            found |= {one.index: one for one in steps[first : bisect_right(steps, self._one.last, key=by_index)]}
        return self._often(lines, [found[index] for index in sorted(found)])

    def _often(self, lines: list[OutlineLine], steps: list[ObservedStep]) -> list[ObservedStep]:
        """The steps that are free, one that happens several times as often as lines can use it."""
        wanted = Counter(line.phrase.key for line in lines)
        # A line that says how often takes what it needs at once.
        wanted.update({line.phrase.key: -len(lines) for line in lines if line.written.low is not None})
        often = (min(self._has(one), max(1, *(wanted[key] for key in one.phrase.keys))) for one in steps)
        return [one for one, times in zip(steps, often, strict=True) for _ in range(times)]

    def _more(self, lines: list[OutlineLine], steps: list[ObservedStep], begun: set[int]) -> list[Pair]:
        """Lines that are written several times over further steps, more lines over steps that happen several times."""
        pairs: list[Pair] = []
        wanting: dict[Key, deque[OutlineLine]] = {}
        for line in lines:
            if self._wants(line) and (id(line) not in begun or (line.written.high or 1) > 1):
                wanting.setdefault(line.phrase.key, deque()).append(line)
        for one in steps if wanting else ():
            for queue in [wanting[key] for key in one.phrase.keys if key in wanting]:
                pairs += self._serve(one, queue)
        return pairs

    def _serve(self, one: ObservedStep, queue: deque[OutlineLine]) -> list[Pair]:
        while queue and not self._wants(queue[0]):
            queue.popleft()
        pairs = []
        for line in list(islice(queue, NEAR)):
            if self._has(one) > 0 and self._wants(line) and score.weight(line, one, self._one):
                self._take(line, one)
                pairs.append((line, one))
        return pairs

    def _wants(self, line: OutlineLine) -> int:
        return (line.written.high or 1) - self.got.get(id(line), 0)

    def _has(self, one: ObservedStep) -> int:
        return max(one.times // self._one.times, 1) - self.used.get(one.index, 0)

    def _take(self, line: OutlineLine, one: ObservedStep) -> int:
        times = min(self._wants(line), self._has(one))
        self.used[one.index] = self.used.get(one.index, 0) + times
        self.got[id(line)] = self.got.get(id(line), 0) + times
        return times
