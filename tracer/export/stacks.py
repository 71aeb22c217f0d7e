"""Stacks: for each span the path from its chapter's head, and the time that it spent itself."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.export.spans import Span, SpanTree


def stacks(tree: SpanTree) -> Iterator[tuple[tuple[Span, ...], int]]:
    """Yield each span's path, from the chapter's head to the span, and its own nanoseconds, without its children's."""
    for root in tree.roots:
        pending: list[tuple[Span, ...]] = [(root,)]
        while pending:
            path = pending.pop()
            span = path[-1]
            yield path, self_time(span)
            pending.extend((*path, child) for child in reversed(span.children))


def self_time(span: Span) -> int:
    """Return the nanoseconds of a span in which none of its children runs."""
    covered, reached = 0, span.start
    for child in sorted(span.children, key=lambda child: child.start):
        start, end = max(child.start, reached), min(child.end, span.end)
        if end > start:
            covered += end - start
            reached = end
    return span.end - span.start - covered


def label(span: Span) -> str:
    """Return a span's frame: its service and name."""
    return f"{span.resource.service} {span.name}"
