"""Tracks: the threads of a request's processes, with further ones for spans that overlap without nesting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.export.spans import Resource, Span


@dataclass(frozen=True)
class Track:
    """A thread, or, with ``number`` above 0, a further track for what overlaps on it."""

    resource: Resource
    thread: int
    number: int = 0

    @property
    def process_name(self) -> str:
        """The service with its host and process."""
        resource = self.resource
        return " ".join(filter(None, (resource.name, resource.host, f"pid {resource.pid}" if resource.pid else "")))

    @property
    def name(self) -> str:
        """The thread's name inside its process."""
        return f"thread {self.thread}" + (f" ({self.number + 1})" if self.number else "")


def tracks(spans: Sequence[Span]) -> dict[Track, list[Span]]:
    """Return the spans of each track, in which every two of them nest or follow each other."""
    result: dict[Track, list[Span]] = {}
    #: by track, the ends of the spans that are open
    open_ends: dict[Track, list[int]] = {}
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        number = 0
        while True:
            track = Track(span.resource, span.step.thread, number)
            ends = open_ends.setdefault(track, [])
            while ends and ends[-1] <= span.start:
                ends.pop()
            if not ends or span.end <= ends[-1]:
                break
            number += 1
        ends.append(span.end)
        result.setdefault(track, []).append(span)
    return result
