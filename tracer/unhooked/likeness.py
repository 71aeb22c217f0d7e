"""Likeness: by what the same step is known to all of its witnesses, and which log is which process's."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from tracer.event import Event

#: What oslo.log's format puts before a message that is about an instance.
_INSTANCE = re.compile(r"\A\[instance: [^\]]*\] ")
_LEFT_OUT = re.compile(r"<\w+>")
_LOUD = frozenset({"WARNING", "ERROR", "CRITICAL"})
_BLANKS = re.compile(r"\s+")

#: What two events have in common if they are of one step.
Key = tuple[object, ...]


def places(events: Iterable[Event]) -> dict[str, str]:
    """For each process as a log names it the process that hooks know, else itself.

    The one that sent and took the same messages; without messages, the only one of its number, which may be another's
    on another host.
    """
    hooked: dict[Key, str] = {}
    pids: dict[int, set[str]] = defaultdict(set)
    logged: dict[str, tuple[int, Counter[str]]] = {}
    for event in sorted(events, key=lambda event: "hooks" not in event.witnesses):
        key, marks = event.process.key, list(_ids(event))
        if "hooks" in event.witnesses:
            pids[event.process.pid].add(key)
            hooked.update(dict.fromkeys(marks, key))
        else:
            votes = logged.setdefault(key, (event.process.pid, Counter()))[1]
            votes.update(hooked[mark] for mark in marks if mark in hooked)
    found = {}
    for key, (pid, votes) in logged.items():
        same = pids.get(pid, set())
        found[key] = votes.most_common(1)[0][0] if votes else min(same) if len(same) == 1 else key
    return found


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
        yield kind, place, _BLANKS.sub(" ", str(told.get("statement"))).strip()
    elif kind in ("log", "ask"):
        message = _INSTANCE.sub("", str(told.get("message"))).partition("\n")[0]
        yield kind, place, told.get("logger"), message[:200]
        # Hooks leave objects as ``<list>``, which a log writes out; a log writes what was raised behind the message.
        if "hooks" not in event.witnesses or told.get("level") in _LOUD or _LEFT_OUT.search(message):
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
