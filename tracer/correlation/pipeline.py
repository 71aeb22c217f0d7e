"""From events to a trace: trees, what each step means, boots and their numbers."""

from __future__ import annotations

from tracer import notices
from tracer.correlation import clocks, links, requests, statements, unassigned, witnesses
from tracer.correlation.forest import Forest
from tracer.events import Events, Process
from tracer.model import Step, Trace
from tracer.text import printable


def correlate(found: Events) -> Trace:
    """All boots and other requests among the events."""
    skew = clocks.align(found.events)
    trees = links.forest(witnesses.tied(found.events))
    for head in trees.heads:
        # What a step takes in goes before the walk comes to it.
        for step in head.walk():
            if step.kind == "sql":
                statements.describe(step)
            elif step.kind == "rpc":
                _absorb_endpoint(step, trees)
                _absorb_replies(step, trees)
    made, others = requests.boots(trees)
    left = unassigned.untied(trees, [*made, *others])
    warnings = [
        *found.warnings, *skew, *trees.warnings, *_told_by_processes(found), *unassigned.warning(left, trees),
    ]  # fmt: skip
    versions = _versions(found.processes)
    for boot in [*made, *others]:
        boot.versions = versions
    return Trace(made, others, versions, warnings, left)


def _absorb_endpoint(step: Step, trees: Forest) -> None:
    """A call point on an RPC endpoint's method saw what the dispatch saw: one step, with its place in the source."""
    if step.attributes.get("side") != "server" or not step.attributes.get("function"):
        return
    for child in step.children:
        same = all(child.attributes.get(name) == step.attributes.get(name) for name in ("module", "class", "function"))
        if child.kind == "call" and same:
            step.attributes |= {name: child.attributes[name] for name in ("file", "line") if name in child.attributes}
            step.error = step.error or child.error
            trees.lift(step, [child])
            return


def _absorb_replies(step: Step, trees: Forest) -> None:
    """Sending the reply is the end of the receiver's step: the nesting already says that it returns."""
    replies = [child for child in step.children if child.kind == "rpc" and child.attributes.get("mode") == "reply"]
    if replies:
        last = replies[-1]
        step.attributes["reply"] = {
            "at": last.start, "unique_id": last.text("unique_id"), "failed": last.attributes.get("failed"),
        }  # fmt: skip
        trees.lift(step, replies)


def _versions(processes: list[Process]) -> dict[str, str]:
    """What runs; several releases of one thing side by side are all named."""
    found: dict[str, dict[str, None]] = {}
    for process in processes:
        for name, version in process.versions.items():
            found.setdefault(name, {})[version] = None
    return {name: ", ".join(sorted(versions)) for name, versions in sorted(found.items())}


def _told_by_processes(found: Events) -> list[str]:
    said: dict[str, dict[str, None]] = {}
    for event in found.events:
        if event.kind == "log" and event.attributes.get("logger") == "bootseq":
            said.setdefault(event.process.key, {})[printable(str(event.attributes.get("message")))] = None
    told = []
    for process in found.processes:
        who = printable(f"{process.argv or process.key} (pid {process.pid})")
        if process.dropped:
            told.append(notices.events_dropped(who, process.dropped).text)
        if process.failures:
            told.append(notices.hooks_failed(who, process.failures, said.get(process.key, {})).text)
    return told
