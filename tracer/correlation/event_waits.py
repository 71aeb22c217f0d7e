"""Waits of Nova's compute for events of an instance, and the handling of the events that ended them."""

from __future__ import annotations

from collections import defaultdict
from math import inf

from tracer.correlation import ports
from tracer.model import Request, Step

_WAITS, _HANDLES = "_wait_for_instance_events", "_process_instance_event"

#: Process, event's key, instance.
_Event = tuple[str, str, str]


def link(request: Request) -> None:
    """Set ``ended_by`` of each wait, the address of the step that handled the last of its events; numbered before.

    A wait that failed, or one of whose events nothing handled in this request, has none.
    """
    waits: list[Step] = []
    handled: dict[_Event, list[Step]] = defaultdict(list)
    for step in request.walk():
        function = step.text("function")
        if function == _WAITS:
            waits.append(step)
        elif function == _HANDLES:
            for event in _keys(step):
                handled[event].append(step)
    for wait in waits:
        ends = [_ended(wait, handled[event]) for event in _keys(wait)]
        last = max((step for step in ends if step is not None), key=lambda step: step.start, default=None)
        if last is not None and wait.error is None and None not in ends:
            wait.attributes["ended_by"] = last.address


def _ended(wait: Step, handled: list[Step]) -> Step | None:
    """Return the last handling of an event that began before the wait ended: it may have come before the wait."""
    end = inf if wait.end is None else wait.end
    return max((step for step in handled if step.start <= end), key=lambda step: step.start, default=None)


def _keys(step: Step) -> list[_Event]:
    return [(step.process, event, instance) for event, instance in ports.events(step)]
