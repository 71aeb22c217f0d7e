"""Likeness: by what the same step is known to all of its witnesses, and which log is which process's."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from tracer.correlation import participants
from tracer.events import Event, Process

#: What oslo.log's format puts before a message that is about an instance.
_INSTANCE = re.compile(r"\A\[instance: [^\]]*\] ")
_LEFT_OUT = re.compile(r"<\w+>")
_LOUD = frozenset({"WARNING", "ERROR", "CRITICAL"})
_BLANKS = re.compile(r"\s+")
#: SQLAlchemy's echo shortens an INSERT of many rows that is longer: so much of its beginning stays, and of its end.
_LONG, _HEAD, _TAIL = 500, 250, 100

#: What two events have in common if they are of one step.
Key = tuple[object, ...]


def places(events: Iterable[Event], access: set[str]) -> dict[str, str]:
    """For each process as a log names it the process that hooks know, else itself.

    The one that sent and took the same messages; without messages, the only one of its number, which may be another's
    on another host. An ``access`` log is whose the only other log of its number and service is.
    """
    hooked: dict[Key, str] = {}
    pids: dict[int, set[str]] = defaultdict(set)
    own: dict[Key, set[str]] = defaultdict(set)
    logged: dict[str, tuple[Process, Counter[str]]] = {}
    for event in sorted(events, key=lambda event: "hooks" not in event.witnesses):
        key, marks = event.process.key, list(_ids(event))
        if "hooks" in event.witnesses:
            pids[event.process.pid].add(key)
            hooked.update(dict.fromkeys(marks, key))
        else:
            votes = logged.setdefault(key, (event.process, Counter()))[1]
            votes.update(hooked[mark] for mark in marks if mark in hooked)
            if "logs" in event.witnesses and key not in access:
                own[_writer(event.process)].add(key)
    found = {}
    for key, (process, votes) in sorted(logged.items(), key=lambda item: item[0] in access):
        same = pids[process.pid]
        found[key] = votes.most_common(1)[0][0] if votes else min(same) if len(same) == 1 else key
        if key in access and len(written := own[_writer(process)]) == 1:
            found[key] = found[min(written)]
    return found


def access_logs(events: Iterable[Event]) -> set[str]:
    """The processes of logs that hold nothing but a server's lines of requests, whose ids they do not tell."""
    logged, speaking = set(), set()
    for event in events:
        told = event.attributes
        logged.add(event.process.key)
        if event.witnesses != ("logs",) or told.get("side") != "server" or event.kind != "http" or "request_id" in told:
            speaking.add(event.process.key)
    return logged - speaking


def _writer(process: Process) -> Key:
    """What a process's own log and its server's access log have in common."""
    return process.host, process.pid, participants.of_command(process.argv)


def keys(event: Event, places: Mapping[str, str]) -> Iterator[Key]:
    """What the same step has in common for all of its witnesses, the surest first."""
    yield from _ids(event)
    told, kind = event.attributes, event.kind
    place = places.get(event.process.key, event.process.key)
    if kind == "rpc" and not told.get("unique_id") and not told.get("msg_id") and told.get("mode") != "reply":
        server = told.get("side") == "server"
        yield (kind, event.name, told.get("request_id")) if server else (kind, told.get("mode"), told.get("topic"), "")
    elif kind == "http":
        # A log may lack the id, or tell that of the request which its thread served before.
        yield kind, told.get("side"), place, told.get("method"), told.get("path")
    elif kind == "sql":
        statement = str(told.get("statement"))
        yield kind, place, _BLANKS.sub(" ", statement).strip()
        if "hooks" in event.witnesses and len(statement) > _LONG:
            yield kind, place, _BLANKS.sub(" ", _echoed(statement)).strip()
    elif kind in ("log", "ask"):
        message = _INSTANCE.sub("", str(told.get("message"))).partition("\n")[0]
        yield kind, place, told.get("logger"), message[:200]
        line = told.get("line")
        if line:
            yield kind, place, told.get("logger"), told.get("file"), line
        # Hooks leave objects as ``<list>``, which a log writes out; a log writes what was raised behind the message.
        if not line if "hooks" not in event.witnesses else told.get("level") in _LOUD or _LEFT_OUT.search(message):
            yield kind, place, told.get("logger"), told.get("level"), message.partition(" ")[0].rstrip(":")
    elif kind == "command":
        yield kind, place, event.name


def _ids(event: Event) -> Iterator[Key]:
    """Of messages and requests, whose ids are nobody else's."""
    told, side = event.attributes, event.attributes.get("side", "client")
    if event.kind == "rpc" and told.get("mode") != "reply":
        for name in ("unique_id", "msg_id"):
            if told.get(name):
                yield "rpc", side, name, told[name]
    elif event.kind == "http":
        named = told.get("callee_request_id" if side == "client" else "request_id")
        if named:
            yield "http", side, named, told.get("method"), told.get("path")


def _echoed(statement: str) -> str:
    """A long statement of many rows as SQLAlchemy's echo writes it."""
    cut = len(statement) - _HEAD - _TAIL
    return f"{statement[:_HEAD]} ... {cut} characters truncated ... {statement[-_TAIL:]}"
