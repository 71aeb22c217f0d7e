"""What a comparison is made of: normal forms of boots, two of them laid over each other, and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tracer.model.walk import walk


@dataclass(slots=True)
class Node:
    """A step in its normal form: what makes it the same step in another boot, how often it happens, how long it takes.

    ``text`` says what it is without ids, addresses and times (see tracer.notation.normal_text): two steps with
    the same ``service`` and ``text`` are the same. ``low`` and ``high`` say how often it happens in a row while the
    step above it happens once; ``low`` 0 is a step that some boots lack. ``took`` is the shortest, median and longest
    time in nanoseconds, () where none is known. What a cast started at its receiver stands below the cast.
    """

    kind: str
    service: str
    text: str
    low: int = 1
    high: int = 1
    #: Runs beside its siblings, or comes in another order from boot to boot.
    free: bool = False
    took: tuple[int, ...] = ()
    #: "nova/compute/api.py:1234": the function it is, or the one around it.
    where: str = ""
    address: str = ""
    #: What else is known of it, by name (tracer.diff.baseline.details).
    details: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """The node and everything below it, in the tree's order."""
        return walk(self)


@dataclass(slots=True)
class Baseline:
    """One boot, or what several boots of one release have in common and what varies between them, in normal form."""

    nodes: list[Node]
    #: Where it comes from: "34.trace.jsonl.gz, 10 boots".
    name: str = ""
    boots: int = 1
    outcomes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    #: Log lines of a boot, least and most, by service.
    log_lines: dict[str, tuple[int, int]] = field(default_factory=dict)
    #: Services of which only logs and message copies tell.
    unhooked: frozenset[str] = frozenset()
    #: Whether it has the details that its steps were recorded with; baselines of version 1 have none.
    whole: bool = True

    def walk(self) -> Iterator[Node]:
        """Every node, in the tree's order."""
        for node in self.nodes:
            yield from node.walk()


@dataclass(slots=True)
class Change:
    """One difference between an old and a new boot; ``old`` and ``new`` are addresses, "" where nothing stands."""

    #: One of tracer.model.change_classes.CLASSES.
    class_: str
    kind: str
    #: The participant: of the new step, or of the old one where there is no new one.
    service: str
    #: One line: what changed.
    text: str
    old: str = ""
    new: str = ""
    where: str = ""
    #: The steps' own texts, "" where nothing stands there.
    old_text: str = ""
    new_text: str = ""
    #: Texts of the steps around it, outermost first: what a policy's ``path`` is compared with.
    path: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    #: How many steps below it came or went with it.
    below: int = 0
    #: By how much, where that can be said: new count over old, new time over old.
    ratio: float | None = None
    #: "fail", "warn", "note" or "ignore", and the rule of the policy that says so.
    severity: str = "fail"
    rule: str = ""


@dataclass(slots=True)
class Pair:
    """One place of two trees laid over each other: the old and the new step there, None where there is none."""

    old: Node | None
    new: Node | None
    changes: list[Change] = field(default_factory=list)
    children: list[Pair] = field(default_factory=list)

    def walk(self) -> Iterator[Pair]:
        """The pair and everything below it, in the trees' order."""
        return walk(self)


@dataclass(slots=True)
class Comparison:
    """Two boots or baselines laid over each other, and all that differs, in the order of the new tree."""

    old: Baseline
    new: Baseline
    pairs: list[Pair]
    changes: list[Change]
    #: "same" or "differs": whether any change fails by the policy.
    verdict: str = "same"
    #: What only one side can tell of steps that are on both.
    unknown: list[str] = field(default_factory=list)
