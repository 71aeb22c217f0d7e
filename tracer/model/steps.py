"""A trace: its steps, and the boots and other requests that they form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from tracer.model.attributes import Attributed, Value


class _Branching(Protocol):
    @property
    def children(self) -> Sequence[Any]: ...


_Branch = TypeVar("_Branch", bound=_Branching)


def walk(top: _Branch) -> Iterator[_Branch]:
    """Yield ``top`` and everything below it, parents before their children."""
    stack = [top]
    while stack:
        branch = stack.pop()
        yield branch
        if branch.children:
            stack.extend(reversed(branch.children))


#: Steps that carry an ordinal of their own; the others are notes of the step they happened in (docs/reading-a-boot.md).
NUMBERED = frozenset({"http", "rpc", "call", "handoff", "libvirt", "command"})
NOTES = frozenset({"sql", "log", "ask", "state", "wait"})

#: The name of a call that stands for lines of one process under one request id; nothing recorded it itself.
PART = "log lines"


@dataclass(slots=True, eq=False)
class Step(Attributed):
    """A node of the tree: something a service did, with what it did inside as children.

    ``start`` and ``end`` are nanoseconds since the epoch; ``end`` is None while the step is unfinished.
    ``tied_by`` is the way it was linked to its parent: ``context`` (same thread of control), ``handoff``, ``msg_id``,
    ``unique_id``, ``message`` (same object in one process), ``payload`` (same text of a message without an id),
    ``topic_order`` (the first message of its topic to be received after it was sent, where logs have no id), ``time``
    (the only request that its process had under way), ``request_id``, ``global_request_id``, ``request`` (the
    only one of its method and path under way), ``instance`` (it names
    the instance, volume or port of the only such request under way), ``port`` (it works on ports that only this request
    owns, or sends events that only this request queued; so do runs of an agent's loop that only logs report),
    ``call_id`` (the privileged call that a daemon received), or ``""`` for a root.

    Attributes by kind (all optional, all masked when they were recorded):

    - call: ``module``, ``class`` ("" for a module's function), ``function``, ``file``, ``line``; none of them where
      the step stands for what a process logged for a request (its name is "log lines"); ``ports`` (ids of those it
      works on), ``events`` (for Nova: [{"event": key, "instance": uuid}]), ``ended_by`` (of a wait for such events: the
      address of the step that handled the last)
    - http: ``side`` ("client" | "server"), ``method``, ``path``, ``route``, ``status``, ``peer`` (participant called),
      ``body``, ``closing_request_id`` (the other id of a request whose last lines have one of their own)
    - rpc: ``side`` ("client" | "server"), ``mode`` ("call" | "cast" | "fanout" | "notify" | "reply"), ``method`` (what
      it does: ``Instance.save``, not ``object_action``), ``topic``, ``server``, ``peer`` (participant at the far side),
      ``unrecorded`` (of a sent message: its receiver, of which nothing was recorded),
      ``arguments``, and on the server's side ``module``, ``class``, ``function`` of the endpoint
    - sql: ``statement``, ``parameters``, ``rows``, ``verb``, ``tables``, ``fingerprint``, ``database``
    - handoff: ``via`` (what carried it over), ``function``, ``waited`` (nanoseconds until a worker took it), and of
      librbd's operations ``image``, ``snapshot``, ``parent`` (of a clone), ``to`` (of a copy, a new name), ``pool``
    - libvirt: ``class``, ``function``, ``device`` (kind and target, where one is attached, detached or changed),
      ``usage`` (of a secret)
    - command: ``arguments``, ``exit_code``, ``chains`` (those in a packet filter's input); of an OVSDB transaction its
      commands as ``arguments``, ``ports`` and ``macs``
    - log and ask: ``level``, ``logger``, ``message``, ``file``, ``line``, ``function``, ``logged_request_id`` (the
      line's own id where that is not the request it was written in)
    - wait: ``class`` and ``connected`` of a database connection that was opened, or took long to get
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
    #: Assigned once by tracer.correlation.addresses; notes are addressed ``1-1-2/3``.
    address: str = ""
    #: Addresses of the chapters that this step's casts opened, or, at a chapter's head, of the step that sent it.
    opens: list[str] = field(default_factory=list)
    opened_by: str = ""
    #: The last field: trace_fields.py passes the others in their order.
    children: list[Step] = field(default_factory=list)

    @property
    def numbered(self) -> bool:
        """True if the step has an ordinal of its own, rather than being a note."""
        return self.kind in NUMBERED

    @property
    def finished(self) -> bool:
        """True if its end was recorded."""
        return self.end is not None

    @property
    def duration(self) -> int | None:
        """Nanoseconds from start to end, None while unfinished."""
        return None if self.end is None else self.end - self.start

    @property
    def process(self) -> str:
        """The key of the process that did it: its id up to the last slash."""
        return self.id.rpartition("/")[0]

    @property
    def answered(self) -> int | None:
        """When the answer to a served message was sent, else its end, in nanoseconds; None while there is neither."""
        reply = self.attributes.get("reply")
        time = reply.get("at") if isinstance(reply, dict) else None
        return time if isinstance(time, int) else self.end

    def new_value(self, column: str) -> Value:
        """Return the value that a state gives a column of its table; None if it does not change it."""
        changes = self.attributes.get("changes")
        change = changes.get(column) if isinstance(changes, dict) else None
        return change[-1] if isinstance(change, list) and change else None

    def walk(self) -> Iterator[Step]:
        """Yield the step and everything below it, in the tree's order, at any depth."""
        return walk(self)


@dataclass(slots=True)
class LeftOut:
    """The count of equal steps in a boot's time window that do not belong to it; ``what``: "heartbeat Service.save"."""

    service: str
    what: str
    kind: str
    count: int


@dataclass(slots=True)
class Unassigned:
    """The count of steps that belong to no request: of one ``why``, service, kind and subject (``what``).

    ``why``: ``unknown`` (its request id is nobody else's, or it happened while several requests were under way),
    ``periodic`` (heartbeats and the like), ``start-up`` (before its process served the first request), ``idle`` (for no
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
class LogLine:
    """A log line that belongs to no request, and names an id or reports a problem; ``time`` as a step's start.

    ``level`` is the log's own word; ``request_id`` and ``log_file`` are "" and ``log_line`` is 0 where there is none.
    """

    time: int
    host: str
    service: str
    pid: int
    level: str
    logger: str
    message: str
    request_id: str
    log_file: str = ""
    log_line: int = 0


@dataclass(slots=True)
class Request:
    """A request: the boot of an instance, or anything else that was asked for, as its chapters.

    ``server``, ``uuid`` and ``host`` are the instance's, "" where the request creates none.
    """

    number: int
    operation: str
    chapters: list[Step]
    server: str = ""
    uuid: str = ""
    request_id: str = ""
    request_ids: list[str] = field(default_factory=list)
    #: "active", "error: <first line>", "deleted" (during the build), "unfinished"; for requests that create nothing
    #: "error: HTTP <status>", "done" or "failed".
    outcome: str = "unfinished"
    host: str = ""
    #: Releases as the traced processes reported them: {"nova": "34.0.0"}; the same for all requests of a trace.
    versions: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def started(self) -> int:
        """Start of the first chapter, nanoseconds since the epoch."""
        return min((chapter.start for chapter in self.chapters), default=0)

    @property
    def duration(self) -> int:
        """Nanoseconds from the first start to the last known end."""
        last = max((step.end or step.start for step in self.walk()), default=0)
        return last - self.started if last else 0

    def walk(self) -> Iterator[Step]:
        """Yield every step of every chapter, in the tree's order."""
        for chapter in self.chapters:
            yield from chapter.walk()

    def counts(self) -> Mapping[str, int]:
        """Return the number of steps by kind."""
        return Counter(step.kind for step in self.walk())


@dataclass(slots=True)
class Trace:
    """The content of a trace file: boots, the requests that boot nothing, and the warnings of its readers."""

    boots: list[Request]
    others: list[Request] = field(default_factory=list)
    #: Nova's release and the like, as the capture reports them: {"nova": "34.0.0"}.
    versions: dict[str, str] = field(default_factory=dict)
    #: One line each: torn tails, dropped events, segments that could not be read.
    warnings: list[str] = field(default_factory=list)
    untied: list[Unassigned] = field(default_factory=list)
    #: Log lines of no request that name an id or report a problem, by time; ``untied`` counts all others too.
    lines: list[LogLine] = field(default_factory=list)
