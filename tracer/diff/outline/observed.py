"""The observed steps of a boot, prepared for the search for the lines that describe them; and what can be observed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tracer.model import Baseline, NormalStep
from tracer.notation import phrases
from tracer.notation.parse import is_library
from tracer.notation.phrases import Key, Phrase

#: The file and class whose code runs, None where unknown.
Home = tuple[str, str] | None

#: Kinds of steps that show functions whose calls were not recorded.
_EVIDENCE = frozenset({"sql", "log"})

#: The most children that count for a step's signature.
_SIGNATURE_WIDTH = 64
#: The largest count.
_MANY = 1_000_000_000


class Visibility:
    """The kinds of steps recorded of each service, and the tables in its statements.

    Without hooks, function calls are not recorded.
    """

    def __init__(self, boot: Baseline) -> None:
        self._unhooked = boot.unhooked
        self._kinds: dict[str, set[str]] = defaultdict(set)
        self._tables: set[str] = set()
        for node in boot.walk():
            self._kinds[node.service].add(node.kind)
            if node.kind == "sql":
                statement = phrases.phrase(node.text)
                self._tables.update(statement.name.split()[1:], statement.owner.replace(",", " ").split())
        self._called = any("call" in kinds for kinds in self._kinds.values())

    def calls(self, service: str) -> bool:
        """Return whether function calls of a service would have been recorded."""
        return self._called and service not in self._unhooked

    def kind(self, service: str, kind: str) -> bool:
        """Return whether a step of that kind would have been recorded in the service."""
        return self.calls(service) or kind in self._kinds.get(service, ())

    def table(self, service: str, table: str) -> bool:
        """Return whether the table exists and the service's statements would have been recorded."""
        return table in self._tables and self.kind(service, "sql")


@dataclass(slots=True, eq=False)
class ObservedStep:
    """A step that happened: its position in the tree, and how often the outline describes it."""

    node: NormalStep
    phrase: Phrase
    #: Its index in the whole tree's order, and that of the last step below it.
    index: int
    last: int
    home: Home
    parent: ObservedStep | None
    children: list[ObservedStep] = field(default_factory=list)
    #: Statements and log lines in it, where no hook recorded the functions behind them.
    evidence: list[ObservedStep] = field(default_factory=list)
    #: The states that it sets itself.
    states: frozenset[Key] = frozenset()
    #: The keys of its next two levels, which distinguish steps of equal text.
    signature: frozenset[Key] = frozenset()
    #: Its depth in the tree.
    depth: int = 0
    #: How often it happens in the whole boot: its count times those of all steps around.
    times: int = 1
    #: How many of its occurrences the outline describes.
    written: int = 0
    #: The texts around it, outermost first.
    path: tuple[str, ...] = ()

    @property
    def real(self) -> bool:
        """Return whether it is a step that contains others, not mere evidence."""
        return self.node.kind not in _EVIDENCE


def observe(baseline: Baseline, visibility: Visibility, statements: bool) -> ObservedStep:
    """Return the whole tree under a new root; statements only with ``statements`` or where they stand for calls."""
    root = ObservedStep(NormalStep("", "", "", children=baseline.nodes), Phrase("", ""), -1, -1, None, None)
    order: list[ObservedStep] = [root]
    stack = [(node, root) for node in reversed(_steps(root.node, visibility, statements))]
    while stack:
        node, parent = stack.pop()
        step = _observe(node, parent, visibility, len(order) - 1)
        hint = node.kind == "log" or (node.kind == "sql" and not statements)
        (parent.evidence if hint else parent.children).append(step)
        order.append(step)
        stack.extend((child, step) for child in reversed(_steps(node, visibility, statements)))
    for step in order:
        _set_states(step)
    for step in reversed(order):
        step.last = max(step.last, step.index)
        if step.parent is not None:
            step.parent.last = max(step.parent.last, step.last)
        step.signature = _signature(step)
    return root


def _steps(node: NormalStep, visibility: Visibility, statements: bool) -> list[NormalStep]:
    """Return the children of a node that an outline may describe."""
    return [
        child
        for child in node.children
        if not is_library(child.text)
        and (
            child.kind not in ("state", "log", "ask", "sql")
            or (child.kind == "sql" and statements)
            or (child.kind in _EVIDENCE and not visibility.calls(child.service))
        )
    ]


def _observe(node: NormalStep, parent: ObservedStep, visibility: Visibility, index: int) -> ObservedStep:
    parsed = phrases.phrase(node.text)
    if not visibility.calls(node.service):
        parsed = phrases.unserved(parsed)
    home = parent.home if parsed.kind == "handoff" else parsed.home
    # Paths as deep as the tree would cost quadratic memory; the outermost texts suffice.
    path = (
        parent.path
        if len(parent.path) >= _SIGNATURE_WIDTH or not parent.node.text
        else (*parent.path, parent.node.text)
    )
    return ObservedStep(
        node,
        parsed,
        index,
        index,
        home,
        parent,
        path=path,
        depth=parent.depth + 1,
        times=min(parent.times * node.max_count, _MANY),
    )


def _set_states(step: ObservedStep) -> None:
    """Assign states to the statement before them where only that shows their setter, else to the step itself."""
    setters = {hint.node: hint for hint in step.evidence}
    setter = step
    for child in step.node.children:
        if child.kind == "state":
            setter.states |= phrases.state(child.text)
        else:
            setter = setters.get(child, step) if child.kind == "sql" else step


def _signature(step: ObservedStep) -> frozenset[Key]:
    """Return the keys of the two levels below a step, and the states set there."""
    keys: set[Key] = set()
    for child in step.children[:_SIGNATURE_WIDTH]:
        keys.update(child.phrase.keys[:1])
        for below in child.children[:_SIGNATURE_WIDTH]:
            keys.update(below.phrase.keys[:1])
    shown = (hint.states for inner in {step, inside(step)} for hint in (inner, *inner.evidence))
    return frozenset(keys).union(*shown)


def inside(step: ObservedStep) -> ObservedStep:
    """Return the step in which the contents of a step happen: the far side of a message or request, or itself."""
    if step.parent is None:
        return step.children[0] if step.children else step
    if step.phrase.kind == "rpc" or step.phrase.to:
        return next((child for child in step.children if child.node.kind == step.node.kind), step)
    return step


def below(step: ObservedStep) -> Iterator[ObservedStep]:
    """Yield the step and all below it, without evidence."""
    stack = [step]
    while stack:
        step = stack.pop()
        yield step
        stack.extend(reversed(step.children))
