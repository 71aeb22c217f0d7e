"""What a trace is made of: steps, the boots (and other requests) they form, and how to walk them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

_Branch = TypeVar("_Branch", "Step", "Node", "Pair")

#: A value a step keeps: what JSON can hold, nothing live.
Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]

#: Steps that carry an ordinal of their own; the others are notes of the step they happened in (DESIGN, "Numbering").
NUMBERED = frozenset({"http", "rpc", "call", "handoff", "libvirt", "command"})
NOTES = frozenset({"sql", "log", "ask", "state"})

#: The lifelines of a picture, in their order from left to right.
PARTICIPANTS = (
    "client", "API", "conductor", "scheduler", "compute", "libvirt",
    "placement", "image", "network", "volume", "identity", "database", "broker",
)  # fmt: skip


def _walk(top: _Branch) -> Iterator[_Branch]:
    stack = [top]
    while stack:
        branch = stack.pop()
        yield branch
        if branch.children:
            stack.extend(reversed(branch.children))


@dataclass(slots=True)
class Step:
    """One node of the tree: something a service did, with what it did inside as children.

    ``start`` and ``end`` are nanoseconds since the epoch; ``end`` is None while the step is unfinished.
    ``tied_by`` says how it was tied to its parent: ``context`` (same thread of control), ``handoff``, ``msg_id``,
    ``unique_id``, ``message`` (same object in one process), ``payload`` (same text of a message without an id),
    ``topic_order`` (the first message of its topic to be taken after it was sent, where logs tell no id), ``time`` (the
    only request that its process had under way), ``request_id``, ``global_request_id``, ``request`` (the
    only one of its method and path under way), ``instance`` (news of the boot's instance), or ``""`` for a root.

    Attributes by kind (all optional, all masked when they were recorded):

    - call: ``module``, ``class`` ("" for a module's function), ``function``, ``file``, ``line``
    - http: ``side`` ("client" | "server"), ``method``, ``path``, ``route``, ``status``, ``peer`` (participant called),
      ``body``
    - rpc: ``side`` ("client" | "server"), ``mode`` ("call" | "cast" | "fanout" | "notify" | "reply"), ``method`` (what
      it does: ``Instance.save``, not ``object_action``), ``topic``, ``server``, ``peer`` (participant at the far side),
      ``arguments``, and on the server's side ``module``, ``class``, ``function`` of the endpoint
    - sql: ``statement``, ``parameters``, ``rows``, ``verb``, ``tables``, ``fingerprint``, ``database``
    - handoff: ``via`` (what carried it over), ``function``, ``waited`` (nanoseconds until a worker took it)
    - libvirt: ``class``, ``function``
    - command: ``arguments``, ``exit_code``
    - log and ask: ``level``, ``logger``, ``message``, ``file``, ``line``, ``function``, ``logged_request_id`` (what the
      line says where that is not the request it was written in)
    - state: ``table``, ``instance``, ``changes`` ({"vm_state": [old or None, new], "task_state": …})
    """

    id: str
    kind: str
    service: str
    name: str
    start: int
    end: int | None = None
    host: str = ""
    pid: int = 0
    thread: int = 0
    request_id: str | None = None
    global_request_id: str | None = None
    attributes: dict[str, Value] = field(default_factory=dict)
    error: str | None = None
    witnesses: tuple[str, ...] = ("hooks",)
    tied_by: str = ""
    children: list[Step] = field(default_factory=list)
    #: Given once by tracer.numbering; notes are addressed ``1-1-2/3``.
    address: str = ""
    #: Addresses of the chapters that this step's casts opened, or, at a chapter's head, of the step that sent it.
    opens: list[str] = field(default_factory=list)
    opened_by: str = ""

    @property
    def numbered(self) -> bool:
        """Whether the step has an ordinal of its own, rather than being a note."""
        return self.kind in NUMBERED

    @property
    def finished(self) -> bool:
        """Whether its end was seen."""
        return self.end is not None

    @property
    def duration(self) -> int | None:
        """Nanoseconds from start to end, None while unfinished."""
        return None if self.end is None else self.end - self.start

    def walk(self) -> Iterator[Step]:
        """The step and everything below it, in the tree's order; as deep as it may be."""
        return _walk(self)

    def text(self, key: str) -> str:
        """The attribute ``key`` as text, "" where it is missing."""
        value = self.attributes.get(key)
        return "" if value is None else str(value)


@dataclass(slots=True)
class LeftOut:
    """Steps of a boot's time window that do not belong to it, counted: ``what`` is e.g. "heartbeat Service.save"."""

    service: str
    what: str
    kind: str
    count: int


@dataclass(slots=True)
class Untied:
    """Steps that stand in no request, counted: of one ``why``, service, kind and subject.

    ``why``: ``unknown`` (it tells a request that nothing else does, or came while several were under way),
    ``periodic`` (heartbeats and the like), ``start-up`` (before its process took the first request), ``idle`` (for no
    request).
    ``first`` and ``last`` are the earliest and the latest start, nanoseconds since the epoch.
    """

    WHYS: ClassVar = ("unknown", "periodic", "start-up", "idle")

    why: str
    service: str
    kind: str
    what: str
    count: int
    first: int
    last: int


@dataclass(slots=True)
class Boot:
    """One request's tree: for an instance's creation its chapters, request ids, instance and outcome."""

    number: int
    operation: str
    chapters: list[Step]
    server: str = ""
    uuid: str = ""
    request_id: str = ""
    request_ids: list[str] = field(default_factory=list)
    #: "active", "error: <first line>", "unfinished", or "done" / "failed" for requests that create nothing.
    outcome: str = "unfinished"
    host: str = ""
    #: Releases of what ran, as the traced processes said: {"nova": "34.0.0"}; the same for all boots of a trace.
    versions: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def started(self) -> int:
        """Start of the first chapter, nanoseconds since the epoch."""
        return min((chapter.start for chapter in self.chapters), default=0)

    @property
    def duration(self) -> int:
        """Nanoseconds from the first start to the last end that was seen."""
        last = max((step.end or step.start for step in self.walk()), default=0)
        return last - self.started if last else 0

    def walk(self) -> Iterator[Step]:
        """Every step of every chapter, in the tree's order."""
        for chapter in self.chapters:
            yield from chapter.walk()

    def counts(self) -> Mapping[str, int]:
        """How many steps of each kind."""
        return Counter(step.kind for step in self.walk())


@dataclass(slots=True)
class Trace:
    """Everything one trace file holds: boots, the requests that boot nothing, and what its readers had to say."""

    boots: list[Boot]
    others: list[Boot] = field(default_factory=list)
    #: Nova's release and the like, as the capture says: {"nova": "34.0.0"}.
    versions: dict[str, str] = field(default_factory=dict)
    #: One line each: torn tails, dropped events, segments that could not be read.
    warnings: list[str] = field(default_factory=list)
    untied: list[Untied] = field(default_factory=list)


@dataclass(slots=True)
class Node:
    """A step in its normal form: what makes it the same step in another boot, how often it happens, how long it takes.

    ``text`` says what it is without ids, addresses and times (tracer.diff.wording makes and reads it): two steps with
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
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """The node and everything below it, in the tree's order."""
        return _walk(self)


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

    def walk(self) -> Iterator[Node]:
        """Every node, in the tree's order."""
        for node in self.nodes:
            yield from node.walk()


@dataclass(slots=True)
class Change:
    """One difference between an old and a new boot; ``old`` and ``new`` are addresses, "" where nothing stands."""

    #: One of tracer.diff.classes.CLASSES.
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
        return _walk(self)


@dataclass(slots=True)
class Comparison:
    """Two boots or baselines laid over each other, and all that differs, in the order of the new tree."""

    old: Baseline
    new: Baseline
    pairs: list[Pair]
    changes: list[Change]
    #: "same" or "differs": whether any change fails by the policy.
    verdict: str = "same"


@dataclass(slots=True)
class Shared:
    """A step that stands for the same step of several boots: who does it, in words, and in which of the boots.

    ``text`` is as a Node's, but without the error that it may have ended with: ``errors`` has it, by boot.
    """

    kind: str
    service: str
    text: str
    #: Numbers of the boots that have it, from 0: ``Merged.names`` names them.
    boots: frozenset[int]
    errors: dict[int, str] = field(default_factory=dict)
    #: Shortest, median and longest time in nanoseconds, () where none is known.
    took: tuple[int, ...] = ()
    address: str = ""
    #: Addresses of the chapters that it opens, or, at a chapter's head, of the step that sent it.
    opens: list[str] = field(default_factory=list)
    opened_by: str = ""
    children: list[Shared | Fragment] = field(default_factory=list)


@dataclass(slots=True)
class Operand:
    """One branch of a fragment: the boots that go through it, and what these do there."""

    boots: frozenset[int]
    inside: list[Shared | Fragment]


@dataclass(slots=True)
class Fragment:
    """UML's combined fragment: ``operator`` is one of

    - ``opt``: one operand, which some boots lack;
    - ``alt``: operands of which each boot goes through exactly one;
    - ``loop``: one operand with one step, which each boot does as often in a row as ``counts`` says;
    - ``par``: operands that run side by side, or whose order varies; each keeps the order inside it.
    """

    operator: str
    operands: list[Operand]
    counts: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Merged:
    """Several boots as one sequence: what all of them do, and in fragments what only some do, how often, in any order.

    ``chapters`` are steps or fragments of steps; a chapter that a step opens names it in ``opened_by``.
    """

    operation: str
    chapters: list[Shared | Fragment]
    #: What each boot is called, and how it ended.
    names: list[str]
    outcomes: list[str]
    versions: dict[str, str] = field(default_factory=dict)
    #: What sets of boots were asked for and the others were not: "request has key_name".
    conditions: dict[frozenset[int], str] = field(default_factory=dict)

    def walk(self) -> Iterator[Shared]:
        """Every step, in the order of the sequence; as deep as it may be."""
        stack: list[Shared | Fragment] = list(reversed(self.chapters))
        while stack:
            part = stack.pop()
            if isinstance(part, Shared):
                yield part
                stack.extend(reversed(part.children))
            else:
                stack.extend(inner for operand in reversed(part.operands) for inner in reversed(operand.inside))
