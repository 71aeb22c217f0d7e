"""The far sides of requests and messages: the service linked there, else what topic, path or address name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tracer.model import lanes, participants
from tracer.model.steps import Step


def name(clients: Sequence[Step], receivers_of: Callable[[Step], Iterable[Step]]) -> None:
    """Set each client's ``peer``; ``receivers_of`` returns the heads of the chapters that a message opened.

    A topic's messages without a recorded receiver go to the service that received others of the topic.
    """
    by_host: dict[str, str] = {}
    linked = [_linked(step, receivers_of) for step in clients]
    consumers = {step.text("topic"): peer for step, peer in zip(clients, linked, strict=True) if peer}
    consumers.pop("", None)
    for step, far in zip(clients, linked, strict=True):
        peer = far or consumers.get(step.text("topic")) or participants.of_peer(step)
        if peer:
            _set(step, peer)
            by_host.setdefault(step.text("host"), peer)
    for step in clients:
        if "peer" not in step.attributes and step.kind == "http" and step.text("host") and step.text("host") in by_host:
            step.attributes["peer"] = by_host[step.text("host")]


def _linked(step: Step, receivers_of: Callable[[Step], Iterable[Step]]) -> str:
    far = next((child.service for child in step.children if child.is_server), "")
    return far or next((receiver.service for receiver in receivers_of(step)), "")


def _set(step: Step, peer: str) -> None:
    """Set a peer where there is none, or a sub-lane of the project that the step has as its peer."""
    known = step.text("peer")
    if not known or (lanes.is_divided(known) and lanes.family(peer) == known):
        step.attributes["peer"] = peer
