"""How well a written line fits a step that happened, and which lines are best laid over which steps."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from tracer.correlation import participants
from tracer.diff.outline.observed import Home, ObservedStep
from tracer.diff.outline.outline import OutlineStep
from tracer.notation import marks, phrases
from tracer.notation.parse import is_library
from tracer.notation.phrases import Key, Phrase

#: A table of more cells than this is not filled: equal lines are then laid over equal steps one by one.
_CELLS = 100_000
_WORD = re.compile(r"[a-z]+")
_LOOK = 64
#: Of ``self.network_api`` it is the network that tells.
_EVERYWHERE = frozenset({"api", "rpcapi", "client", "manager"})


@dataclass(eq=False)
class OutlineLine:
    """A written step on its way to what happened."""

    written: OutlineStep
    parent: OutlineLine | None = None
    #: Stands under a step that is written under a condition and cannot be looked for.
    optional: bool = False

    @cached_property
    def phrase(self) -> Phrase:
        """What it names."""
        return phrases.phrase(self.written.text, phrases.named_by(self.written.notes))

    @cached_property
    def children(self) -> list[OutlineLine]:
        """The lines below it; statements, though written as notes, are steps."""
        notes = [_statement(self.written, note) for note in self.written.notes if is_statement(note)]
        return [OutlineLine(child, self) for child in (*notes, *self.written.children) if not _is_waiting(child)]

    @cached_property
    def look(self) -> frozenset[Key]:
        """What it writes below itself, as far as a step's look goes."""
        keys = {child.phrase.key for child in self.children[:_LOOK]}
        keys.update(below.phrase.key for child in self.children[:_LOOK] for below in child.children[:_LOOK])
        return frozenset(keys).union(*map(phrases.state, self.written.notes))

    @property
    def conditional(self) -> bool:
        """Whether it need not happen."""
        return self.optional or bool(self.written.conditions)

    @cached_property
    def home(self) -> Home:
        """The file and class that the outline is in from here on, as far as it says so."""
        said = self.phrase
        if said.home or not self.parent:
            return said.home
        return self.parent.home if said.owner in ("", "self") and not said.message else None


Pair = tuple[OutlineLine, ObservedStep]


def _statement(written: OutlineStep, note: str) -> OutlineStep:
    text, said = marks.split(note)
    return OutlineStep(written.address, text, line=written.line, low=said.low, high=said.high)


def _is_waiting(written: OutlineStep) -> bool:
    """Whether a line is about a connection that was waited for: no part of a boot's normal form."""
    return written.text.startswith("sqlalchemy/pool.py")


def is_statement(note: str) -> bool:
    """Whether a note writes a statement that the service itself makes."""
    return phrases.phrase(note).kind == "sql" and " " in phrases.phrase(note).name and not is_library(note)


def fit(line: OutlineLine, one: ObservedStep, home: Home) -> float:
    """From 0, not this step, to 1, this very step; ``home`` is where the code around the line runs."""
    said, done = line.phrase, one.phrase
    if said.key not in done.keys:
        return 0
    if said.kind == "call" and (done.kind == "http" or (done.message and not done.path)):
        return _served(said, done, one)
    if said.kind == "call":
        return _call(said, done, home, one)
    if said.kind == "http":
        # Without an arrow it may be either side, unless the line says whose.
        far = not said.to and done.to and line.written.service not in ("", one.node.service)
        return 0 if far else _http(said, done)
    if said.kind == "rpc":
        if not said.name and (said.mode, said.to) != (done.mode, said.to and done.to):
            return 0
        return 1 if said.mode == done.mode else 0.6
    return 1 if said == done else 0.8


def _http(said: Phrase, done: Phrase) -> float:
    if said.to and said.to != done.to:
        return 0
    return (1 if said.to == done.to else 0.7) * (1 if not said.status or said.status == done.status else 0.8)


def _served(said: Phrase, done: Phrase, one: ObservedStep) -> float:
    """A function over a request or a message of which is not known what function serves it."""
    if done.kind == "http":
        return 0.9 if said.path.endswith(f"/{phrases.resource(done)}.py") else 0
    if said.message == done.message:
        return 1
    owner = done.message.rpartition(".")[0]
    if owner or not said.path:
        # ``Instance.save`` is a method of the object's, whoever takes the message.
        return 0.9 if said.owner == owner and not said.message else 0
    service = participants.of_module("nova." + said.path.removesuffix(".py").replace("/", "."))
    return 0.9 if service in ("", one.node.service) else 0


def _call(said: Phrase, done: Phrase, home: Home, one: ObservedStep) -> float:
    if said.path:
        fits = said.path == done.path and said.owner in ("", done.owner)
        return (1 if said.owner == done.owner else 0.9) if fits else 0
    around = one.parent.home if one.parent else None
    if said.owner == "self":
        return 1 if done.home and done.home == home else 0.9 if done.home and done.home == around else 0
    if not said.owner:
        files = [place[0] for place in (home, around) if place]
        return 1 if done.path in files else 0.5
    if not done.path:
        return 1 if said.owner == done.owner else 0
    words = [word for word in _WORD.findall(said.owner.lower()) if word not in _EVERYWHERE]
    return 0.8 if any(word in f"{done.path} {done.owner}".lower() for word in words) else 0


def _alike(line: OutlineLine, one: ObservedStep) -> float:
    """How much of what stands below the line stands below the step, and the other way round."""
    if not line.look or not one.look:
        return 1 if line.look == one.look else 0.5
    both = len(line.look & one.look)
    return (both / len(line.look) + both / len(one.look)) / 2


def weight(line: OutlineLine, one: ObservedStep, around: ObservedStep) -> float:
    """What it is worth to lay a line that stands under ``around`` over a step in it.

    What must happen goes before what may, what is near before what is deep inside.
    """
    fits = fit(line, one, around.home)
    near = 0.6 + 0.4 / (one.depth - around.depth)
    return fits * near * (0.7 if line.conditional else 1) * (0.25 + 0.75 * _alike(line, one)) if fits else 0


def may_compare(lines: list[OutlineLine], steps: list[ObservedStep]) -> bool:
    """Whether all lines can be held against all steps in bounded time."""
    return len(lines) * len(steps) <= _CELLS


def in_order(lines: list[OutlineLine], steps: list[ObservedStep], around: ObservedStep) -> list[Pair]:
    """The heaviest way to lay lines over steps without crossing."""
    weights = [[weight(line, one, around) for one in steps] for line in lines]
    best = [[0.0] * (len(steps) + 1) for _ in range(len(lines) + 1)]
    for a in range(len(lines) - 1, -1, -1):
        row, under, worth = best[a], best[a + 1], weights[a]
        for b in range(len(steps) - 1, -1, -1):
            row[b] = max(under[b], row[b + 1], worth[b] + under[b + 1] if worth[b] else 0)
    found, a, b = [], 0, 0
    while a < len(lines) and b < len(steps):
        if weights[a][b] and best[a][b] == weights[a][b] + best[a + 1][b + 1]:
            found.append((lines[a], steps[b]))
            a, b = a + 1, b + 1
        elif best[a][b] == best[a][b + 1]:
            b += 1
        else:
            a += 1
    return found


def in_any_order(lines: list[OutlineLine], steps: list[ObservedStep], around: ObservedStep) -> list[Pair]:
    """Line by line over the step that fits best and was not taken yet, of the first that come into question."""
    by_key: dict[Key, deque[ObservedStep]] = {}
    for one in steps:
        for key in one.phrase.keys:
            by_key.setdefault(key, deque()).append(one)
    found: list[Pair] = []
    taken: set[int] = set()
    for line in lines:
        queue = by_key.get(line.phrase.key, deque())
        while queue and queue[0].index in taken:
            queue.popleft()
        free = [one for one in islice(queue, _LOOK) if one.index not in taken]
        best = max(free, default=None, key=lambda one: (weight(line, one, around), -one.index))
        if best is not None and weight(line, best, around):
            taken.add(best.index)
            found.append((line, best))
    return found
