"""Events of logs and message copies, completed until they are like those of hooks: merged, with ids and parents."""

from __future__ import annotations

from tracer.correlation.witnesses import merge, messages, parents
from tracer.events import Event

__all__ = ["unify"]


def unify(events: list[Event]) -> list[Event]:
    """Return one event for each step, below the event it belongs to; those of hooks alone are returned unchanged."""
    if all(event.witnesses == ("hooks",) for event in events):
        return events
    merged = merge.merge(events)
    messages.pair(merged)
    messages.exchange_ids(merged)
    parents.assign(merged)
    messages.end_calls(merged)
    messages.name_object_methods(merged)
    return merged
