"""From events to a trace: trees, what each step means, boots and their numbers."""

from __future__ import annotations

from collections.abc import Iterable

from tracer import boots, linking, sql
from tracer.event import Events
from tracer.linking import Forest
from tracer.model import Step, Trace


def correlate(found: Events) -> Trace:
    """All boots and other requests among the events."""
    trees = linking.forest(found.events)
    everything = [step for root in _roots(trees) for step in root.walk()]
    for step in everything:
        if step.kind == "sql":
            sql.describe(step)
    for step in everything:
        _absorb_endpoint(step, trees)
        _absorb_reply(step, trees)
        _add_states(step, trees)
    made, others = boots.boots(trees)
    versions: dict[str, str] = {}
    for process in found.processes:
        versions |= process.versions
    return Trace(made, others, versions, [*found.warnings, *_told_by_processes(found)])


def _roots(trees: Forest) -> Iterable[Step]:
    yield from trees.roots
    for receivers in trees.casts.values():
        yield from receivers


def _absorb_endpoint(step: Step, trees: Forest) -> None:
    """A call point on an RPC endpoint's own method saw what the dispatch saw: one step, with the call's place in the source."""
    if step.kind != "rpc" or step.attributes.get("side") != "server":
        return
    for child in step.children:
        same = all(child.attributes.get(name) == step.attributes.get(name) for name in ("module", "class", "function"))
        if child.kind == "call" and same:
            step.attributes |= {name: child.attributes[name] for name in ("file", "line") if name in child.attributes}
            _replace_by_its_children(child, step, trees)
            return


def _absorb_reply(step: Step, trees: Forest) -> None:
    """Sending the reply is the end of the receiver's step, not a step of its own: the tree's nesting already says that it returns."""
    for child in [child for child in step.children if child.kind == "rpc" and child.attributes.get("mode") == "reply"]:
        step.attributes["reply"] = {
            "at": child.start,
            "unique_id": child.text("unique_id"),
            "failed": child.attributes.get("failed"),
        }
        _replace_by_its_children(child, step, trees)


def _replace_by_its_children(child: Step, step: Step, trees: Forest) -> None:
    step.children.remove(child)
    for grandchild in child.children:
        trees.adopt(step, grandchild, grandchild.tied_by)
    step.children.sort(key=lambda each: each.start)


def _add_states(step: Step, trees: Forest) -> None:
    found = [state for child in step.children if child.kind == "sql" and (state := sql.state_of(child))]
    for state in found:
        trees.adopt(step, state, "context")
    if found:
        step.children.sort(key=lambda child: child.start)


def _told_by_processes(found: Events) -> list[str]:
    dropped = [
        f"{process.argv or process.key} (pid {process.pid}): {process.dropped} events were dropped, the capture or the disk was full"
        for process in found.processes
        if process.dropped
    ]
    failed = [
        f"{process.argv or process.key} (pid {process.pid}): hooks of ours failed {process.failures} times there"
        for process in found.processes
        if process.failures
    ]
    return dropped + failed
