"""What several boots of one release have in common, and what varies between them: order, counts, steps, times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median_low

from tracer.diff.baseline import details
from tracer.diff.compare import pair
from tracer.diff.compare.order import out_of_order
from tracer.diff.compare.subtree_ids import Digests
from tracer.model import Baseline, Node


def learn(boots: Sequence[Baseline], name: str = "") -> Baseline:
    """One baseline of many; they are used up."""
    first, *more = boots
    nodes = first.nodes
    for boot in more:
        nodes = united(nodes, boot.nodes, _widen)
    for node in (each for root in nodes for each in root.walk()):
        if node.took:
            node.took = (min(node.took), median_low(node.took), max(node.took))
    return Baseline(
        nodes, name=name or first.name, boots=sum(boot.boots for boot in boots),
        outcomes=tuple(sorted({outcome for boot in boots for outcome in boot.outcomes})),
        versions={key: value for boot in boots for key, value in boot.versions.items()},
        log_lines=_log_lines(boots), unhooked=frozenset[str]().union(*(boot.unhooked for boot in boots)),
    )  # fmt: skip


def _log_lines(boots: Sequence[Baseline]) -> dict[str, tuple[int, int]]:
    services = sorted({service for boot in boots for service in boot.log_lines})
    seen = {service: [boot.log_lines.get(service, (0, 0)) for boot in boots] for service in services}
    return {
        service: (min(low for low, _ in ranges), max(high for _, high in ranges)) for service, ranges in seen.items()
    }


def united(known: list[Node], fresh: list[Node], meet: Callable[[Node, Node], None]) -> list[Node]:
    """Both trees in one; they are used up, and ``meet`` lets a known node take over what is worth it of a fresh one."""
    digests = Digests()
    top = Node("", "", "", children=known)
    stack = [(top, fresh)]  # no recursion, since trees may be deep
    while stack:
        into, more = stack.pop()
        matches = pair.same(into.children, more, digests)
        for a, b in matches:
            old, new = into.children[a], more[b]
            meet(old, new)
            stack.append((old, new.children))
        _mark_free(into.children, more, matches)
        into.children = _laid_together(into.children, more, matches)
    return top.children


def _widen(old: Node, new: Node) -> None:
    old.low, old.high = min(old.low, new.low), max(old.high, new.high)
    old.took += new.took
    old.details = details.united(old.details, new.details)
    old.free = old.free or new.free
    old.where, old.address = new.where or old.where, new.address or old.address


def _mark_free(known: list[Node], fresh: list[Node], matches: list[pair.Match]) -> None:
    for place in out_of_order([a for a, _ in matches]):
        known[matches[place][0]].free = True


def _laid_together(known: list[Node], fresh: list[Node], matches: list[pair.Match]) -> list[Node]:
    """The known siblings, those that this boot lacks now optional; what is new comes after the one it came after."""
    there = {b: a for a, b in matches}
    here = {a for a, _ in matches}
    coming: dict[int, list[Node]] = {}
    last = -1
    for place, node in enumerate(fresh):
        if place in there:
            last = there[place]
        else:
            node.low = 0
            coming.setdefault(last, []).append(node)
    united = list(coming.get(-1, []))
    for place, node in enumerate(known):
        if place not in here:
            node.low = 0
        united.append(node)
        united += coming.get(place, [])
    return united
