"""Parts: what a process logged under a request id, where nothing recorded that the request had reached it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tracer.correlation import operations, served_parts, subjects
from tracer.correlation.forest import Forest
from tracer.model import PART, Step

#: The name of a step that stands for a part; no message is invented for it.
NAME = PART


def gather(forest: Forest) -> None:
    """Put what a process logged under one request id below a step for its part, if it received no such request.

    A single step with an ordinal of its own is a part as it is. ``forest.parts`` holds the ids of all parts. Those of
    APIs are below the request that waited for the answer, where that names their id.
    """
    received, timed = _received(forest.heads), operations.periodic_ids(forest.heads)
    forest.loops = operations.loop_ids(forest.heads)
    groups: dict[tuple[str, str], list[Step]] = defaultdict(list)
    rest, waiting = [], served_parts.clients(forest)
    for head in forest.heads:
        client = waiting.get(head.request_id or "") if "hooks" not in head.witnesses else None
        if client is not None and served_parts.is_late(head, client, forest):
            head.attributes["logged_request_id"], head.request_id = head.request_id, None
        key = head.process, head.request_id or ""
        if _may_be_part(head, forest) and key not in received and head.request_id not in timed:
            groups[key].append(head)
        else:
            rest.append(head)
    parts = [_of_group(roots, forest) for roots in groups.values()]
    forest.parts.update(part.id for part in parts)
    forest.heads = sorted([*rest, *parts], key=lambda step: step.start)
    served_parts.adopt(forest, waiting)


def of_builds(forest: Forest, known: set[str]) -> list[Step]:
    """Return the first part of each request that builds an instance, of those that nothing received as a request."""
    steps = (step for head in forest.heads for step in head.walk())
    elsewhere = known | {step.request_id or "" for step in steps if step.is_server and step.kind == "http"}
    by_id: dict[str, list[Step]] = defaultdict(list)
    for head in forest.heads:
        if head.id in forest.parts and (head.request_id or "") not in elsewhere:
            by_id[head.request_id or ""].append(head)
    return [heads[0] for heads in by_id.values() if operations.is_build(step for head in heads for step in head.walk())]


def firsts(heads: list[Step], forest: Forest, known: set[str]) -> list[Step]:
    """Return the first part of each request id that is not ``known``, and single steps that no request could take."""
    fresh: set[str | None] = set()
    result = []
    for head in heads:
        if head.id in forest.parts:
            ids = {head.request_id, head.global_request_id} - {None}
            if not ids & fresh and (not ids & known or head.name != NAME):
                result.append(head)
                fresh |= ids
    return result


def is_part(head: Step, forest: Forest) -> bool:
    """Return whether it is a step that stands for a part."""
    return head.id in forest.parts and head.name == NAME


def _may_be_part(head: Step, forest: Forest) -> bool:
    """Return whether only logs recorded a tree, under a request id, and nothing that was received."""
    if not head.request_id or head.is_server or head.from_hooks or head.id in forest.senders:
        return False
    return "logs" in head.witnesses and not operations.is_periodic(head) and not subjects.is_report(head)


def _received(heads: Iterable[Step]) -> set[tuple[str, str]]:
    """Return the process and request id of everything that was received."""
    return {
        (step.process, step.request_id) for head in heads for step in head.walk() if step.is_server and step.request_id
    }


def _of_group(roots: list[Step], forest: Forest) -> Step:
    return roots[0] if len(roots) == 1 and roots[0].numbered else part(roots, forest, "request_id")


def part(roots: list[Step], forest: Forest, tied_by: str) -> Step:
    """Return a step for a process's part with the roots, which are in the order of their starts, below it."""
    first = roots[0]
    step = Step(
        id=f"{first.process}/part {first.id.rpartition('/')[2]}", kind="call", service=first.service, name=NAME,
        start=first.start, end=first.start, host=first.host, pid=first.pid, thread=first.thread,
        request_id=first.request_id,
        global_request_id=next((root.global_request_id for root in roots if root.global_request_id), None),
        witnesses=("logs",),
    )  # fmt: skip
    for root in roots:
        if forest.adopt(step, root, tied_by):
            extend(step, root)
    return step


def extend(step: Step, child: Step) -> None:
    """Let a part last until a child of it ends; other steps remain unchanged."""
    if step.name == NAME and step.end is not None:
        step.start = min(step.start, child.start)
        step.end = max(step.end, *(inner.end or inner.start for inner in child.walk()))
