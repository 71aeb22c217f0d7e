"""Clocks of several hosts: what was received cannot come before it was sent, nor be answered after the answer came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import inf

import networkx as nx

from tracer.model import Step

#: More than this, 146 years, is not a wrong clock but a crafted capture.
MAX_SHIFT = 1 << 62

#: A sender's step, the receiver's, and when that answered if the sender waited for it.
Tie = tuple[Step, Step, int | None]


def align(steps: Iterable[Step], ties: Iterable[Tie]) -> list[str]:
    """Shift the steps of hosts whose clocks the ties prove wrong; a line for each such host.

    The host with the most steps is the measure. A clock that nothing proves wrong is believed.
    """
    steps = list(steps)
    graph: nx.Graph[str] = nx.Graph()
    for (one, other), (low, high) in _bounds(ties).items():
        graph.add_edge(one, other, ahead={one: -_needed(low, high), other: _needed(low, high)})
    shifts: dict[str, int] = {}
    for measure, _ in Counter(step.host for step in steps).most_common():
        if measure in graph and measure not in shifts:
            shifts[measure] = 0
            for near, far in nx.bfs_edges(graph, measure):
                shifts[far] = shifts[near] + graph.edges[near, far]["ahead"][far]
    wrong = {host: shift for host, shift in shifts.items() if 0 < abs(shift) < MAX_SHIFT}
    for step in steps:
        if step.host in wrong:
            _shift(step, wrong[step.host])
    return [
        f"host {host}: its clock is {abs(shift) / 1e9:.3f} s {'behind' if shift > 0 else 'ahead'}, corrected"
        for host, shift in sorted(wrong.items())
    ]


def _bounds(ties: Iterable[Tie]) -> dict[tuple[str, str], tuple[float, float]]:
    """What must be added to the second host's clock, at least and at most, so that the first's comes out right."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for sender, receiver, answered in ties:
        if sender.host == receiver.host:
            continue
        low: float = sender.start - receiver.start
        # Who gave up waiting heard no answer.
        heard = answered is not None and sender.end is not None and sender.error is None
        high = (sender.end or 0) - (answered or 0) if heard else inf
        hosts = sender.host, receiver.host
        if hosts[0] > hosts[1]:
            hosts, low, high = (hosts[1], hosts[0]), -high, -low
        before = found.get(hosts, (-inf, inf))
        found[hosts] = max(before[0], low), min(before[1], high)
    return found


def _needed(low: float, high: float) -> int:
    """The correction: none where none is needed, else the middle of what is possible, as far as that is known."""
    if low <= 0 <= high:
        return 0
    if inf in (abs(low), abs(high)):
        return int(low if low > 0 else high)
    return int(low + high) // 2


def _shift(step: Step, by: int) -> None:
    step.start += by
    step.end = step.end + by if step.end is not None else None
    started = step.attributes.get("started")
    if isinstance(started, int):
        step.attributes["started"] = started + by
