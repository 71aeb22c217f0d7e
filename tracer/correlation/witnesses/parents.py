"""Parents of log lines and message copies: the request or message that each belongs to where no hook recorded it.

By the request id of the line; without one, by the only message or request that its process had received and not yet
answered: what a service logs between receiving a message and receiving the next belongs to that message. Of several
under way, it is the only one whose other lines name the same instance. Heartbeats belong to none.
"""

from __future__ import annotations

import re
from collections import defaultdict

from tracer.correlation.tolerances import HEARTBEAT_SPAN, LOG_RESOLUTION, SILENCE, SILENCE_WITH_ID, STALE_ID
from tracer.correlation.witnesses.merge import renumber
from tracer.events import Event
from tracer.model import Value
from tracer.model.attributes import SPAN_PARENT
from tracer.model.patterns import PERIODIC_LOGGERS, UUID

_UUID = re.compile(rf"\b{UUID}\b")
#: Attributes of what was received with an id of its request.
_OWN_IDS = ("request_id", "context_request_id", "closing_request_id")
#: Loggers of threads that serve all requests: Neutron's that sends events to Nova, and a connection to OVSDB.
_OWN_THREADS = ("neutron.notifiers.nova", "ovsdbapp.backend.ovs_idl.vlog", "ovsdbapp.backend.ovs_idl.transaction")
#: ``Service.save``: the report of 2011 to now.
_REPORT = re.compile(r"\s*UPDATE services\b.*\breport_count\b", re.DOTALL)
#: The statements before a report: the service reads its own row, by its id; SQLite begins a transaction.
_BEFORE_REPORT = re.compile(r"\s*(SELECT\b.*\bFROM services\b.*\bservices\.id = |BEGIN( IMMEDIATE)?\s*\Z)", re.DOTALL)


def assign(events: list[Event]) -> None:
    """Set the parent of every event that has none and that hooks did not record; complete ends and request ids."""
    renumber(events)
    processes: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        processes[event.process.key].append(event)
    for own in processes.values():
        if any(not event.from_hooks for event in own):
            _Process(own).assign()


class _Process:
    """The events of one process, in order, with the messages and requests that it has received and not answered."""

    def __init__(self, events: list[Event]) -> None:
        self._events = sorted(events, key=lambda event: (event.start, event.number))
        self._heartbeats = heartbeats(self._events)
        #: received and not yet answered
        self._open: list[Event] = []
        #: the time of the last event of each open request, by the request's number
        self._last: dict[int, int] = {}
        self._endless: list[Event] = []
        #: the uuids in each request's events, by the request's number
        self._uuids: dict[int, set[str]] = defaultdict(set)
        #: the numbers of requests without an id that were under way while an id was logged that any may have
        self._doubtful: set[int] = set()
        #: the ends of answered requests by request id
        self._answered: dict[str, int] = {}

    def assign(self) -> None:
        """Set the parents in one pass."""
        upcoming = [event for event in self._events if event.is_server]
        upcoming.reverse()
        for index, event in enumerate(self._events):
            while upcoming and upcoming[-1].start <= event.start + LOG_RESOLUTION:
                self._begin(upcoming.pop())
            if event.is_server or event.parent or event.from_hooks or SPAN_PARENT in event.attributes:
                continue
            self._close(event.start)
            if index not in self._heartbeats:
                self._assign_parent(event)
        self._release()
        for event in self._endless:
            event.end = max(self._last.get(event.number, event.start), event.start)

    def _release(self) -> None:
        """Take what only time links from the requests that may be another's."""
        for event in self._events if self._doubtful else ():
            if event.tied_by == "time" and event.parent in self._doubtful:
                event.parent, event.tied_by = 0, ""

    def _begin(self, server: Event) -> None:
        self._close(server.start)
        if server.kind == "http" and server.witnesses == ("logs",) and self._has_stale_id(server):
            _set_id_aside(server)
        self._open.append(server)
        self._last[server.number] = server.start
        if server.end is None and not server.from_hooks and not server.from_tracers:
            self._endless.append(server)

    def _close(self, now: int) -> None:
        for server in self._open:
            request_id = server.attributes.get("request_id")
            if isinstance(request_id, str) and server.end is not None and server.end + LOG_RESOLUTION < now:
                self._answered[request_id] = server.end
        self._open = [server for server in self._open if self._is_open(server, now)]

    def _is_open(self, server: Event, now: int) -> bool:
        if server.end is not None:
            return server.end + LOG_RESOLUTION >= now
        return now - self._last[server.number] <= SILENCE_WITH_ID

    def _assign_parent(self, event: Event) -> None:
        request_id = event.attributes.get("request_id")
        if event.from_tracers:
            self._assign_received(event, request_id)
            return
        server, tied_by = self._by_id(str(request_id)) if request_id else (None, "")
        if server is None and self._has_stale_id(event):
            _set_id_aside(event)
            request_id = None
        if not request_id:
            server, tied_by = self._by_time_or_instance(event)
        elif server is None:
            server, tied_by = self._without_id(event), "request_id"
        if server is None:
            return
        if event.number < server.number:
            return  # parents are numbered before their children; only what hooks have numbered is not
        event.parent, event.tied_by = server.number, tied_by
        if tied_by == "request_id":
            self._uuids[server.number] |= _uuids(event)
        event.start = max(event.start, server.start)
        event.end = max(event.end, event.start) if event.end is not None else None
        self._last[server.number] = max(self._last.get(server.number, 0), event.end or event.start)
        if not server.attributes.get("request_id") and request_id:
            server.attributes["request_id"] = request_id

    def _assign_received(self, event: Event, request_id: Value) -> None:
        """Put a span without a parent below the only message of its request that its process received before it.

        It may begin after that was served: a tracer loses the context where work is handed to a pool. Time links none:
        it loses the context of periodic work too.
        """
        received = [
            server
            for server in self._events
            if server.is_server and request_id and server.attributes.get("request_id") == request_id
        ]
        if len(received) == 1 and received[0].start <= event.start and received[0].number < event.number:
            event.parent, event.tied_by = received[0].number, "request_id"

    def _has_stale_id(self, event: Event) -> bool:
        """Return whether its request was answered a while ago: its thread's context was not cleared."""
        request_id = event.attributes.get("request_id")
        return isinstance(request_id, str) and event.start - self._answered.get(request_id, event.start) > STALE_ID

    def _by_id(self, request_id: str) -> tuple[Event | None, str]:
        """Return what was received last of that request."""
        for server in reversed(self._open):
            if any(server.attributes.get(name) == request_id for name in _OWN_IDS):
                return server, "request_id"
        return None, ""

    def _without_id(self, event: Event) -> Event | None:
        """Return the only one under way that has no request id yet, the first of several equal HTTP requests.

        Which of these it is, only their order says: what else is linked to them by time is doubtful.
        """
        fitting = [server for server in self._active(event) if _lacks_id(server)]
        if len({(server.kind, server.name) for server in fitting}) != 1:
            return None
        if len(fitting) > 1:
            if fitting[0].kind != "http":
                return None
            self._doubtful.update(server.number for server in fitting)
        return fitting[0]

    def _active(self, event: Event) -> list[Event]:
        """Return what was under way at an event, but for what has no end and has been silent for long."""
        return [
            server
            for server in self._open
            if server.end is not None or event.start - self._last[server.number] <= SILENCE
        ]

    def _by_time_or_instance(self, event: Event) -> tuple[Event | None, str]:
        """Return the only request under way, or the only one whose events name the same instance, port or the like."""
        active = self._active(event)
        if len(active) == 1:
            return active[0], "time"
        uuids = _uuids(event)
        related = [server for server in active if uuids & self._uuids[server.number]]
        return (related[0], "instance") if len(related) == 1 else (None, "")


def _lacks_id(server: Event) -> bool:
    attributes = server.attributes
    return not attributes.get("request_id") and "logged_request_id" not in attributes and not server.from_hooks


def _uuids(event: Event) -> set[str]:
    attributes = event.attributes
    return set(_UUID.findall(f"{event.name} {attributes.get('message', '')} {attributes.get('parameters', '')}"))


def _set_id_aside(event: Event) -> None:
    """Keep the request id as what the line says, not as the request that it belongs to."""
    event.attributes["logged_request_id"] = event.attributes.pop("request_id")
    event.attributes.pop("global_request_id", None)


def heartbeats(events: list[Event]) -> set[int]:
    """Return the indexes of one process's events, in its order, that are heartbeats and thus part of no request."""
    indexes = {index for index, event in enumerate(events) if _is_periodic(event)}
    statements = [(index, event) for index, event in enumerate(events) if event.kind == "sql"]
    for position, (index, event) in enumerate(statements):
        if not _REPORT.match(str(event.attributes.get("statement"))):
            continue
        indexes.add(index)
        for before, earlier in reversed(statements[:position]):
            near = event.start - earlier.start < HEARTBEAT_SPAN
            if not near or not _BEFORE_REPORT.match(str(earlier.attributes.get("statement"))):
                break
            indexes.add(before)
    return indexes


def _is_periodic(event: Event) -> bool:
    """Return whether an event is of work on a timer, or of a thread that serves all requests and knows no id."""
    if event.kind == "rpc":
        return event.name == "report_state"
    if event.kind == "log" and event.name.endswith(PERIODIC_LOGGERS):
        return True
    if event.kind not in ("http", "log") or "request_id" in event.attributes:
        return False
    # Neutron's only requests without an id are those of its thread that sends events to Nova, with their tokens.
    is_notifier = "neutron" in event.process.argv and (event.kind == "http" or event.name.startswith("keystoneauth"))
    return is_notifier or event.name.endswith(("/os-server-external-events", *_OWN_THREADS))
