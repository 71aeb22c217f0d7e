"""Batches: spans, or log records, divided until their encoded messages are within a receiver's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tracer.export.spans import Resource, Span

#: Below the 4 MiB of gRPC receivers, in bytes.
MAX_BYTES = 3_000_000
#: No message of more is tried: dividing it would encode all of it again.
_MAX_ITEMS = 4_000

_Item = TypeVar("_Item")


def encoded(
    items: Sequence[_Item], encode: Callable[[Sequence[_Item]], bytes], limit: int = MAX_BYTES
) -> Iterator[tuple[bytes, int]]:
    """Yield messages of at most ``limit`` bytes, or of one item, each with its number of items."""
    pending = [items[first : first + _MAX_ITEMS] for first in range(0, len(items), _MAX_ITEMS)][::-1]
    while pending:
        part = pending.pop()
        message = encode(part)
        if len(message) > limit and len(part) > 1:
            half = len(part) // 2
            pending += [part[half:], part[:half]]
        else:
            yield message, len(part)


def by_resource(spans: Sequence[Span]) -> dict[Resource, list[Span]]:
    """Group spans by the process they are of, in their order."""
    groups: dict[Resource, list[Span]] = {}
    for span in spans:
        groups.setdefault(span.resource, []).append(span)
    return groups
