"""What logs and message copies tell, made into events that stand as hooks' do: merged, with ids and parents."""

from __future__ import annotations

from tracer.correlation.witnesses import merge, messages, objects, parents
from tracer.events import Event

__all__ = ["tied"]


def tied(events: list[Event]) -> list[Event]:
    """The events, one for what several witnesses saw, below those they belong to; hooks' alone stay as they are."""
    if all(event.witnesses == ("hooks",) for event in events):
        return events
    merged = merge.merged(events)
    messages.pair(merged)
    messages.spread(merged)
    parents.nest(merged)
    messages.end_calls(merged)
    objects.name(merged)
    return merged
