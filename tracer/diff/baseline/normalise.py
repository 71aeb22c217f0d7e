"""The normal form of a boot: without what is its own, casts with the chapters they open, repeats counted.

Services are folded: a boot of an older version has no sub-lanes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from tracer.diff.baseline import details
from tracer.diff.compare import subtrees
from tracer.diff.outline import log_evidence
from tracer.model import Baseline, NormalStep, Request, Step, lanes
from tracer.notation import normal_text

#: Levels of log lines that are steps; others are only counted, since a setting decides how many there are.
_LOGGED = frozenset({"WARNING", "WARN", "ERROR", "CRITICAL"})
#: SQLAlchemy's subqueryload: a further statement for each collection, in the order of a set of objects, which depends
#: on their addresses in memory (loading.py iterates over Mapper._prop_set, a frozenset).
_EAGER_LOAD = re.compile(r"\) AS anon_\d+ JOIN ")


def normal(boot: Request, name: str = "", *, include_log_lines: bool = False) -> Baseline:
    """Return the boot as a baseline of one; ``include_log_lines`` adds all log lines of services without hooks."""
    hooked = {lanes.family(step.service) for step in boot.walk() if "hooks" in step.witnesses}
    unhooked = frozenset(lanes.family(step.service) for step in boot.walk()) - hooked
    lines = (step for step in boot.walk() if include_log_lines and step.kind == "log")
    log_steps = {step for step in lines if lanes.family(step.service) in unhooked}
    nodes = {step: _node(step, log_steps) for step in boot.walk() if step in log_steps or is_compared(step)}
    for step in boot.walk():
        if step in nodes:
            _adopt(nodes, step)
    roots = _put_under_senders(boot, nodes)
    _fold(roots)
    return Baseline(
        roots, name=name, outcomes=(boot.outcome.partition(":")[0],), versions=dict(boot.versions),
        log_lines={service: (count, count) for service, count in sorted(_log_lines(boot).items())},
        unhooked=unhooked,
    )  # fmt: skip


def is_compared(step: Step) -> bool:
    """Return whether the step belongs to the normal form: not ``ask``, waits for connections and low log levels."""
    if step.kind == "log":
        return step.text("level") in _LOGGED
    return step.kind != "ask" and not step.name.startswith("sqlalchemy.pool:")


def _log_lines(boot: Request) -> Counter[str]:
    return Counter(lanes.family(step.service) for step in boot.walk() if step.kind == "log")


def _node(step: Step, log_steps: set[Step]) -> NormalStep:
    durations = (step.duration,) * 3 if step.duration is not None and step.numbered else ()
    text = log_evidence.text(step) if step in log_steps else normal_text.text(step)
    return NormalStep(
        step.kind,
        lanes.family(step.service),
        text,
        durations=durations,
        where=_source_position(step),
        address=step.address,
        details=details.of(step),
    )


def _source_position(step: Step) -> str:
    """Return ``nova/compute/api.py:1234`` for a step that is a function, "" for others."""
    file, line = step.text("file"), step.attributes.get("line")
    path = "/".join(step.text("module").split("."))
    if step.kind not in ("call", "rpc") or not line or not path:
        return ""
    for ending in (f"{path}.py", f"{path}/__init__.py"):
        if file.endswith(ending):
            return f"{ending}:{line}"
    return ""


def _adopt(nodes: dict[Step, NormalStep], step: Step) -> None:
    """Set a node's children, those that ran concurrently marked; they inherit the position in the source."""
    node = nodes[step]
    inside = [child for child in step.children if child in nodes]
    node.children = [nodes[child] for child in _loads_in_order(inside, nodes)]
    for below in node.children:
        below.where = below.where or node.where
    latest: Step | None = None
    for child in inside:
        if latest is not None and child.start < (latest.end or latest.start):
            nodes[child].unordered = nodes[latest].unordered = True
        if latest is None or (child.end or child.start) > (latest.end or latest.start):
            latest = child


def _loads_in_order(steps: list[Step], nodes: dict[Step, NormalStep]) -> Iterator[Step]:
    """Yield the steps, adjacent eager loads sorted by their texts."""
    for loads, group in groupby(steps, is_eager_load):
        alike = list(group)
        yield from sorted(alike, key=lambda step: nodes[step].text) if loads else alike


def is_eager_load(step: Step) -> bool:
    """Return whether it is a statement by which SQLAlchemy loads an object's collections, in no fixed order."""
    return step.kind == "sql" and _EAGER_LOAD.search(step.text("statement")) is not None


def _put_under_senders(boot: Request, nodes: dict[Step, NormalStep]) -> list[NormalStep]:
    """Append every sent chapter to its sender's children; return the others."""
    senders = {step.address: nodes[step] for step in boot.walk() if step.opens and step in nodes}
    roots: list[NormalStep] = []
    for chapter in boot.chapters:
        if chapter not in nodes:
            continue
        sender = senders.get(chapter.opened_by)
        (roots if sender is None else sender.children).append(nodes[chapter])
    return roots


def _fold(roots: list[NormalStep]) -> None:
    """Replace runs of equal steps, everything below included, by one step with a count, in place."""
    known = subtrees.Digests()
    for node in reversed([node for root in roots for node in root.walk()]):
        node.children = _folded(node.children, known)
    roots[:] = _folded(roots, known)


def _folded(siblings: list[NormalStep], known: subtrees.Digests) -> list[NormalStep]:
    runs: list[NormalStep] = []
    for node in siblings:
        last = runs[-1] if runs else None
        if last is not None and known.body(last) == known.body(node):
            last.min_count += node.min_count
            last.max_count += node.max_count
            last.unordered = last.unordered and node.unordered
            known.forget(last)
            _join_durations(last, node, known)
        else:
            runs.append(node)
    return runs


def _join_durations(run: NormalStep, node: NormalStep, known: subtrees.Digests) -> None:
    """Add the durations of an equal step, and of all below it, to those of the run."""
    equal = [(run, node)]
    while equal:
        into, other = equal.pop()
        into.durations = _between(into.durations + other.durations)
        equal += zip(_concurrent_last(into, known), _concurrent_last(other, known), strict=True)


def _concurrent_last(node: NormalStep, known: subtrees.Digests) -> list[NormalStep]:
    """Return the children in an order that is the same for equal steps."""
    concurrent = sorted((child for child in node.children if child.unordered), key=known.whole)
    return [child for child in node.children if not child.unordered] + concurrent


def _between(durations: tuple[int, ...]) -> tuple[int, ...]:
    times = sorted(durations)
    return (times[0], times[len(times) // 2], times[-1]) if times else ()
