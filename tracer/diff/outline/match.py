"""The match of an outline with a boot: for every written line the steps that it describes."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from tracer.diff.outline import score
from tracer.diff.outline.level import NEAR, Level, by_index
from tracer.diff.outline.observed import ObservedStep, Visibility, below, inside
from tracer.diff.outline.outline import Outline, OutlineStep
from tracer.diff.outline.score import OutlineLine, Pair
from tracer.notation.phrases import Key

#: The least fit of a step outside the step around its line.
_SURE = 0.8


@dataclass(slots=True)
class OutlineMatch:
    """The result of the match: the steps of each line, and the order of the lines below each matched line."""

    root: ObservedStep
    lines: list[OutlineLine]
    visibility: Visibility
    steps: dict[OutlineLine | None, list[ObservedStep]] = field(default_factory=dict)
    #: The line of each step that has one, by the step's index.
    written: dict[int, OutlineLine] = field(default_factory=dict)
    #: The largest count of each line below one step.
    times: dict[OutlineLine, int] = field(default_factory=dict)
    #: Lines matched below another step than the outline has them.
    moved: list[Pair] = field(default_factory=list)
    #: The pairs below each matched line, in the order of the outline.
    orders: list[list[Pair]] = field(default_factory=list)
    #: The service in which each line runs, or would run.
    services: dict[OutlineLine | None, str] = field(default_factory=dict)
    _around: dict[OutlineLine | None, ObservedStep] = field(default_factory=dict)

    def happened(self, line: OutlineLine) -> bool:
        """Return whether the line has a matched step."""
        return line in self.steps

    def around(self, line: OutlineLine) -> ObservedStep:
        """Return the step of the nearest matched line around."""
        return self._around[line]

    def settle(self) -> None:
        """Set the step around every line, once all steps are matched."""
        for line in self.lines:
            up = self.steps.get(line.parent, [])
            self._around[line] = up[0] if up else self._around.get(line.parent, self.root)


def match_outline(outline: Outline, root: ObservedStep, visibility: Visibility) -> OutlineMatch:
    """Match the whole outline with the whole tree, from the top down."""
    top = OutlineLine(OutlineStep("", "", children=outline.steps))
    match = OutlineMatch(root, [], visibility)
    finder = _Finder(match)
    finder.expand(top, root)
    stack = list(reversed(top.children))
    while stack:
        line = stack.pop()
        match.lines.append(line)
        stack.extend(reversed(line.children))
    match.settle()
    return match


class _Finder:
    def __init__(self, match: OutlineMatch) -> None:
        self._match = match
        self._pairs: list[Pair] = []
        self._left: list[Pair] = []
        self._by_key: dict[Key, list[ObservedStep]] = {}
        for step in below(match.root):
            for key in step.phrase.keys if step.parent else ():
                self._by_key.setdefault(key, []).append(step)

    def expand(self, line: OutlineLine, step: ObservedStep) -> None:
        """Match the lines below a line inside its step, level by level; then the unmatched ones anywhere below it."""
        self._pairs.append((line, step))
        while self._pairs or self._left:
            while self._pairs:
                self._under(*self._pairs.pop())
            left, self._left = self._left, []
            for missing, around in sorted(left, key=lambda item: item[0].written.line):
                if not self._match.happened(missing):
                    self._elsewhere(missing, around)

    def _under(self, line: OutlineLine, step: ObservedStep) -> None:
        level = Level(step, self._by_key)
        lines = list(line.children)
        pairs: list[Pair] = []
        while lines:
            fresh = level.find(lines)
            pairs += fresh
            matched = {line for line, _ in fresh}
            missing = [line for line in lines if line not in matched]
            self._left += [(line, step) for line in missing if not line.conditional]
            # A line whose step did not happen or was not visible may contain lines whose steps did.
            hidden = not self._match.visibility.calls(inside(step).node.service)
            lines = [child for line in missing if hidden or not line.conditional for child in _pass_on(line)]
        self._note(pairs, level)

    def _note(self, pairs: list[Pair], level: Level) -> None:
        for line, step in pairs:
            self._link(line, step)
        for line, _ in pairs:
            times = level.got.get(line, 0)
            self._match.times[line] = max(self._match.times.get(line, 0), times)
        for _, step in pairs:
            step.written = max(step.written, level.used.get(step.index, 0))
        firsts = {line: (line, step) for line, step in reversed(pairs)}
        self._match.orders.append(sorted(firsts.values(), key=lambda pair: _line_number(pair[0])))

    def _link(self, line: OutlineLine, step: ObservedStep) -> None:
        self._match.steps.setdefault(line, []).append(step)
        self._match.written.setdefault(step.index, line)
        self._pairs.append((line, step))

    def _elsewhere(self, line: OutlineLine, around: ObservedStep) -> None:
        """Match a line with a free step of good fit anywhere below the step around it."""
        steps = self._by_key.get(line.phrase.key, [])
        first = bisect_right(steps, around.index, key=by_index)
        for step in steps[first : first + NEAR]:
            if step.index > around.last:
                break
            if step.index not in self._match.written and score.fit(line, step, around.home) >= _SURE:
                step.written, self._match.times[line] = 1, 1
                self._link(line, step)
                self._match.moved.append((line, step))
                break


def _pass_on(line: OutlineLine) -> list[OutlineLine]:
    """Return the lines below an unmatched line, optional if that one is conditional."""
    for child in line.children:
        child.optional = line.conditional
    return line.children


def _line_number(line: OutlineLine) -> int:
    return line.written.line
