"""Senders: which participant a connection to the broker belongs to, from the queues and answers that pass over it.

A copy names the connection, not the program. Who answers on a connection what was taken from a queue is that queue's
consumer; calls name the queue for their answers, which is one process's. The rest is told by what was under way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import networkx as nx

from tracer.events import Event

#: Where requests come from that no message asked for, and that ask for an instance or do something to it.
_ENTRY = "api"
#: Whose periodic tasks call the conductor under ids of their own.
_UNKNOWN = "unknown"


class Senders:
    """Messages in the order of time, and the graph of connections and queues that one process holds."""

    def __init__(self) -> None:
        self._graph: nx.Graph[tuple[str, str]] = nx.Graph()
        self._sent: list[tuple[Event, tuple[str, str]]] = []
        self._taken: dict[str, list[Event]] = defaultdict(list)

    def sent(self, event: Event, connection: str) -> None:
        """A message was published on a connection; a call says where its answer goes."""
        node = ("connection", connection)
        self._graph.add_node(node)
        reply_queue = event.attributes.get("reply_queue")
        if isinstance(reply_queue, str):
            self._graph.add_edge(node, ("queue", reply_queue))
        self._sent.append((event, node))

    def taken(self, event: Event, connection: str) -> None:
        """A message was handed out on a connection."""
        self._graph.add_edge(("connection", connection), ("topic", str(event.attributes.get("topic"))))
        request_id = event.attributes.get("request_id")
        if isinstance(request_id, str):
            self._taken[request_id].append(event)

    def answered(self, event: Event, connection: str, queue: str) -> None:
        """The answer to ``event`` went out on a connection, or came in on it from a queue."""
        if queue:
            self._graph.add_edge(("connection", connection), ("queue", queue))
        else:
            self._graph.add_edge(("connection", connection), ("topic", str(event.attributes.get("topic"))))

    def resolved(self) -> Iterator[tuple[Event, str]]:
        """Each sent message with the topic of the process that sent it."""
        members = {node: place for place, nodes in enumerate(nx.connected_components(self._graph)) for node in nodes}
        topics: dict[int, str] = {}
        for kind, name in sorted(self._graph):
            if kind == "topic":
                topics.setdefault(members[kind, name], name)
        told = [topics.get(members[node]) or self._under_way(event) for event, node in self._sent]
        votes: dict[int, Counter[str]] = defaultdict(Counter)
        for (_, node), topic in zip(self._sent, told, strict=True):
            if topic:
                votes[members[node]][topic] += 1
        for event, node in self._sent:
            # One process holds the connection: what most of its messages say goes for all of them.
            most = votes[members[node]].most_common(1)
            yield event, most[0][0] if most else _ENTRY if _by_a_user(event) else _UNKNOWN

    def _under_way(self, event: Event) -> str:
        """Who had taken a message of the same request last, and had not answered it, when this was sent."""
        request_id = event.attributes.get("request_id")
        before = [
            taken
            for taken in (self._taken.get(request_id, ()) if isinstance(request_id, str) else ())
            if taken.start <= event.start
            and (taken.end is None or taken.end >= event.start)
            and taken.attributes.get("mode") != "fanout"  # news, which nobody acts on under the request's id
        ]
        return str(before[-1].attributes.get("topic")) if before else ""


def _by_a_user(event: Event) -> bool:
    return event.attributes.get("mode") != "call" or "request_id" in event.attributes
