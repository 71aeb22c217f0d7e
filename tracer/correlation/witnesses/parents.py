"""Nesting: which request or message each event belongs to that no hook put below another.

By the request id that it tells; without one, by what its process had taken and not yet answered, where that is one
thing only: what a service logs between taking a message and taking the next belongs to that message. Of several things
under way, it is the only one that told of the same instance.
"""

from __future__ import annotations

import re
from collections import defaultdict

from tracer.correlation.witnesses import heartbeats
from tracer.correlation.witnesses.merge import BLUR, number_anew
from tracer.events import Event

_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
#: What has no end goes on while something is heard of it; this long a silence, in nanoseconds, ends it.
_SILENCE = 10_000_000_000
#: With an id it goes on through a longer silence: an image may take its time.
_FORGOTTEN = 600_000_000_000
#: What a request leaves to be done after its answer tells its id for this long; later lines only have not lost it.
_STALE = 2_000_000_000


def nest(events: list[Event]) -> None:
    """Set the parents of all events that have none and that hooks did not see."""
    number_anew(events)
    processes: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        processes[event.process.key].append(event)
    for own in processes.values():
        if any(event.witnesses[0] != "hooks" for event in own):
            _Process(own).nest()


class _Process:
    """One process's events, in their order."""

    def __init__(self, events: list[Event]) -> None:
        self._events = sorted(events, key=lambda event: (event.start, event.number))
        self._beats = heartbeats.marked(self._events)
        #: taken and not yet answered
        self._open: list[Event] = []
        #: when something was heard last of what is open, by its number
        self._heard: dict[int, int] = {}
        self._endless: list[Event] = []
        #: the uuids that were told in each, by its number
        self._uuids: dict[int, set[str]] = defaultdict(set)
        #: requests that were done, and when
        self._done: dict[str, int] = {}

    def nest(self) -> None:
        """Go through them once."""
        upcoming = [event for event in self._events if event.attributes.get("side") == "server"]
        upcoming.reverse()
        for place, event in enumerate(self._events):
            while upcoming and upcoming[-1].start <= event.start + BLUR:
                self._begin(upcoming.pop())
            if event.attributes.get("side") == "server" or event.parent or event.witnesses[0] == "hooks":
                continue
            self._close(event.start)
            if place not in self._beats:
                self._put(event)
        for event in self._endless:
            event.end = max(self._heard.get(event.number, event.start), event.start)

    def _begin(self, server: Event) -> None:
        self._close(server.start)
        if server.kind == "http" and server.witnesses == ("logs",) and self._is_stale(server):
            _set_aside(server)
        self._open.append(server)
        self._heard[server.number] = server.start
        if server.end is None and server.witnesses[0] != "hooks":
            self._endless.append(server)

    def _close(self, now: int) -> None:
        for server in self._open:
            told = server.attributes.get("request_id")
            if isinstance(told, str) and server.end is not None and server.end + BLUR < now:
                self._done[told] = server.end
        self._open = [server for server in self._open if self._goes_on(server, now)]

    def _goes_on(self, server: Event, now: int) -> bool:
        if server.end is not None:
            return server.end + BLUR >= now
        return now - self._heard[server.number] <= _FORGOTTEN

    def _put(self, event: Event) -> None:
        told = event.attributes.get("request_id")
        server, tied_by = self._by_id(str(told)) if told else (None, "")
        if server is None and self._is_stale(event):
            _set_aside(event)
            told = None
        if not told:
            server, tied_by = self._alone(event)
        elif server is None:
            server, tied_by = self._by_silence(), "request_id"
        if server is None:
            return
        if event.number < server.number:
            return  # parents are numbered before their children; only what hooks have numbered is not
        event.parent, event.tied_by = server.number, tied_by
        if tied_by == "request_id":
            self._uuids[server.number] |= _uuids(event)
        event.start = max(event.start, server.start)
        event.end = max(event.end, event.start) if event.end is not None else None
        self._heard[server.number] = max(self._heard.get(server.number, 0), event.end or event.start)
        if not server.attributes.get("request_id") and told:
            server.attributes["request_id"] = told

    def _is_stale(self, event: Event) -> bool:
        """Whether it tells a request that was done a while ago: its thread's context, which nobody has cleared."""
        told = event.attributes.get("request_id")
        return isinstance(told, str) and event.start - self._done.get(told, event.start) > _STALE

    def _by_id(self, request_id: str) -> tuple[Event | None, str]:
        """What was taken last of that request."""
        for server in reversed(self._open):
            if request_id in (server.attributes.get("request_id"), server.attributes.get("context_request_id")):
                return server, "request_id"
        return None, ""

    def _by_silence(self) -> Event | None:
        """What was taken last and has told no request yet."""
        for server in reversed(self._open):
            told = server.attributes
            if not told.get("request_id") and "logged_request_id" not in told and server.witnesses[0] != "hooks":
                return server
        return None

    def _alone(self, event: Event) -> tuple[Event | None, str]:
        """The only thing that was under way, or the only one in which the same instance, port, … was told of."""
        heard = [
            server
            for server in self._open
            if server.end is not None or event.start - self._heard[server.number] <= _SILENCE
        ]
        if len(heard) == 1:
            return heard[0], "time"
        uuids = _uuids(event)
        telling = [server for server in heard if uuids & self._uuids[server.number]]
        return (telling[0], "instance") if len(telling) == 1 else (None, "")


def _uuids(event: Event) -> set[str]:
    told = event.attributes
    return set(_UUID.findall(f"{event.name} {told.get('message', '')} {told.get('parameters', '')}"))


def _set_aside(event: Event) -> None:
    """Take the request id for what it is: what the line says, not whom it belongs to."""
    event.attributes["logged_request_id"] = event.attributes.pop("request_id")
    event.attributes.pop("global_request_id", None)
