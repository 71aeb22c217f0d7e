"""Several boots of a kind merged into one sequence of steps, each with the boots that have it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from statistics import median_low

from tracer.diff.baseline.addresses import is_chapter
from tracer.diff.baseline.learn import united
from tracer.diff.baseline.normalise import normal
from tracer.diff.merge import blocks
from tracer.diff.merge.conditions import conditions
from tracer.diff.merge.fragments import Boots, Part, Sibling, arranged
from tracer.model import NUMBERED, Fragment, Merged, MergedStep, NormalStep, Request
from tracer.notation.parse import split_error, without_versions

#: A chapter's head, and the step that sent it.
_Chapter = tuple[NormalStep, MergedStep | None]


@dataclass(slots=True)
class _Sighting:
    """A node in one boot: index among its siblings, count, error, whether it ran concurrently."""

    index: int
    count: int
    error: str
    beside: bool


@dataclass(slots=True)
class _Sightings:
    """The sightings of each node of the merged trees, by boot."""

    #: By node, then by boot.
    by_node: dict[NormalStep, dict[int, _Sighting]] = field(default_factory=dict)

    def add(self, boot: int, roots: list[NormalStep]) -> None:
        """Record a boot's own values of its tree, and reduce its texts to those that all boots share, in place."""
        for siblings in (roots, *(node.children for root in roots for node in root.walk())):
            for index, node in enumerate(siblings):
                text, error = split_error(node.text)
                # Boots differ in the versions of a message and in the carrier of a hand-off: it is the same step.
                node.text = without_versions(text)
                self.by_node[node] = {boot: _Sighting(index, node.max_count, error, node.unordered)}

    def meet(self, known: NormalStep, fresh: NormalStep) -> None:
        """Record that the two nodes are the same step."""
        self.by_node[known] |= self.by_node[fresh]
        known.durations += fresh.durations

    def boots(self, node: NormalStep) -> Boots:
        """Return the boots that have the node."""
        return frozenset(self.by_node[node])

    def sibling(self, node: NormalStep) -> Sibling:
        """Return the node as a sibling, to be arranged."""
        sightings = self.by_node[node]
        errors = {boot: sighting.error for boot, sighting in sightings.items() if sighting.error}
        durations = (min(node.durations), median_low(node.durations), max(node.durations)) if node.durations else ()
        step = MergedStep(node.kind, node.service, node.text, self.boots(node), errors, durations)
        return Sibling(
            step, {boot: sighting.count for boot, sighting in sightings.items()},
            {boot: sighting.index for boot, sighting in sightings.items()},
            frozenset(boot for boot, sighting in sightings.items() if sighting.beside),
        )  # fmt: skip


def merge(boots: Sequence[Request], names: Sequence[str]) -> Merged:
    """Merge boots into one sequence with addresses of its own; ``names`` are those of the boots, in their order."""
    sightings = _Sightings()
    nodes: list[NormalStep] = []
    trees = [normal(boot).nodes for boot in boots]
    blocks.fold(trees)
    for number, fresh in enumerate(trees):
        sightings.add(number, fresh)
        nodes = united(nodes, fresh, sightings.meet) if number else fresh
    heads = list(_chapters(nodes, sightings))
    chapters = arranged([sibling for sibling, _ in heads], frozenset(range(len(boots))))
    blocks.unfold(chapters)
    _number(chapters)
    _link([(sibling.step, sender) for sibling, sender in heads])
    outcomes = [boot.outcome for boot in boots]
    return Merged(boots[0].operation, chapters, list(names), outcomes, _versions(boots), conditions(boots))


def _versions(boots: Sequence[Request]) -> dict[str, str]:
    """Return all versions by name: ``{"nova": "32.2.1, 34.0.0"}``."""
    by_name: dict[str, set[str]] = {}
    for boot in boots:
        for name, version in boot.versions.items():
            by_name.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in by_name.items()}


def _chapters(roots: list[NormalStep], sightings: _Sightings) -> Iterator[tuple[Sibling, MergedStep | None]]:
    """Yield every chapter, filled, and its sender: first those without one, then those that they opened."""
    waiting: deque[_Chapter] = deque((root, None) for root in roots)
    while waiting:
        head, sender = waiting.popleft()
        sibling = sightings.sibling(head)
        # Chapters run concurrently in every boot: their sender matters, not their order.
        sibling.positions, sibling.beside = {}, frozenset()
        waiting.extend(_fill(sibling.step, head, sightings))
        yield sibling, sender


def _fill(top: MergedStep, head: NormalStep, sightings: _Sightings) -> list[_Chapter]:
    """Set all that is inside a chapter's head; return the chapters opened in it, in the order of their senders."""
    opened: list[_Chapter] = []
    stack = [(top, head)]
    while stack:
        into, node = stack.pop()
        opened += [(child, into) for child in node.children if is_chapter(child, node)]
        inside = [child for child in node.children if not is_chapter(child, node)]
        siblings = [sightings.sibling(child) for child in inside]
        into.children = arranged(siblings, into.boots)
        stack.extend((sibling.step, child) for sibling, child in reversed(list(zip(siblings, inside, strict=True))))
    return opened


def _number(chapters: list[Part]) -> None:
    """Set addresses by the order of the merged sequence; those of notes follow a slash."""
    heads = list(_directly(chapters))
    for number, head in enumerate(heads, 1):
        head.address = str(number)
    stack = heads
    while stack:
        step = stack.pop()
        steps, notes = count(1), count(1)
        for child in _directly(step.children):
            numbered = child.kind in NUMBERED and "/" not in step.address
            child.address = f"{step.address}-{next(steps)}" if numbered else f"{step.address}/{next(notes)}"
            stack.append(child)


def _link(sent: list[tuple[MergedStep, MergedStep | None]]) -> None:
    """Link chapters and their senders by their addresses."""
    for head, sender in sent:
        if sender is not None:
            sender.opens.append(head.address)
            head.opened_by = sender.address


def _directly(parts: list[Part]) -> Iterator[MergedStep]:
    """Yield the steps among the parts and in their fragments."""
    stack = list(reversed(parts))
    while stack:
        part = stack.pop()
        if isinstance(part, Fragment):
            stack.extend(inner for operand in reversed(part.operands) for inner in reversed(operand.inside))
        else:
            yield part
