"""Comparisons: normal forms of boots, the alignment of two of them, and the changes between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tracer.model.steps import walk

#: The meaning of each class by its name, in the order of reports.
CLASSES = {
    "outcome": "the boot ended otherwise",
    "removed": "a step happens no more",
    "added": "a new step happens",
    "repeated": "a step happens more or less often",
    "retried": "a step is done again after it failed",
    "mode": "a call became a cast, or the other way round",
    "service": "a step is done by another service",
    "moved": "a step happens under another step",
    "reordered": "a step happens earlier or later under the same step",
    "renamed": "the same work under another name",
    "tables": "a statement reads or writes other tables",
    "statement": "another statement on the same tables",
    "version": "another version of an RPC method or of an object in its arguments, another microversion",
    "arguments": "other arguments of a request, a message or a command, another topic, another way of handing off",
    "status": "a request is answered with another status",
    "error": "a step fails, or fails no more, or fails otherwise",
    "unfinished": "a step does not end, or ends that did not",
    "state": "an instance gets other states",
    "slower": "a step takes longer than it ever did in the baseline",
    "stalled": "a step takes 30 times as long as it ever did, and over a second more",
    "varies": "something that happens in some boots only, on one side only",
    "said": "a warning or an error of the log says something else",
    "logged": "more or fewer log lines",
    # Only of a hand-written outline, which is the old side; most of the other classes occur there too.
    "missing": "a written step does not happen",
    "unmet": "a step that is written under a condition does not happen",
    "unseen": "a written step of which nothing recorded can tell: a function call, where no hooks were in",
    "unwritten": "a step happens that is not written",
}

#: The severities of a change, the worst first.
SEVERITIES = ("fail", "warn", "note", "ignore")


@dataclass(slots=True, eq=False)
class NormalStep:
    """A step in its normal form: its identity across boots, how often it happens, how long it takes.

    ``text`` describes it without ids, addresses and times (see tracer.notation.normal_text): two steps with the same
    ``service`` and ``text`` are the same. It happens ``min_count`` to ``max_count`` times in a row while its parent
    happens once; some boots lack it if ``min_count`` is 0. ``durations`` are its shortest, median and longest time in
    nanoseconds, () where none is known. The chapter that a cast opens is below the cast.

    Nodes are equal, and have a hash, by identity: dicts and sets hold the very nodes of a tree.
    """

    kind: str
    service: str
    text: str
    min_count: int = 1
    max_count: int = 1
    #: Runs beside its siblings, or in an order that varies from boot to boot.
    unordered: bool = False
    durations: tuple[int, ...] = ()
    #: "nova/compute/api.py:1234": its own function, or the one around it.
    where: str = ""
    address: str = ""
    #: Further properties by name (see tracer.diff.baseline.details).
    details: dict[str, str] = field(default_factory=dict)
    children: list[NormalStep] = field(default_factory=list)

    def walk(self) -> Iterator[NormalStep]:
        """Yield the node and everything below it, in the tree's order."""
        return walk(self)


@dataclass(slots=True)
class Baseline:
    """One boot, or several boots of one release with what varies between them, in normal form."""

    nodes: list[NormalStep]
    #: Its source: "34.trace.jsonl.gz, 10 boots".
    name: str = ""
    boots: int = 1
    outcomes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    #: The least and the most log lines of a boot, by service.
    log_lines: dict[str, tuple[int, int]] = field(default_factory=dict)
    #: Services recorded by logs and message copies alone.
    unhooked: frozenset[str] = frozenset()
    #: True if it has the details of its steps; baselines of version 1 have none.
    whole: bool = True

    def walk(self) -> Iterator[NormalStep]:
        """Yield every node, in the tree's order."""
        for node in self.nodes:
            yield from node.walk()


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its short id, subject and Gerrit's Change-Id, "" without one."""

    id: str
    subject: str
    change_id: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """The function that made a change, and the commits that changed it, the newest first.

    Without commits no function around the change was changed. ``unchanged`` is the nearest function if that is another.
    """

    function: str
    commits: tuple[Commit, ...]
    unchanged: str = ""


@dataclass(slots=True, eq=False)
class Change:
    """A difference between an old and a new boot; ``old`` and ``new`` are addresses, "" where there is no step."""

    #: One of tracer.model.comparison.CLASSES.
    class_: str
    kind: str
    #: The participant: of the new step, or of the old one where there is no new one.
    service: str
    #: One line: what changed.
    text: str
    old: str = ""
    new: str = ""
    where: str = ""
    #: The steps' own texts, "" where there is no step.
    old_text: str = ""
    new_text: str = ""
    #: Texts of the steps around it, outermost first: a policy's ``path`` is compared with them.
    path: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    #: The number of steps below it that were added or removed with it.
    below: int = 0
    #: New count over old, or new time over old; None where neither applies.
    ratio: float | None = None
    #: "fail", "warn", "note" or "ignore", and the policy's rule that decided it.
    severity: str = "fail"
    rule: str = ""
    #: Where a checkout of the source is known (tracer.history.origins).
    origin: Origin | None = None


@dataclass(slots=True, eq=False)
class Pair:
    """Two aligned steps of an old and a new tree; None on the side that lacks the step."""

    old: NormalStep | None
    new: NormalStep | None
    changes: list[Change] = field(default_factory=list)
    children: list[Pair] = field(default_factory=list)

    def walk(self) -> Iterator[Pair]:
        """Yield the pair and everything below it, in the trees' order."""
        return walk(self)


@dataclass(slots=True)
class Comparison:
    """Two aligned boots or baselines and all their differences, in the order of the new tree."""

    old: Baseline
    new: Baseline
    pairs: list[Pair]
    changes: list[Change]
    #: "differs" if any change fails by the policy, else "same".
    verdict: str = "same"
    #: Properties that only one side recorded of steps on both.
    unknown: list[str] = field(default_factory=list)
