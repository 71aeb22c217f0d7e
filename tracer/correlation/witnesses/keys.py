"""Keys of steps that all their witnesses know, and the process that each log belongs to."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from tracer.correlation.witnesses import marks
from tracer.events import Event, Process
from tracer.model import participants
from tracer.model.patterns import WARNING_LEVELS

#: What oslo.log's format puts before a message that is about an instance.
_INSTANCE = re.compile(r"\A\[instance: [^\]]*\] ")
_LEFT_OUT = re.compile(r"<\w+>")
_BLANKS = re.compile(r"\s+")
#: SQLAlchemy's echo cuts a longer INSERT of many rows, but for so much of its beginning and of its end.
_LONG, _HEAD, _TAIL = 500, 250, 100

#: What two events have in common if they are of one step.
Key = tuple[object, ...]


def home_processes(events: Iterable[Event], access: set[str]) -> dict[str, str]:
    """Map the key of each process in logs and copies to that of the same process in the hooks' events, else to itself.

    It is the process that sent and received the same messages; without messages, the only one of its pid, which may be
    another's on another host. A log in ``access`` belongs to the only other log of its pid and service.
    """
    hooked: dict[Key, str] = {}
    pids: dict[int, set[str]] = defaultdict(set)
    own: dict[Key, set[str]] = defaultdict(set)
    logged: dict[str, tuple[Process, Counter[str]]] = {}
    for event in sorted(events, key=lambda event: not event.from_hooks):
        key, ids = event.process.key, list(_ids(event))
        if event.from_hooks:
            pids[event.process.pid].add(key)
            hooked.update(dict.fromkeys(ids, key))
        else:
            votes = logged.setdefault(key, (event.process, Counter()))[1]
            votes.update(hooked[id_] for id_ in ids if id_ in hooked)
            if "logs" in event.witnesses and key not in access:
                own[_writer(event.process)].add(key)
    homes = {}
    for key, (process, votes) in sorted(logged.items(), key=lambda item: item[0] in access):
        same = pids[process.pid]
        homes[key] = votes.most_common(1)[0][0] if votes else min(same) if len(same) == 1 else key
        if key in access and len(written := own[_writer(process)]) == 1:
            homes[key] = homes[min(written)]
    return homes


def access_logs(events: Iterable[Event]) -> set[str]:
    """Return the process keys of logs that contain nothing but a server's request lines, without request ids."""
    logged, other = set(), set()
    for event in events:
        logged.add(event.process.key)
        is_access_line = event.witnesses == ("logs",) and event.is_server and event.kind == "http"
        if not is_access_line or "request_id" in event.attributes:
            other.add(event.process.key)
    return logged - other


def _writer(process: Process) -> Key:
    """Return what a process's own log and its server's access log have in common."""
    return process.host, process.pid, participants.of_command(process.argv)


def step_keys(event: Event, homes: Mapping[str, str]) -> Iterator[Key]:
    """Yield the keys of a step that are the same for all of its witnesses, the most certain first."""
    yield from _ids(event)
    attributes, kind = event.attributes, event.kind
    home = homes.get(event.process.key, event.process.key)
    if kind in ("rpc", "call") and (event.from_hooks or event.from_tracers):
        own = marks.mark(event)
        if own is not None:
            yield "span", home, *own
    if event.from_tracers and kind == "rpc":
        return
    if kind == "rpc" and not attributes.get("unique_id") and not attributes.get("msg_id") and event.mode != "reply":
        if event.is_server:
            yield kind, event.name, attributes.get("request_id")
        else:
            yield kind, attributes.get("mode"), attributes.get("topic"), ""
    elif kind == "http":
        # A log may lack the id, or have that of the request which its thread served before.
        yield kind, attributes.get("side"), home, attributes.get("method"), attributes.get("path")
    elif kind == "sql":
        statement = str(attributes.get("statement"))
        yield kind, home, _BLANKS.sub(" ", statement).strip()
        if event.from_hooks and len(statement) > _LONG:
            yield kind, home, _BLANKS.sub(" ", _echoed(statement)).strip()
    elif kind in ("log", "ask"):
        yield from _line_keys(event, home)
    elif kind == "command":
        yield kind, home, event.name


def _line_keys(event: Event, home: str) -> Iterator[Key]:
    """Yield the keys of a log line: its message, its source line, or its level and first word."""
    attributes, kind = event.attributes, event.kind
    message = _INSTANCE.sub("", str(attributes.get("message"))).partition("\n")[0]
    yield kind, home, attributes.get("logger"), message[:200]
    line = attributes.get("line")
    if line:
        yield kind, home, attributes.get("logger"), attributes.get("file"), line
    # Hooks record objects as ``<list>``, which a log writes out; a log writes what was raised behind the message.
    may_differ = (
        attributes.get("level") in WARNING_LEVELS or _LEFT_OUT.search(message) if event.from_hooks else not line
    )
    if may_differ:
        yield kind, home, attributes.get("logger"), attributes.get("level"), message.partition(" ")[0].rstrip(":")


def _ids(event: Event) -> Iterator[Key]:
    """Yield the keys made of ids that only one message or request can have."""
    attributes, side = event.attributes, event.attributes.get("side", "client")
    if event.kind == "rpc" and event.mode != "reply":
        for name in ("unique_id", "msg_id"):
            if attributes.get(name):
                yield "rpc", side, name, attributes[name]
    elif event.kind == "http":
        named = attributes.get("callee_request_id" if side == "client" else "request_id")
        if named:
            yield "http", side, named, attributes.get("method"), attributes.get("path")


def _echoed(statement: str) -> str:
    """Return a long statement of many rows as SQLAlchemy's echo writes it."""
    cut = len(statement) - _HEAD - _TAIL
    return f"{statement[:_HEAD]} ... {cut} characters truncated ... {statement[-_TAIL:]}"
