"""What happened, by place: every step of a baseline with what is needed to find the line that writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tracer.diff import phrases
from tracer.diff.phrases import Key, Phrase
from tracer.diff.wording import is_library
from tracer.model import Baseline, Node

#: The file and class whose code runs, as far as it is known.
Home = tuple[str, str] | None

#: A step's look counts so many of those below it.
_LOOK = 64
#: More often than this nobody counts.
_MANY = 1_000_000_000


@dataclass(slots=True)
class Seen:
    """A step that happened: where it stands in the whole, and what was found to be written of it."""

    node: Node
    phrase: Phrase
    #: Its place in the whole tree's order, and that of the last step below it.
    index: int
    last: int
    home: Home
    parent: Seen | None
    children: list[Seen] = field(default_factory=list)
    #: What it does in its next two levels, by which equal steps are told apart.
    look: frozenset[Key] = frozenset()
    #: How deep it stands.
    depth: int = 0
    #: How often it happens in the whole boot, all that is around it taken into account.
    times: int = 1
    #: How many of its occurrences are written.
    written: int = 0
    #: The texts around it, outermost first.
    path: tuple[str, ...] = ()


def seen(baseline: Baseline, statements: bool) -> Seen:
    """The whole tree under a root of its own; statements only where an outline speaks of them."""
    root = Seen(Node("", "", "", children=baseline.nodes), Phrase("", ""), -1, -1, None, None)
    order: list[Seen] = [root]
    stack = [(node, root) for node in reversed(_steps(root.node, statements))]
    while stack:
        node, parent = stack.pop()
        one = _seen(node, parent, len(order) - 1)
        parent.children.append(one)
        order.append(one)
        stack.extend((child, one) for child in reversed(_steps(node, statements)))
    for one in reversed(order):
        one.last = max(one.last, one.index)
        if one.parent is not None:
            one.parent.last = max(one.parent.last, one.last)
        one.look = look(one)
    return root


def _steps(node: Node, statements: bool) -> list[Node]:
    """What an outline may write of a node's inside; what stands below a statement is none of it."""
    kinds = ("state", "log", "ask") if statements else ("state", "log", "ask", "sql")
    return [child for child in node.children if child.kind not in kinds and not is_library(child.text)]


def _seen(node: Node, parent: Seen, index: int) -> Seen:
    said = phrases.phrase(node.text)
    home = parent.home if said.kind == "handoff" else said.home
    # A path as deep as the tree would cost its square; the outermost say enough.
    path = parent.path if len(parent.path) >= _LOOK or not parent.node.text else (*parent.path, parent.node.text)
    return Seen(
        node,
        said,
        index,
        index,
        home,
        parent,
        path=path,
        depth=parent.depth + 1,
        times=min(parent.times * node.high, _MANY),
    )


def look(one: Seen) -> frozenset[Key]:
    """What a step does: the keys of the two levels below it, and the states set there."""
    keys: set[Key] = set()
    for child in one.children[:_LOOK]:
        keys.update(child.phrase.keys[:1])
        for below in child.children[:_LOOK]:
            keys.update(below.phrase.keys[:1])
    for note in one.node.children:
        if note.kind == "state":
            keys |= phrases.state(note.text)
    return frozenset(keys)


def below(one: Seen) -> Iterator[Seen]:
    """The step and all below it."""
    stack = [one]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(reversed(one.children))
