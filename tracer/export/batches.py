"""Batches: spans, or log records, divided until their encoded messages are within a receiver's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tracer.export.spans import Resource, Span

#: Below the 4 MiB of gRPC receivers, in bytes.
MAX_BYTES = 3_000_000
#: Items of the first message, and of any; the share of the limit that the next one is planned to fill.
_FIRST, _MAX_ITEMS, _FILLED = 500, 4_000, 0.8

_Item = TypeVar("_Item")


def encoded(
    items: Sequence[_Item], encode: Callable[[Sequence[_Item]], bytes], limit: int = MAX_BYTES
) -> Iterator[tuple[bytes, int]]:
    """Yield messages of at most ``limit`` bytes, or of one item, each with its number of items."""
    first, size = 0, _FIRST
    while first < len(items):
        part = items[first : first + size]
        message = encode(part)
        # Most messages then fit at the first attempt: what is too long is encoded again.
        size = min(max(int(len(part) * limit * _FILLED / len(message)), 1), _MAX_ITEMS)
        if len(message) <= limit or len(part) == 1:
            yield message, len(part)
            first += len(part)


def by_resource(spans: Sequence[Span]) -> dict[Resource, list[Span]]:
    """Group spans by the process they are of, in their order."""
    groups: dict[Resource, list[Span]] = {}
    for span in spans:
        groups.setdefault(span.resource, []).append(span)
    return groups
