"""Spans: the values between a request's steps and the formats of other tools, with ids that every export repeats."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

from tracer.model import Request, Step

#: A value of an attribute: what every format can hold.
Scalar = bool | int | float | str
Attributes = Mapping[str, Scalar | Sequence[str]]

#: Nanoseconds that a format's unsigned 64 bits hold, with room for a duration.
MAX_TIME = (1 << 63) - 2


class Kind(IntEnum):
    """OpenTelemetry's kinds of spans, with their numbers in OTLP."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


@dataclass(frozen=True)
class Resource:
    """A process of a service: the source of spans."""

    service: str
    host: str
    pid: int
    #: The name that other tools show: ``nova-api``.
    name: str
    version: str = ""

    @property
    def attributes(self) -> dict[str, Scalar]:
        """Return the resource attributes by the semantic conventions."""
        attributes: dict[str, Scalar] = {"service.name": self.name, "service.namespace": "openstack"}
        if self.host or self.pid:
            attributes["service.instance.id"] = f"{self.host}:{self.pid}"
        if self.version:
            attributes["service.version"] = self.version
        if self.host:
            attributes["host.name"] = self.host
        if self.pid:
            attributes["process.pid"] = self.pid
        return attributes | {"bootseq.service": self.service}


@dataclass(slots=True)
class Note:
    """A log line, an ask line or a change of state inside a span; ``name`` is its kind of event."""

    step: Step
    name: str
    time: int
    attributes: Attributes


@dataclass(slots=True, eq=False)
class Span:
    """A step as a span; ``start`` and ``end`` are nanoseconds since the epoch, ``end`` after ``start``.

    ``parent`` waited for it; ``opener`` sent the cast that it received; ``foreign_parent`` is the id of another
    tracer's span that caused it. ``failure`` is the error's text, None without an error, and ``""`` where only a status
    shows it.
    """

    step: Step
    trace_id: bytes
    id: bytes
    name: str
    kind: Kind
    start: int
    end: int
    attributes: Attributes
    resource: Resource
    parent: Span | None = None
    opener: Span | None = None
    foreign_parent: bytes = b""
    failure: str | None = None
    notes: list[Note] = field(default_factory=list)
    children: list[Span] = field(default_factory=list)

    @property
    def cause(self) -> Span | None:
        """The parent, or the sender of the cast that opened the chapter; None for a root."""
        return self.parent or self.opener

    @property
    def parent_id(self) -> bytes:
        """The id of the span that caused it; empty for a root."""
        return self.cause.id if self.cause is not None else self.foreign_parent

    @property
    def is_remote(self) -> bool:
        """True if its cause is in another process."""
        return bool(self.foreign_parent) or (self.cause is not None and self.cause.resource != self.resource)


@dataclass
class SpanTree:
    """A request as spans in the order of its tree, all of them: parents before children, chapter after chapter."""

    request: Request
    trace_id: bytes
    spans: list[Span]

    @property
    def roots(self) -> list[Span]:
        """The heads of the chapters."""
        return [span for span in self.spans if span.parent is None]

    @cached_property
    def start(self) -> int:
        """The earliest start in nanoseconds."""
        return min((span.start for span in self.spans), default=0)

    @cached_property
    def end(self) -> int:
        """The latest end in nanoseconds."""
        return max((span.end for span in self.spans), default=0)

    @property
    def title(self) -> str:
        """The request's title: ``boot vm1``."""
        request = self.request
        return " ".join(filter(None, (request.operation, request.server or request.uuid or request.request_id)))


def trace_id(request: Request) -> bytes:
    """Return the 16 bytes that identify the request in other tools."""
    parts = (request.request_id, request.uuid or request.operation, str(request.started))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()[:16]


def span_id(trace: bytes, address: str) -> bytes:
    """Return the 8 bytes that identify the step with this address."""
    return hashlib.sha256(trace + address.encode()).digest()[:8]
