"""An explanation of one request, and of the services around it, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.model import Step


@dataclass(frozen=True)
class Evidence:
    """A step that a statement rests on: its address, its line, and the file and line of a log that has it, or ""."""

    address: str
    text: str
    source: str = ""


@dataclass(frozen=True)
class Statement:
    """A plain sentence and its evidence."""

    text: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Stage:
    """A stage of a failure, from its first cause up to the user; ``service`` and ``host`` are "" where unknown."""

    text: str
    service: str
    host: str
    error: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class HostTry:
    """A host on which an instance was to be built, or a filter that removed hosts, and the result."""

    host: str
    text: str
    failed: bool
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Wait:
    """Equal calls without an answer: ``since`` and ``longest`` are nanoseconds; ``over`` if the caller gave up."""

    caller: str
    peer: str
    method: str
    count: int
    since: int
    longest: int
    over: bool
    text: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Phase:
    """A part of the time that a request took; ``start`` and ``duration`` are nanoseconds."""

    name: str
    service: str
    start: int
    duration: int
    most: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Next:
    """A thing that is missing to say more, and the command that gets it ("" where none does)."""

    text: str
    command: str = ""


@dataclass(frozen=True)
class Explanation:
    """An explanation of a request; ``explained`` is False if the trace does not tell how or why it ended."""

    what: str
    outcome: str
    beginning: Statement
    end: Statement
    #: the first cause
    cause: Stage | None
    #: its way to the user
    chain: tuple[Stage, ...]
    hosts: tuple[HostTry, ...]
    waits: tuple[Wait, ...]
    phases: tuple[Phase, ...]
    #: Troubles of services outside of requests, around that time.
    services: tuple[Statement, ...]
    next: tuple[Next, ...]
    explained: bool


@dataclass(frozen=True)
class Debt:
    """A debt in a sentence, the service and host that owe it ("" where unknown), and the steps and lines that show it.

    ``error`` is the cause as the service itself reports it, "" where it does not.
    """

    text: str
    service: str
    host: str
    steps: Sequence[Step]
    lines: tuple[Evidence, ...] = ()
    checks: tuple[Next, ...] = ()
    error: str = ""
