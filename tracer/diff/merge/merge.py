"""Several boots of a kind merged into one sequence: the same steps as one, with the boots that each is of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from statistics import median_low

from tracer.diff.baseline.addresses import is_chapter
from tracer.diff.baseline.learn import united
from tracer.diff.baseline.normalise import normal
from tracer.diff.merge.conditions import conditions
from tracer.diff.merge.fragments import Boots, Part, Sibling, arranged
from tracer.model import NUMBERED, Fragment, Merged, MergedStep, Node, Request
from tracer.notation.parse import split_error, without_versions

#: A chapter's head, and the step that sent it.
_Chapter = tuple[Node, MergedStep | None]


@dataclass(slots=True)
class _Seen:
    """What one boot says of a node."""

    place: int
    count: int
    error: str
    beside: bool


@dataclass(slots=True)
class _Sightings:
    """What each boot says of each node of the trees that are being merged."""

    #: By the node's identity: the nodes live as long as their trees.
    by_node: dict[int, dict[int, _Seen]] = field(default_factory=dict)

    def add(self, boot: int, roots: list[Node]) -> None:
        """Takes down what is a boot's own of its tree, and makes the texts those that all boots share."""
        for siblings in (roots, *(node.children for root in roots for node in root.walk())):
            for place, node in enumerate(siblings):
                text, error = split_error(node.text)
                # What else a message carries, and what carries a job, is what boots differ in: it is the same step.
                node.text = without_versions(text)
                self.by_node[id(node)] = {boot: _Seen(place, node.high, error, node.free)}

    def meet(self, known: Node, fresh: Node) -> None:
        """The two are one."""
        self.by_node[id(known)] |= self.by_node[id(fresh)]
        known.took += fresh.took

    def boots(self, node: Node) -> Boots:
        """The boots that have it."""
        return frozenset(self.by_node[id(node)])

    def sibling(self, node: Node) -> Sibling:
        """The node as a step to be arranged."""
        seen = self.by_node[id(node)]
        errors = {boot: one.error for boot, one in seen.items() if one.error}
        took = (min(node.took), median_low(node.took), max(node.took)) if node.took else ()
        step = MergedStep(node.kind, node.service, node.text, self.boots(node), errors, took)
        return Sibling(
            step, {boot: one.count for boot, one in seen.items()}, {boot: one.place for boot, one in seen.items()},
            frozenset(boot for boot, one in seen.items() if one.beside),
        )  # fmt: skip


def merge(boots: Sequence[Request], names: Sequence[str]) -> Merged:
    """The boots as one sequence, numbered anew; ``names`` are what they are called, in their order."""
    seen = _Sightings()
    nodes: list[Node] = []
    for number, boot in enumerate(boots):
        fresh = normal(boot).nodes
        seen.add(number, fresh)
        nodes = united(nodes, fresh, seen.meet) if number else fresh
    found = list(_chapters(nodes, seen))
    chapters = arranged([sibling for sibling, _ in found], frozenset(range(len(boots))))
    _number(chapters)
    _link([(sibling.step, sender) for sibling, sender in found])
    outcomes = [boot.outcome for boot in boots]
    return Merged(boots[0].operation, chapters, list(names), outcomes, _versions(boots), conditions(boots))


def _versions(boots: Sequence[Request]) -> dict[str, str]:
    """Of each release all that there are: ``{"nova": "32.2.1, 34.0.0"}``."""
    found: dict[str, set[str]] = {}
    for boot in boots:
        for name, version in boot.versions.items():
            found.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def _chapters(roots: list[Node], seen: _Sightings) -> Iterator[tuple[Sibling, MergedStep | None]]:
    """Every chapter with what is inside and who sent it: first those that nobody did, then those that they opened."""
    waiting: deque[_Chapter] = deque((root, None) for root in roots)
    while waiting:
        head, sender = waiting.popleft()
        sibling = seen.sibling(head)
        # Chapters run beside each other in any boot: what is told of them is who sent them.
        sibling.places, sibling.beside = {}, frozenset()
        waiting.extend(_fill(sibling.step, head, seen))
        yield sibling, sender


def _fill(top: MergedStep, head: Node, seen: _Sightings) -> list[_Chapter]:
    """Gives a chapter's head all that is inside; the chapters that are opened in it, in the order of their senders."""
    opened: list[_Chapter] = []
    stack = [(top, head)]
    while stack:
        into, node = stack.pop()
        opened += [(child, into) for child in node.children if is_chapter(child, node)]
        inside = [child for child in node.children if not is_chapter(child, node)]
        siblings = [seen.sibling(child) for child in inside]
        into.children = arranged(siblings, into.boots)
        stack.extend((one.step, child) for one, child in reversed(list(zip(siblings, inside, strict=True))))
    return opened


def _number(chapters: list[Part]) -> None:
    """Addresses by the order of the merged sequence; notes have theirs after a slash."""
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
    """Chapters and the steps that sent them name each other."""
    for head, sender in sent:
        if sender is not None:
            sender.opens.append(head.address)
            head.opened_by = sender.address


def _directly(parts: list[Part]) -> Iterator[MergedStep]:
    """The steps among the parts and in fragments of theirs."""
    stack = list(reversed(parts))
    while stack:
        part = stack.pop()
        if isinstance(part, Fragment):
            stack.extend(inner for operand in reversed(part.operands) for inner in reversed(operand.inside))
        else:
            yield part
