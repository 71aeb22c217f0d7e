"""Senders of messages: the participant behind each broker connection, derived from the queues and answers on it.

A copy names the connection, not the program. The process that answers messages of a queue on a connection is that
queue's consumer; calls name a reply queue, which belongs to one process. The rest follows from requests in progress.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import networkx as nx

from tracer.events import Event

#: The sender of requests on instances that no other message caused.
_ENTRY = "api"
#: The sender of calls by periodic tasks, which have ids of their own.
_UNKNOWN = "unknown"


class Senders:
    """Messages in the order of time, and a graph of connections and queues: each component is one process."""

    def __init__(self) -> None:
        self._graph: nx.Graph[tuple[str, str]] = nx.Graph()
        self._sent: list[tuple[Event, tuple[str, str]]] = []
        self._taken: dict[str, list[Event]] = defaultdict(list)

    def sent(self, event: Event, connection: str) -> None:
        """Add a message published on a connection; a call names its reply queue."""
        node = ("connection", connection)
        self._graph.add_node(node)
        reply_queue = event.attributes.get("reply_queue")
        if isinstance(reply_queue, str):
            self._graph.add_edge(node, ("queue", reply_queue))
        self._sent.append((event, node))

    def taken(self, event: Event, connection: str) -> None:
        """Add a message delivered on a connection."""
        self._graph.add_edge(("connection", connection), ("topic", str(event.attributes.get("topic"))))
        request_id = event.attributes.get("request_id")
        if isinstance(request_id, str):
            self._taken[request_id].append(event)

    def answered(self, event: Event, connection: str, queue: str) -> None:
        """Add the answer to ``event``: published on a connection, or delivered on it from ``queue``."""
        if queue:
            self._graph.add_edge(("connection", connection), ("queue", queue))
        else:
            self._graph.add_edge(("connection", connection), ("topic", str(event.attributes.get("topic"))))

    def resolved(self) -> Iterator[tuple[Event, str]]:
        """Yield each sent message with the topic of its sender."""
        components = nx.connected_components(self._graph)
        members = {node: number for number, nodes in enumerate(components) for node in nodes}
        topics: dict[int, str] = {}
        for kind, name in sorted(self._graph):
            if kind == "topic":
                topics.setdefault(members[kind, name], name)
        senders = [topics.get(members[node]) or self._in_progress(event) for event, node in self._sent]
        votes: dict[int, Counter[str]] = defaultdict(Counter)
        for (_, node), topic in zip(self._sent, senders, strict=True):
            if topic:
                votes[members[node]][topic] += 1
        for event, node in self._sent:
            # A connection belongs to one process: the sender of most of its messages is the sender of all.
            most = votes[members[node]].most_common(1)
            yield event, most[0][0] if most else _ENTRY if _by_a_user(event) else _UNKNOWN

    def _in_progress(self, event: Event) -> str:
        """Return the topic of the last message of the same request that was received and unanswered at that time."""
        request_id = event.attributes.get("request_id")
        before = [
            taken
            for taken in (self._taken.get(request_id, ()) if isinstance(request_id, str) else ())
            if taken.start <= event.start
            and (taken.end is None or taken.end >= event.start)
            and taken.attributes.get("mode") != "fanout"  # receivers do not act on a fanout under the request's id
        ]
        return str(before[-1].attributes.get("topic")) if before else ""


def _by_a_user(event: Event) -> bool:
    return event.attributes.get("mode") != "call" or "request_id" in event.attributes
