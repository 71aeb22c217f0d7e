"""Stacks: each span's path and its own time; and folded, a path a line, as flame graphs read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

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


OMITS = "times of day, order, attributes, errors, notes, links"
_MICROSECOND = 1000


def traces(trees: Sequence[SpanTree]) -> Iterator[bytes]:
    """Yield the lines; of several requests each begins with its title."""
    for tree in trees:
        totals: Counter[str] = Counter()
        head = [_frame(tree.title)] if len(trees) > 1 else []
        for path, time in stacks(tree):
            totals[";".join([*head, *(_frame(label(span)) for span in path)])] += time
        for line, time in totals.items():
            if time >= _MICROSECOND:
                yield f"{line} {time // _MICROSECOND}\n".encode()


def _frame(text: str) -> str:
    """Return a frame without what separates frames and lines."""
    return " ".join(text.replace(";", ",").split())
