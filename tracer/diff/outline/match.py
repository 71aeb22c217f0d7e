"""Which written steps happened, and where: every line of an outline laid over the steps of a boot."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from tracer.diff.outline import score
from tracer.diff.outline.level import NEAR, Level, by_index
from tracer.diff.outline.observed import ObservedStep, below, inside
from tracer.diff.outline.outline import Outline, OutlineStep
from tracer.diff.outline.score import OutlineLine, Pair
from tracer.diff.outline.visibility import Visibility
from tracer.notation.phrases import Key

#: Fits less than this are not looked for where the outline does not write them.
_SURE = 0.8


@dataclass(slots=True)
class OutlineMatch:
    """What was found: for every line its steps, for every pair of both what stands under it in which order."""

    root: ObservedStep
    lines: list[OutlineLine]
    sight: Visibility
    steps: dict[int, list[ObservedStep]] = field(default_factory=dict)
    #: A line of each step that has one, by the step's place.
    written: dict[int, OutlineLine] = field(default_factory=dict)
    #: How often a line was found under one step, at most.
    times: dict[int, int] = field(default_factory=dict)
    #: Lines that happened below another step than they are written.
    moved: list[Pair] = field(default_factory=list)
    #: Under each step with a line, in the order of writing, what was found.
    orders: list[list[Pair]] = field(default_factory=list)
    #: In whose process each line runs, or would run.
    services: dict[int, str] = field(default_factory=dict)
    _around: dict[int, ObservedStep] = field(default_factory=dict)

    def happened(self, line: OutlineLine) -> bool:
        """Whether any step is what the line writes."""
        return id(line) in self.steps

    def around(self, line: OutlineLine) -> ObservedStep:
        """The step that the nearest line around happened as."""
        return self._around[id(line)]

    def settle(self) -> None:
        """Know what is around every line, once all steps are found."""
        for line in self.lines:
            up = self.steps.get(id(line.parent), [])
            self._around[id(line)] = up[0] if up else self._around.get(id(line.parent), self.root)


def find(outline: Outline, root: ObservedStep, sight: Visibility) -> OutlineMatch:
    """Lay the whole outline over the whole tree, from the top down."""
    top = OutlineLine(OutlineStep("", "", children=outline.steps))
    found = OutlineMatch(root, [], sight)
    finder = _Finder(found)
    finder.expand(top, root)
    stack = list(reversed(top.children))
    while stack:
        line = stack.pop()
        found.lines.append(line)
        stack.extend(reversed(line.children))
    found.settle()
    return found


class _Finder:
    def __init__(self, found: OutlineMatch) -> None:
        self._found = found
        self._pairs: list[Pair] = []
        self._left: list[Pair] = []
        self._by_key: dict[Key, list[ObservedStep]] = {}
        for one in below(found.root):
            for key in one.phrase.keys if one.parent else ():
                self._by_key.setdefault(key, []).append(one)

    def expand(self, line: OutlineLine, one: ObservedStep) -> None:
        """What stands under a line, in what happened under its step; then what is still to be found, anywhere there."""
        self._pairs.append((line, one))
        while self._pairs or self._left:
            while self._pairs:
                self._under(*self._pairs.pop())
            left, self._left = self._left, []
            for missing, around in sorted(left, key=lambda each: each[0].written.line):
                if not self._found.happened(missing):
                    self._elsewhere(missing, around)

    def _under(self, line: OutlineLine, one: ObservedStep) -> None:
        level = Level(one, self._by_key)
        lines = list(line.children)
        pairs: list[Pair] = []
        while lines:
            found = level.find(lines)
            pairs += found
            there = {id(each) for each, _ in found}
            missing = [each for each in lines if id(each) not in there]
            self._left += [(each, one) for each in missing if not each.conditional]
            # A step that does not happen, or that nobody could see, may have been written around steps that do.
            hidden = not self._found.sight.calls(inside(one).node.service)
            lines = [child for each in missing if hidden or not each.conditional for child in _passed_on(each)]
        self._note(pairs, level)

    def _note(self, pairs: list[Pair], level: Level) -> None:
        for line, one in pairs:
            self._link(line, one)
        for line, _ in pairs:
            times = level.got.get(id(line), 0)
            self._found.times[id(line)] = max(self._found.times.get(id(line), 0), times)
        for _, one in pairs:
            one.written = max(one.written, level.used.get(one.index, 0))
        firsts = {id(line): (line, one) for line, one in reversed(pairs)}
        self._found.orders.append(sorted(firsts.values(), key=lambda pair: _place(pair[0])))

    def _link(self, line: OutlineLine, one: ObservedStep) -> None:
        self._found.steps.setdefault(id(line), []).append(one)
        self._found.written.setdefault(one.index, line)
        self._pairs.append((line, one))

    def _elsewhere(self, line: OutlineLine, around: ObservedStep) -> None:
        """A step that nobody has written yet, anywhere below the one that the line stands under."""
        steps = self._by_key.get(line.phrase.key, [])
        first = bisect_right(steps, around.index, key=by_index)
        for one in steps[first : first + NEAR]:
            if one.index > around.last:
                break
            if one.index not in self._found.written and score.fit(line, one, around.home) >= _SURE:
                one.written, self._found.times[id(line)] = 1, 1
                self._link(line, one)
                self._found.moved.append((line, one))
                break


def _passed_on(line: OutlineLine) -> list[OutlineLine]:
    """What is written under a line that was not found; it need not happen if that need not."""
    for child in line.children:
        child.optional = line.conditional
    return line.children


def _place(line: OutlineLine) -> int:
    return line.written.line
