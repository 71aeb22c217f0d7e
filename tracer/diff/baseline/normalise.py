"""A boot in its normal form: without what no other boot has, casts with what they started, repeats counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from tracer.diff.baseline import details
from tracer.diff.compare import subtree_ids
from tracer.diff.outline import log_evidence
from tracer.model import Baseline, Node, Request, Step
from tracer.notation import normal_text

#: Log lines from here on are steps; those below are counted, since how many there are is a setting.
_LOGGED = frozenset({"WARNING", "WARN", "ERROR", "CRITICAL"})
#: SQLAlchemy's subqueryload: one statement more for each collection, in the order of a set of objects, which another
#: process has elsewhere in memory (loading.py goes through Mapper._prop_set, a frozenset).
_EAGER_LOAD = re.compile(r"\) AS anon_\d+ JOIN ")


def normal(boot: Request, name: str = "", *, include_log_lines: bool = False) -> Baseline:
    """Return the boot as a baseline of one; ``include_log_lines`` adds all log lines of services without hooks."""
    hooked = {step.service for step in boot.walk() if "hooks" in step.witnesses}
    unhooked = frozenset(step.service for step in boot.walk()) - hooked
    told = {id(step) for step in boot.walk() if include_log_lines and step.kind == "log" and step.service in unhooked}
    made = {id(step): _node(step, told) for step in boot.walk() if id(step) in told or _counts(step)}
    for step in boot.walk():
        if id(step) in made:
            _adopt(made, step)
    roots = _put_under_senders(boot, made)
    _fold(roots)
    return Baseline(
        roots, name=name, outcomes=(boot.outcome.partition(":")[0],), versions=dict(boot.versions),
        log_lines={service: (count, count) for service, count in sorted(_log_lines(boot).items())},
        unhooked=unhooked,
    )  # fmt: skip


def _counts(step: Step) -> bool:
    """Return whether the step belongs to the normal form: no ``ask``, no wait for a connection, no log line below WARNING."""
    if step.kind == "log":
        return step.text("level") in _LOGGED
    return step.kind != "ask" and not step.name.startswith("sqlalchemy.pool:")


def _log_lines(boot: Request) -> Counter[str]:
    return Counter(step.service for step in boot.walk() if step.kind == "log")


def _node(step: Step, told: set[int]) -> Node:
    took = (step.duration,) * 3 if step.duration is not None and step.numbered else ()
    text = log_evidence.text(step) if id(step) in told else normal_text.text(step)
    return Node(
        step.kind, step.service, text, took=took, where=_place(step), address=step.address, details=details.of(step)
    )


def _place(step: Step) -> str:
    """``nova/compute/api.py:1234`` for a step that is a function of its own."""
    file, line = step.text("file"), step.attributes.get("line")
    path = "/".join(step.text("module").split("."))
    if step.kind not in ("call", "rpc") or not line or not path:
        return ""
    for ending in (f"{path}.py", f"{path}/__init__.py"):
        if file.endswith(ending):
            return f"{ending}:{line}"
    return ""


def _adopt(made: dict[int, Node], step: Step) -> None:
    """A node's children, each marked where it ran beside another; they know where the code around them is."""
    node = made[id(step)]
    inside = [child for child in step.children if id(child) in made]
    node.children = [made[id(child)] for child in _loads_in_order(inside, made)]
    for below in node.children:
        below.where = below.where or node.where
    latest: Step | None = None
    for child in inside:
        if latest is not None and child.start < (latest.end or latest.start):
            made[id(child)].free = made[id(latest)].free = True
        if latest is None or (child.end or child.start) > (latest.end or latest.start):
            latest = child


def _loads_in_order(steps: list[Step], made: dict[int, Node]) -> Iterator[Step]:
    """The steps, with eager loads that follow each other sorted by what they say."""
    for loads, group in groupby(steps, is_eager_load):
        alike = list(group)
        yield from sorted(alike, key=lambda step: made[id(step)].text) if loads else alike


def is_eager_load(step: Step) -> bool:
    """Whether it is one of the statements by which SQLAlchemy loads an object's collections, in no order."""
    return step.kind == "sql" and _EAGER_LOAD.search(step.text("statement")) is not None


def _put_under_senders(boot: Request, made: dict[int, Node]) -> list[Node]:
    """The chapters that nobody sent; each other one hangs below the step that sent it."""
    senders = {step.address: made[id(step)] for step in boot.walk() if step.opens and id(step) in made}
    roots: list[Node] = []
    for chapter in boot.chapters:
        if id(chapter) not in made:
            continue
        sender = senders.get(chapter.opened_by)
        (roots if sender is None else sender.children).append(made[id(chapter)])
    return roots


def _fold(roots: list[Node]) -> None:
    """Steps that happen several times in a row, with the same inside, become one that counts."""
    known = subtree_ids.Digests()
    for node in reversed([node for root in roots for node in root.walk()]):
        node.children = _folded(node.children, known)
    roots[:] = _folded(roots, known)


def _folded(siblings: list[Node], known: subtree_ids.Digests) -> list[Node]:
    runs: list[Node] = []
    for node in siblings:
        last = runs[-1] if runs else None
        if last is not None and known.body(last) == known.body(node):
            last.low += node.low
            last.high += node.high
            last.free = last.free and node.free
            last.took = _between(last.took + node.took)
        else:
            runs.append(node)
    return runs


def _between(took: tuple[int, ...]) -> tuple[int, ...]:
    kept = sorted(took)
    return (kept[0], kept[len(kept) // 2], kept[-1]) if kept else ()
