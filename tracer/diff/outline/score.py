"""The score of a written line on an observed step, and the best assignments of lines to steps."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from tracer.diff.outline.observed import Home, ObservedStep
from tracer.diff.outline.outline import OutlineStep
from tracer.model import participants
from tracer.notation import marks, phrases
from tracer.notation.parse import is_library
from tracer.notation.phrases import Key, Phrase

#: The most cells of the table for the best assignment in order; beyond, lines take steps greedily.
_CELLS = 100_000
_WORD = re.compile(r"[a-z]+")
_SIGNATURE_WIDTH = 64
#: Words that do not identify an owner: of ``self.network_api``, only ``network`` does.
_EVERYWHERE = frozenset({"api", "rpcapi", "client", "manager"})


@dataclass(eq=False)
class OutlineLine:
    """A written step that is matched with observed steps."""

    written: OutlineStep
    parent: OutlineLine | None = None
    #: Is below a step that is written under a condition and was not matched.
    optional: bool = False

    @cached_property
    def phrase(self) -> Phrase:
        """The parsed line."""
        return phrases.phrase(self.written.text, phrases.named_by(self.written.notes))

    @cached_property
    def children(self) -> list[OutlineLine]:
        """The lines below it; statements, written as notes, are lines too."""
        notes = [_statement(self.written, note) for note in self.written.notes if is_statement(note)]
        return [OutlineLine(child, self) for child in (*notes, *self.written.children) if not _is_waiting(child)]

    @cached_property
    def signature(self) -> frozenset[Key]:
        """The keys of the two levels of lines below it, comparable to the signature of a step."""
        keys = {child.phrase.key for child in self.children[:_SIGNATURE_WIDTH]}
        keys.update(
            below.phrase.key
            for child in self.children[:_SIGNATURE_WIDTH]
            for below in child.children[:_SIGNATURE_WIDTH]
        )
        return frozenset(keys).union(*map(phrases.state, self.written.notes))

    @property
    def conditional(self) -> bool:
        """Return whether the line describes a step that need not happen."""
        return self.optional or bool(self.written.conditions)

    @cached_property
    def home(self) -> Home:
        """The file and class around the lines below it, None where unknown."""
        phrase = self.phrase
        if phrase.home or not self.parent:
            return phrase.home
        return self.parent.home if phrase.owner in ("", "self") and not phrase.message else None


Pair = tuple[OutlineLine, ObservedStep]


def _statement(written: OutlineStep, note: str) -> OutlineStep:
    text, parsed_marks = marks.split(note)
    return OutlineStep(
        written.address, text, line=written.line, min_count=parsed_marks.min_count, max_count=parsed_marks.max_count
    )


def _is_waiting(written: OutlineStep) -> bool:
    """Return whether a line describes a wait for a connection, which is not in a boot's normal form."""
    return written.text.startswith("sqlalchemy/pool.py")


def is_statement(note: str) -> bool:
    """Return whether a note describes a statement of the service itself."""
    return phrases.phrase(note).kind == "sql" and " " in phrases.phrase(note).name and not is_library(note)


def fit(line: OutlineLine, step: ObservedStep, home: Home) -> float:
    """Return the fit from 0, another step, to 1, this step; ``home`` is the file and class around the line."""
    written, observed = line.phrase, step.phrase
    if written.key not in observed.keys:
        return 0
    if written.kind == "call" and (observed.kind == "http" or (observed.message and not observed.path)):
        return _served(written, observed, step)
    if written.kind == "call":
        return _call(written, observed, home, step)
    if written.kind == "http":
        # Without an arrow it may be either side, unless the line names the service.
        far = not written.to and observed.to and line.written.service not in ("", step.node.service)
        return 0 if far else _http(written, observed)
    if written.kind == "rpc":
        if not written.name and (written.mode, written.to) != (observed.mode, written.to and observed.to):
            return 0
        return 1 if written.mode == observed.mode else 0.6
    return 1 if written == observed else 0.8


def _http(written: Phrase, observed: Phrase) -> float:
    if written.to and written.to != observed.to:
        return 0
    return (1 if written.to == observed.to else 0.7) * (
        1 if not written.status or written.status == observed.status else 0.8
    )


def _served(written: Phrase, observed: Phrase, step: ObservedStep) -> float:
    """Return the fit of a function on a request or message whose endpoint is unknown."""
    if observed.kind == "http":
        return 0.9 if written.path.endswith(f"/{phrases.resource(observed)}.py") else 0
    if written.message == observed.message:
        return 1
    owner = observed.message.rpartition(".")[0]
    if owner or not written.path:
        # ``Instance.save`` is a method of the object, in any service.
        return 0.9 if written.owner == owner and not written.message else 0
    service = participants.of_module("nova." + written.path.removesuffix(".py").replace("/", "."))
    return 0.9 if service in ("", step.node.service) else 0


def _call(written: Phrase, observed: Phrase, home: Home, step: ObservedStep) -> float:
    if written.path:
        fits = written.path == observed.path and written.owner in ("", observed.owner)
        return (1 if written.owner == observed.owner else 0.9) if fits else 0
    around = step.parent.home if step.parent else None
    if written.owner == "self":
        return 1 if observed.home and observed.home == home else 0.9 if observed.home and observed.home == around else 0
    if not written.owner:
        files = [known[0] for known in (home, around) if known]
        return 1 if observed.path in files else 0.5
    if not observed.path:
        return 1 if written.owner == observed.owner else 0
    words = [word for word in _WORD.findall(written.owner.lower()) if word not in _EVERYWHERE]
    return 0.8 if any(word in f"{observed.path} {observed.owner}".lower() for word in words) else 0


def _alike(line: OutlineLine, step: ObservedStep) -> float:
    """Return the share of equal keys in both signatures, 0 to 1."""
    if not line.signature or not step.signature:
        return 1 if line.signature == step.signature else 0.5
    both = len(line.signature & step.signature)
    return (both / len(line.signature) + both / len(step.signature)) / 2


def weight(line: OutlineLine, step: ObservedStep, around: ObservedStep) -> float:
    """Return the weight of matching a line below ``around`` with a step in it, 0 for no match.

    Required lines weigh more than conditional ones, near steps more than deep ones.
    """
    fits = fit(line, step, around.home)
    near = 0.6 + 0.4 / (step.depth - around.depth)
    return fits * near * (0.7 if line.conditional else 1) * (0.25 + 0.75 * _alike(line, step)) if fits else 0


def may_compare(lines: list[OutlineLine], steps: list[ObservedStep]) -> bool:
    """Return whether comparing all lines with all steps takes bounded time."""
    return len(lines) * len(steps) <= _CELLS


def in_order(lines: list[OutlineLine], steps: list[ObservedStep], around: ObservedStep) -> list[Pair]:
    """Return the pairs of the heaviest assignment of lines to steps that keeps both orders."""
    weights = [[weight(line, step, around) for step in steps] for line in lines]
    best = [[0.0] * (len(steps) + 1) for _ in range(len(lines) + 1)]
    for a in range(len(lines) - 1, -1, -1):
        row, under, worth = best[a], best[a + 1], weights[a]
        for b in range(len(steps) - 1, -1, -1):
            row[b] = max(under[b], row[b + 1], worth[b] + under[b + 1] if worth[b] else 0)
    pairs, a, b = [], 0, 0
    while a < len(lines) and b < len(steps):
        if weights[a][b] and best[a][b] == weights[a][b] + best[a + 1][b + 1]:
            pairs.append((lines[a], steps[b]))
            a, b = a + 1, b + 1
        elif best[a][b] == best[a][b + 1]:
            b += 1
        else:
            a += 1
    return pairs


def in_any_order(lines: list[OutlineLine], steps: list[ObservedStep], around: ObservedStep) -> list[Pair]:
    """Return pairs of each line, in turn, with its best free step among the first candidates."""
    by_key: dict[Key, deque[ObservedStep]] = {}
    for step in steps:
        for key in step.phrase.keys:
            by_key.setdefault(key, deque()).append(step)
    pairs: list[Pair] = []
    taken: set[int] = set()
    for line in lines:
        queue = by_key.get(line.phrase.key, deque())
        while queue and queue[0].index in taken:
            queue.popleft()
        free = [step for step in islice(queue, _SIGNATURE_WIDTH) if step.index not in taken]
        best = max(free, default=None, key=lambda step: (weight(line, step, around), -step.index))
        if best is not None and weight(line, best, around):
            taken.add(best.index)
            pairs.append((line, best))
    return pairs
