"""Folded stacks, the input of flame graphs: a path a line, with the microseconds spent in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tracer.export.spans import SpanTree
from tracer.export.stacks import label, stacks

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
