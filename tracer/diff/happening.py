"""Which written steps happened, and where: every line of an outline laid over the steps of a boot."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from tracer.diff import fitting
from tracer.diff.fitting import Line, Pair
from tracer.diff.outlines import Outline, Written
from tracer.diff.phrases import Key
from tracer.diff.seen import Seen, below, inside
from tracer.diff.sight import Sight

#: Fits less than this are not looked for where the outline does not write them.
_SURE = 0.8
#: How many equal lines or steps are looked at in one place.
_NEAR = 64


@dataclass(slots=True)
class Happening:
    """What was found: for every line its steps, for every pair of both what stands under it in which order."""

    root: Seen
    lines: list[Line]
    sight: Sight
    steps: dict[int, list[Seen]] = field(default_factory=dict)
    #: A line of each step that has one, by the step's place.
    written: dict[int, Line] = field(default_factory=dict)
    #: How often a line was found under one step, at most.
    times: dict[int, int] = field(default_factory=dict)
    #: Lines that happened below another step than they are written.
    moved: list[Pair] = field(default_factory=list)
    #: Under each step with a line, in the order of writing, what was found.
    orders: list[list[Pair]] = field(default_factory=list)

    def happened(self, line: Line) -> bool:
        """Whether any step is what the line writes."""
        return id(line) in self.steps

    def around(self, line: Line) -> Seen:
        """The step that the nearest line around happened as."""
        up = line.parent
        while up is not None and not (id(up) in self.steps and self.steps[id(up)][0].real):
            up = up.parent
        return self.root if up is None else self.steps[id(up)][0]


def find(outline: Outline, root: Seen, sight: Sight) -> Happening:
    """Lay the whole outline over the whole tree, from the top down."""
    top = Line(Written("", "", children=outline.steps))
    found = Happening(root, [], sight)
    finder = _Finder(found)
    finder.expand(top, root)
    stack = list(reversed(top.children))
    while stack:
        line = stack.pop()
        found.lines.append(line)
        stack.extend(reversed(line.children))
    return found


class _Finder:
    def __init__(self, found: Happening) -> None:
        self._found = found
        self._pairs: list[Pair] = []
        self._left: list[Pair] = []
        self._by_key: dict[Key, list[Seen]] = {}
        for one in below(found.root):
            for key in one.phrase.keys if one.parent else ():
                self._by_key.setdefault(key, []).append(one)

    def expand(self, line: Line, one: Seen) -> None:
        """What stands under a line, in what happened under its step; then what is still to be found, anywhere there."""
        self._pairs.append((line, one))
        while self._pairs or self._left:
            while self._pairs:
                self._under(*self._pairs.pop())
            left, self._left = self._left, []
            for missing, around in sorted(left, key=lambda each: each[0].written.line):
                if not self._found.happened(missing):
                    self._elsewhere(missing, around)

    def _under(self, line: Line, one: Seen) -> None:
        level = _Level(one, self._by_key)
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

    def _note(self, pairs: list[Pair], level: _Level) -> None:
        for line, one in pairs:
            self._link(line, one)
        for line, _ in pairs:
            times = level.got.get(id(line), 0)
            self._found.times[id(line)] = max(self._found.times.get(id(line), 0), times)
        for _, one in pairs:
            one.written = max(one.written, level.used.get(one.index, 0))
        firsts = {id(line): (line, one) for line, one in reversed(pairs)}
        self._found.orders.append(sorted(firsts.values(), key=lambda pair: _place(pair[0])))

    def _link(self, line: Line, one: Seen) -> None:
        self._found.steps.setdefault(id(line), []).append(one)
        self._found.written.setdefault(one.index, line)
        self._pairs.append((line, one))

    def _elsewhere(self, line: Line, around: Seen) -> None:
        """A step that nobody has written yet, anywhere below the one that the line stands under."""
        steps = self._by_key.get(line.phrase.key, [])
        first = bisect_right(steps, around.index, key=_index)
        for one in steps[first : first + _NEAR]:
            if one.index > around.last:
                break
            if one.index not in self._found.written and fitting.fit(line, one, around.home) >= _SURE:
                one.written, self._found.times[id(line)] = 1, 1
                self._link(line, one)
                self._found.moved.append((line, one))
                break


def _passed_on(line: Line) -> list[Line]:
    """What is written under a line that was not found; it need not happen if that need not."""
    for child in line.children:
        child.optional = line.conditional
    return line.children


def _place(line: Line) -> int:
    return line.written.line


def _index(one: Seen) -> int:
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


def _outside(steps: list[Seen], taken: list[Seen], besides: bool = False) -> list[Seen]:
    """The steps that are not inside one of those taken, nor one of them, unless these are wanted ``besides``."""
    taken = sorted(taken, key=_index)
    outside = []
    for one in steps:
        at = bisect_right(taken, one.index, key=_index)
        if not at or taken[at - 1].last < one.index or (besides and taken[at - 1] is one):
            outside.append(one)
    return outside


class _Level:
    """The lines that stand directly under one line, laid over what happened in its step, as deep as it may be."""

    def __init__(self, one: Seen, by_key: dict[Key, list[Seen]]) -> None:
        self._one = one
        self._by_key = by_key
        self.used: dict[int, int] = {}
        self.got: dict[int, int] = {}

    def find(self, lines: list[Line]) -> list[Pair]:
        """Lay lines over steps; statements by themselves, since notes do not say what they come before or after."""
        statements = [line for line in lines if line.phrase.kind == "sql"]
        return self._lay([line for line in lines if line.phrase.kind != "sql"]) + self._lay(statements)

    def _lay(self, lines: list[Line]) -> list[Pair]:
        """A line over several steps where it is written so, several over one that happens so often."""
        free = self._often(lines, self._one.children)
        pairs: list[Pair] = []
        if fitting.may_compare(lines, free):
            pairs = fitting.in_order(lines, free, self._one)
        if len(pairs) < len(lines):
            # Not simply what the next level is: the outline is coarser, or wrong.
            pairs = self._deeper(lines, free)
        pairs = [(line, one) for line, one in pairs if self._take(line, one)]
        steps = _outside(self._candidates(lines), [one for _, one in pairs], besides=True)
        return pairs + self._more(lines, steps, {id(line) for line, _ in pairs})

    def _deeper(self, lines: list[Line], free: list[Seen]) -> list[Pair]:
        """Lay lines over all that happened inside; what is inside a step with a line is that line's own matter."""
        steps = self._candidates(lines)
        found = [] if fitting.may_compare(lines, steps) else fitting.in_any_order(lines, free, self._one)
        laid: list[Callable[[list[Line], list[Seen], Seen], list[Pair]]] = [fitting.in_order, fitting.in_any_order]
        while laid:
            there = {id(line) for line, _ in found}
            left = [line for line in lines if id(line) not in there]
            steps = _outside(steps, [one for _, one in found])
            fresh = laid[0](left, steps, self._one) if fitting.may_compare(left, steps) else []
            found += (outer := _outer(fresh))
            if not outer:
                laid.pop(0)
        return found

    def _candidates(self, lines: list[Line]) -> list[Seen]:
        """All steps inside that a line may name, in order."""
        found: dict[int, Seen] = {}
        for key in {line.phrase.key for line in lines}:
            steps = self._by_key.get(key, [])
            first = bisect_right(steps, self._one.index, key=_index)
            found |= {one.index: one for one in steps[first : bisect_right(steps, self._one.last, key=_index)]}
        return self._often(lines, [found[index] for index in sorted(found)])

    def _often(self, lines: list[Line], steps: list[Seen]) -> list[Seen]:
        """The steps that are free, one that happens several times as often as lines can use it."""
        wanted = Counter(line.phrase.key for line in lines)
        # A line that says how often takes what it needs at once.
        wanted.update({line.phrase.key: -len(lines) for line in lines if line.written.low is not None})
        often = (min(self._has(one), max(1, *(wanted[key] for key in one.phrase.keys))) for one in steps)
        return [one for one, times in zip(steps, often, strict=True) for _ in range(times)]

    def _more(self, lines: list[Line], steps: list[Seen], begun: set[int]) -> list[Pair]:
        """Lines that are written several times over further steps, more lines over steps that happen several times."""
        pairs: list[Pair] = []
        wanting: dict[Key, deque[Line]] = {}
        for line in lines:
            if self._wants(line) and (id(line) not in begun or (line.written.high or 1) > 1):
                wanting.setdefault(line.phrase.key, deque()).append(line)
        for one in steps if wanting else ():
            for queue in [wanting[key] for key in one.phrase.keys if key in wanting]:
                pairs += self._serve(one, queue)
        return pairs

    def _serve(self, one: Seen, queue: deque[Line]) -> list[Pair]:
        while queue and not self._wants(queue[0]):
            queue.popleft()
        pairs = []
        for line in list(islice(queue, _NEAR)):
            if self._has(one) > 0 and self._wants(line) and fitting.weight(line, one, self._one):
                self._take(line, one)
                pairs.append((line, one))
        return pairs

    def _wants(self, line: Line) -> int:
        return (line.written.high or 1) - self.got.get(id(line), 0)

    def _has(self, one: Seen) -> int:
        return max(one.times // self._one.times, 1) - self.used.get(one.index, 0)

    def _take(self, line: Line, one: Seen) -> int:
        times = min(self._wants(line), self._has(one))
        self.used[one.index] = self.used.get(one.index, 0) + times
        self.got[id(line)] = self.got.get(id(line), 0) + times
        return times
