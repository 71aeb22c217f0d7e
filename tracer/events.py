"""Events: what witnesses recorded, before anything is linked."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter

from tracer.model import Value
from tracer.model.attributes import Attributed


@dataclass(slots=True)
class Process:
    """A process that recorded or logged: ``key`` is unique in all that is read, ``argv`` may be a log's name.

    ``clock`` names the clock of its times: its host or, where that is unknown, the log or the file of copies.
    """

    key: str
    pid: int
    host: str
    argv: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    dropped: int = 0
    failures: int = 0
    clock: str = ""

    def __post_init__(self) -> None:
        self.clock = self.host or self.clock


@dataclass(slots=True, eq=False)
class Event(Attributed):
    """A witness's record of a step. ``number`` and ``parent`` (0: none) are the process's own step numbers.

    ``start`` and ``end`` are nanoseconds since the epoch, ``end`` None where the end was not recorded. Attributes are
    those of a Step, and its ``request_id`` and ``global_request_id``.
    """

    process: Process
    number: int
    parent: int
    kind: str
    name: str
    thread: int
    start: int
    end: int | None = None
    error: str | None = None
    attributes: dict[str, Value] = field(default_factory=dict)
    #: Who recorded it: hooks, logs, broker; hooks first.
    witnesses: tuple[str, ...] = ("hooks",)
    #: The link to the parent where no hook recorded it (see Step.tied_by).
    tied_by: str = ""

    def __reduce__(self) -> tuple[type[Event], tuple[object, ...]]:
        """Return the class and the fields: unpickled from tracer.sources.parallel in half the time of the default."""
        return Event, _values(self)


_values = attrgetter(*(field_.name for field_ in fields(Event)))


@dataclass(slots=True, frozen=True)
class ClockBound:
    """A comparison of two clocks: ``other`` is ahead of ``clock`` by ``low`` to ``high`` nanoseconds."""

    clock: str
    other: str
    low: int
    high: int


@dataclass(slots=True)
class Events:
    """The content of one capture, log or file of message copies, and the warnings of its reader."""

    events: list[Event] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    #: Comparisons of the clocks of the hosts that recorded it.
    bounds: list[ClockBound] = field(default_factory=list)
    #: It was recorded on the hosts of a cloud that somebody chose: its other hosts were not.
    is_of_hosts: bool = False
    #: Something in it was invalid, rather than cut off or missing: a warning names it, and the exit code is not 0.
    damaged: bool = False
