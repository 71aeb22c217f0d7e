"""Learning: several boots of a release united into a baseline, with ranges of counts, times and order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median_low

from tracer.diff.baseline import details
from tracer.diff.compare import pair
from tracer.diff.compare.order import out_of_order
from tracer.diff.compare.subtrees import Digests, copy_nodes
from tracer.model import Baseline, NormalStep


def learn(boots: Sequence[Baseline], name: str = "") -> Baseline:
    """Unite baselines into one; the arguments stay as they are."""
    first, *more = boots
    nodes = copy_nodes(first.nodes)
    for boot in more:
        nodes = united(nodes, copy_nodes(boot.nodes), _widen)
    for node in (inner for root in nodes for inner in root.walk()):
        if node.durations:
            node.durations = (min(node.durations), median_low(node.durations), max(node.durations))
    return Baseline(
        nodes, name=name or first.name, boots=sum(boot.boots for boot in boots),
        outcomes=tuple(sorted({outcome for boot in boots for outcome in boot.outcomes})),
        versions={key: value for boot in boots for key, value in boot.versions.items()},
        log_lines=_log_lines(boots), unhooked=frozenset[str]().union(*(boot.unhooked for boot in boots)),
    )  # fmt: skip


def _log_lines(boots: Sequence[Baseline]) -> dict[str, tuple[int, int]]:
    services = sorted({service for boot in boots for service in boot.log_lines})
    by_service = {service: [boot.log_lines.get(service, (0, 0)) for boot in boots] for service in services}
    return {
        service: (min(low for low, _ in ranges), max(high for _, high in ranges))
        for service, ranges in by_service.items()
    }


def united(
    known: list[NormalStep], fresh: list[NormalStep], meet: Callable[[NormalStep, NormalStep], None]
) -> list[NormalStep]:
    """Unite both trees in ``known``, whose nodes take over values of matched ones by ``meet``; modifies both trees."""
    digests = Digests()
    top = NormalStep("", "", "", children=known)
    stack = [(top, fresh)]  # no recursion, since trees may be deep
    while stack:
        into, more = stack.pop()
        matches = pair.same(into.children, more, digests)
        for a, b in matches:
            old, new = into.children[a], more[b]
            meet(old, new)
            stack.append((old, new.children))
        _mark_free(into.children, more, matches)
        into.children = _join_siblings(into.children, more, matches)
    return top.children


def _widen(old: NormalStep, new: NormalStep) -> None:
    old.min_count, old.max_count = min(old.min_count, new.min_count), max(old.max_count, new.max_count)
    old.durations += new.durations
    old.details = details.united(old.details, new.details)
    old.unordered = old.unordered or new.unordered
    old.where, old.address = new.where or old.where, new.address or old.address


def _mark_free(known: list[NormalStep], fresh: list[NormalStep], matches: list[pair.Match]) -> None:
    for index in out_of_order([a for a, _ in matches]):
        known[matches[index][0]].unordered = True


def _join_siblings(known: list[NormalStep], fresh: list[NormalStep], matches: list[pair.Match]) -> list[NormalStep]:
    """Return the known siblings, each new one after its predecessor in the fixed order.

    Siblings that the fresh boot lacks become optional.
    """
    known_by_fresh = {b: a for a, b in matches}
    matched = {a for a, _ in matches}
    added: dict[int, list[NormalStep]] = {}
    last = -1
    for index, node in enumerate(fresh):
        if index not in known_by_fresh:
            node.min_count = 0
            added.setdefault(last, []).append(node)
        elif not known[known_by_fresh[index]].unordered:
            last = known_by_fresh[index]
    united = list(added.get(-1, []))
    for index, node in enumerate(known):
        if index not in matched:
            node.min_count = 0
        united.append(node)
        united += added.get(index, [])
    return united
