"""The matching of one level of an outline: the lines below a line with the steps inside its step."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable
from itertools import islice

from tracer.diff.outline import score
from tracer.diff.outline.observed import ObservedStep
from tracer.diff.outline.score import OutlineLine, Pair
from tracer.notation.phrases import Key

#: The most equal lines or steps that are tried at one position.
NEAR = 64


def by_index(step: ObservedStep) -> int:
    """Return a step's index in the whole tree's order."""
    return step.index


def _outer(pairs: list[Pair]) -> list[Pair]:
    """Return the pairs whose step is inside no other pair's step."""
    outer: list[Pair] = []
    last = -1
    for line, step in sorted(pairs, key=lambda pair: pair[1].index):
        if step.index > last or (outer and step is outer[-1][1]):
            outer.append((line, step))
            last = step.last
    return outer


def _outside(steps: list[ObservedStep], taken: list[ObservedStep], besides: bool = False) -> list[ObservedStep]:
    """Return the steps that are neither taken nor inside a taken one; ``besides`` includes the taken ones."""
    taken = sorted(taken, key=by_index)
    outside = []
    for step in steps:
        position = bisect_right(taken, step.index, key=by_index)
        if not position or taken[position - 1].last < step.index or (besides and taken[position - 1] is step):
            outside.append(step)
    return outside


class Level:
    """The lines directly below a line, matched with the steps inside its step, at any depth."""

    def __init__(self, step: ObservedStep, by_key: dict[Key, list[ObservedStep]]) -> None:
        self._step = step
        self._by_key = by_key
        self.used: dict[int, int] = {}
        self.got: dict[OutlineLine, int] = {}

    def find(self, lines: list[OutlineLine]) -> list[Pair]:
        """Return pairs of lines and steps; statements are matched separately, since notes have no order among steps."""
        statements = [line for line in lines if line.phrase.kind == "sql"]
        return self._lay([line for line in lines if line.phrase.kind != "sql"]) + self._lay(statements)

    def _lay(self, lines: list[OutlineLine]) -> list[Pair]:
        """Match lines with steps: a line with a count with several steps, several lines with a repeated step."""
        free = self._repeated(lines, self._step.children)
        pairs: list[Pair] = []
        if score.may_compare(lines, free):
            pairs = score.in_order(lines, free, self._step)
        if len(pairs) < len(lines):
            # More than the next level is needed: the outline is coarser, or wrong.
            pairs = self._deeper(lines, free)
        pairs = [(line, step) for line, step in pairs if self._take(line, step)]
        steps = _outside(self._candidates(lines), [step for _, step in pairs], besides=True)
        return pairs + self._more(lines, steps, {line for line, _ in pairs})

    def _deeper(self, lines: list[OutlineLine], free: list[ObservedStep]) -> list[Pair]:
        """Match lines with steps at any depth, but not inside a step that has a line already."""
        steps = self._candidates(lines)
        pairs = [] if score.may_compare(lines, steps) else score.in_any_order(lines, free, self._step)
        laid: list[Callable[[list[OutlineLine], list[ObservedStep], ObservedStep], list[Pair]]] = [
            score.in_order,
            score.in_any_order,
        ]
        while laid:
            there = {line for line, _ in pairs}
            left = [line for line in lines if line not in there]
            steps = _outside(steps, [step for _, step in pairs])
            fresh = laid[0](left, steps, self._step) if score.may_compare(left, steps) else []
            pairs += (outer := _outer(fresh))
            if not outer:
                laid.pop(0)
        return pairs

    def _candidates(self, lines: list[OutlineLine]) -> list[ObservedStep]:
        """Return all steps inside with the key of a line, in order."""
        candidates: dict[int, ObservedStep] = {}
        for key in {line.phrase.key for line in lines}:
            steps = self._by_key.get(key, [])
            first = bisect_right(steps, self._step.index, key=by_index)
            candidates |= {
                step.index: step for step in steps[first : bisect_right(steps, self._step.last, key=by_index)]
            }
        return self._repeated(lines, [candidates[index] for index in sorted(candidates)])

    def _repeated(self, lines: list[OutlineLine], steps: list[ObservedStep]) -> list[ObservedStep]:
        """Return the free steps, repeated ones as often as lines can use them."""
        wanted = Counter(line.phrase.key for line in lines)
        # A line with a count takes all it needs at once.
        wanted.update({line.phrase.key: -len(lines) for line in lines if line.written.min_count is not None})
        often = (min(self._has(step), max(1, *(wanted[key] for key in step.phrase.keys))) for step in steps)
        return [step for step, times in zip(steps, often, strict=True) for _ in range(times)]

    def _more(self, lines: list[OutlineLine], steps: list[ObservedStep], begun: set[OutlineLine]) -> list[Pair]:
        """Match lines with a count with further steps, and further lines with repeated steps."""
        pairs: list[Pair] = []
        wanting: dict[Key, deque[OutlineLine]] = {}
        for line in lines:
            if self._wants(line) and (line not in begun or (line.written.max_count or 1) > 1):
                wanting.setdefault(line.phrase.key, deque()).append(line)
        for step in steps if wanting else ():
            for queue in [wanting[key] for key in step.phrase.keys if key in wanting]:
                pairs += self._serve(step, queue)
        return pairs

    def _serve(self, step: ObservedStep, queue: deque[OutlineLine]) -> list[Pair]:
        while queue and not self._wants(queue[0]):
            queue.popleft()
        pairs = []
        for line in list(islice(queue, NEAR)):
            if self._has(step) > 0 and self._wants(line) and score.weight(line, step, self._step):
                self._take(line, step)
                pairs.append((line, step))
        return pairs

    def _wants(self, line: OutlineLine) -> int:
        return (line.written.max_count or 1) - self.got.get(line, 0)

    def _has(self, step: ObservedStep) -> int:
        return max(step.times // self._step.times, 1) - self.used.get(step.index, 0)

    def _take(self, line: OutlineLine, step: ObservedStep) -> int:
        times = min(self._wants(line), self._has(step))
        self.used[step.index] = self.used.get(step.index, 0) + times
        self.got[line] = self.got.get(line, 0) + times
        return times
