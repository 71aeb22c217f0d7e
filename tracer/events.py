"""An event: one thing a witness saw, before anything is tied together."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter

from tracer.model import Value


@dataclass(slots=True)
class Process:
    """A process that recorded or logged: ``key`` is unique in all that is read, ``argv`` may be a log's name.

    ``clock`` names whose times it tells: its host's or, where no host is told, the log's or the file of copies'.
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


@dataclass(slots=True)
class Event:
    """What a witness saw of one step. ``number`` and ``parent`` (0: none) are the process's own step numbers.

    ``start`` and ``end`` are nanoseconds since the epoch, ``end`` None where the step was not seen to end.
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
    #: Who saw it: hooks, logs, broker.
    witnesses: tuple[str, ...] = ("hooks",)
    #: How the parent was found where no hook knew it (see Step.tied_by).
    tied_by: str = ""

    def __reduce__(self) -> tuple[type[Event], tuple[object, ...]]:
        """How one comes from a helper of tracer.sources.parallel: in half of the time that the default takes."""
        return Event, _values(self)


_values = attrgetter(*(each.name for each in fields(Event)))


@dataclass(slots=True)
class Events:
    """All that one capture (or log, or message copy) gave, and what to tell the user about reading it."""

    events: list[Event] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    #: Something in it was bad, rather than cut off or missing: a warning names it, and the exit code says so.
    damaged: bool = False
