"""Owners of ports: the one request that a port's work is done for at a time, where there is exactly one.

A request claims a port with its first step that names it. It owns the port from then on, until another claims it, but
neither does if the one had not ended when the other began to; nor where another request is under way on the instance.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from math import inf

from tracer.correlation import instance_events, ports
from tracer.correlation.chapters import RequestChapters
from tracer.model import Step
from tracer.model.patterns import UUID

#: A run of an agent's loop, which the ports of its parts are those of.
RUN = "process_network_ports"
_SERVER = re.compile(rf"/servers/({UUID})")


class Owners:
    """The claims of requests to ports, by port; ``add`` records those of steps that a request gets later."""

    def __init__(self, requests: list[RequestChapters], trees: Iterable[Step]) -> None:
        self.requests = requests
        #: the index of the request that each step belongs to, by the step's id
        self.request_of: dict[str, int] = {}
        #: the steps of each request that name a port, in the order of their starts
        self.naming: dict[tuple[int, str], list[Step]] = defaultdict(list)
        self._claims: dict[str, dict[int, int]] = defaultdict(dict)
        self._starts = [request.seed.start for request in requests]
        self._ends: list[float] = [0] * len(requests)
        self._by_mac: dict[str, set[str]] = defaultdict(set)
        self._by_prefix: dict[str, set[str]] = defaultdict(set)
        for tree in trees:
            for step in tree.walk():
                self._learn(step)
        for index, request in enumerate(requests):
            self.add(index, request.chapters)
        self._changed = [_changed_instances(request) for request in requests]

    def add(self, index: int, trees: Iterable[Step]) -> None:
        """Record the claims of steps that belong to a request."""
        for tree in trees:
            for step in tree.walk():
                self.request_of[step.id] = index
                self._ends[index] = max(self._ends[index], inf if step.end is None and step.numbered else step.start)
                self._ends[index] = max(self._ends[index], step.end or 0)
                for port in {*ports.changed(step), *self._of_interfaces(step)}:
                    self._claims[port][index] = min(step.start, self._claims[port].get(index, step.start))
                    self.naming[index, port].append(step)

    def owner(self, step: Step) -> int | None:
        """Return the index of the request that owns all ports that a step works on, None if there is none such."""
        owners = {self._owner(port, step.start) for port in self._ports(step)}
        return owners.pop() if len(owners) == 1 else None

    def cause(self, index: int, step: Step, time: int) -> Step | None:
        """Return the request's last step, begun before ``time``, that set off work on a port of ``step``.

        It is a transaction that names the port, or the receipt of what changes it.
        """
        candidates = [
            earlier
            for port in self._ports(step)
            for earlier in self.naming[index, port]
            if earlier.start <= time and earlier is not step and _sets_off(earlier)
        ]
        return max(candidates, key=lambda earlier: earlier.start, default=None)

    def _ports(self, step: Step) -> tuple[str, ...]:
        """Return the ports that a step works on; by mac only where it names none and the mac is one port's."""
        if ids := ports.named(step):
            return ids
        if step.text("function") == RUN:
            return tuple(port for inner in ports.below(step) for port in ports.named(inner))
        return tuple(self._only(self._by_mac[mac], mac) for mac in ports.texts(step, "macs"))

    def _only(self, known: set[str], otherwise: str) -> str:
        return next(iter(known)) if len(known) == 1 else otherwise

    def _owner(self, port: str, time: int) -> int | None:
        claims = sorted((first, index) for index, first in self._claims.get(port, {}).items() if first <= time)
        if not claims:
            return None
        (first, index), earlier = claims[-1], claims[:-1]
        if any(self._ends[other] >= first for _, other in earlier) or self._is_disputed(index, time):
            return None
        return index

    def _is_disputed(self, owner: int, time: int) -> bool:
        """Return whether another request is under way on an instance of the port, which may be what the work is for."""
        under_way = [
            index
            for index, start in enumerate(self._starts)
            if self._starts[owner] < start <= time <= self._ends[index] and self._changed[index]
        ]
        instances = instance_events.instances(self.requests[owner]) | self._changed[owner] if under_way else set()
        return any(self._changed[index] & instances for index in under_way)

    def _of_interfaces(self, step: Step) -> set[str]:
        return {self._only(self._by_prefix[prefix], prefix) for prefix in ports.interfaces(step)}

    def _learn(self, step: Step) -> None:
        """Record the beginning of each port's id, and its mac where a step names both."""
        ids, macs = ports.changed(step), ports.texts(step, "macs")
        for port in ids:
            self._by_prefix[port[: ports.PREFIX]].add(port)
        if len(ids) == 1 and len(macs) == 1:
            self._by_mac[macs[0]].add(ids[0])


def _changed_instances(request: RequestChapters) -> set[str]:
    """Return the instances that a request asks to change, by its paths."""
    steps = (step for step in request.walk() if step.kind == "http" and step.text("method") not in ("GET", "HEAD"))
    return {match[1] for step in steps if (match := _SERVER.search(step.text("path")))}


def _sets_off(step: Step) -> bool:
    """Return whether others see what a step does with a port: in a database, or by a message to an agent."""
    return step.kind == "command" or step.text("function") in ("port_update", "port_delete")
