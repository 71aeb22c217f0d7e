"""What happened, by place: every step of a baseline with what is needed to find the line that writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tracer.diff.outline.visibility import Visibility
from tracer.model import Baseline, Node
from tracer.notation import phrases
from tracer.notation.parse import is_library
from tracer.notation.phrases import Key, Phrase

#: The file and class whose code runs, as far as it is known.
Home = tuple[str, str] | None

#: What a service leaves behind of the functions that ran in it.
_EVIDENCE = frozenset({"sql", "log"})

#: A step's look counts so many of those below it.
_LOOK = 64
#: More often than this nobody counts.
_MANY = 1_000_000_000


@dataclass(slots=True)
class ObservedStep:
    """A step that happened: where it stands in the whole, and what was found to be written of it."""

    node: Node
    phrase: Phrase
    #: Its place in the whole tree's order, and that of the last step below it.
    index: int
    last: int
    home: Home
    parent: ObservedStep | None
    children: list[ObservedStep] = field(default_factory=list)
    #: Statements and log lines in it, where no hook saw what functions they stand for.
    evidence: list[ObservedStep] = field(default_factory=list)
    #: The states that it sets, by itself.
    states: frozenset[Key] = frozenset()
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

    @property
    def real(self) -> bool:
        """Whether it is a step that others can stand in."""
        return self.node.kind not in _EVIDENCE


def seen(baseline: Baseline, sight: Visibility, statements: bool) -> ObservedStep:
    """The whole tree under a root of its own; statements only where an outline speaks of them, or stand for calls."""
    root = ObservedStep(Node("", "", "", children=baseline.nodes), Phrase("", ""), -1, -1, None, None)
    order: list[ObservedStep] = [root]
    stack = [(node, root) for node in reversed(_steps(root.node, sight, statements))]
    while stack:
        node, parent = stack.pop()
        one = _seen(node, parent, sight, len(order) - 1)
        hint = node.kind == "log" or (node.kind == "sql" and not statements)
        (parent.evidence if hint else parent.children).append(one)
        order.append(one)
        stack.extend((child, one) for child in reversed(_steps(node, sight, statements)))
    for one in order:
        _find_states(one)
    for one in reversed(order):
        one.last = max(one.last, one.index)
        if one.parent is not None:
            one.parent.last = max(one.parent.last, one.last)
        one.look = look(one)
    return root


def _steps(node: Node, sight: Visibility, statements: bool) -> list[Node]:
    """What an outline may write of a node's inside; what stands below a statement is none of it."""
    return [
        child
        for child in node.children
        if not is_library(child.text)
        and (
            child.kind not in ("state", "log", "ask", "sql")
            or (child.kind == "sql" and statements)
            or (child.kind in _EVIDENCE and not sight.calls(child.service))
        )
    ]


def _seen(node: Node, parent: ObservedStep, sight: Visibility, index: int) -> ObservedStep:
    said = phrases.phrase(node.text)
    if not sight.calls(node.service):
        said = phrases.unserved(said)
    home = parent.home if said.kind == "handoff" else said.home
    # A path as deep as the tree would cost its square; the outermost say enough.
    path = parent.path if len(parent.path) >= _LOOK or not parent.node.text else (*parent.path, parent.node.text)
    return ObservedStep(
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


def _find_states(one: ObservedStep) -> None:
    """States are set by the statement before them, where that is all there is to set them; else by the step itself."""
    setters = {id(each.node): each for each in one.evidence}
    setter = one
    for child in one.node.children:
        if child.kind == "state":
            setter.states |= phrases.state(child.text)
        else:
            setter = setters.get(id(child), one) if child.kind == "sql" else one


def look(one: ObservedStep) -> frozenset[Key]:
    """What a step does: the keys of the two levels below it, and the states set there."""
    keys: set[Key] = set()
    for child in one.children[:_LOOK]:
        keys.update(child.phrase.keys[:1])
        for below in child.children[:_LOOK]:
            keys.update(below.phrase.keys[:1])
    there = (
        each.states for step in {id(one): one, id(inside(one)): inside(one)}.values() for each in (step, *step.evidence)
    )
    return frozenset(keys).union(*there)


def inside(one: ObservedStep) -> ObservedStep:
    """Where what a step makes happen happens: at the far side of a message or a request, where one is known."""
    if one.parent is None:
        return one.children[0] if one.children else one
    if one.phrase.kind == "rpc" or one.phrase.to:
        return next((child for child in one.children if child.node.kind == one.node.kind), one)
    return one


def below(one: ObservedStep) -> Iterator[ObservedStep]:
    """The step and all below it, without evidence."""
    stack = [one]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(reversed(one.children))
