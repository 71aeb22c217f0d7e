"""Instance events: what libvirt and Neutron report about an instance, under request ids of their own."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from tracer.correlation import statements, subjects
from tracer.correlation.chapters import RequestChapters
from tracer.model import Step
from tracer.model.patterns import UUID

_UUID = re.compile(UUID)
_LIFECYCLE = "ComputeManager.handle_lifecycle_event"
EXTERNAL_EVENTS = "/os-server-external-events"
#: Kinds of steps that may set an instance's state.
_STATE_KINDS = frozenset({"state", "sql"})


def assign(requests: list[RequestChapters], unclaimed: list[Step]) -> None:
    """Add each tree that reports an instance event to the only request under way that created the instance."""
    reports = [(root, uuids) for root in unclaimed if (uuids := _reported_instances(root))]
    if not reports:
        return
    by_uuid: dict[str, list[RequestChapters]] = defaultdict(list)
    ends: dict[str, int] = {}
    for request in requests:
        ends[request.seed.id] = max((step.end or step.start for step in request.walk()), default=0)
        for uuid in instances(request):
            by_uuid[uuid].append(request)
    for root, uuids in reports:
        named = {request.seed.id: request for uuid in uuids for request in by_uuid.get(uuid, ())}
        fitting = [request for id_, request in named.items() if request.seed.start <= root.start <= ends[id_]]
        # A batch about instances that no request creates is not one's alone.
        if len(fitting) == 1 and all(uuid in by_uuid for uuid in uuids):
            fitting[0].add_chapter(root, "instance")


def _reported_instances(root: Step) -> set[str]:
    """Return the uuids of the instances whose events a tree reports; empty for other trees."""
    if root.kind == "call" and root.name.endswith(_LIFECYCLE):
        return {uuid for step in root.walk() for uuid in _UUID.findall(f"{step.text('uuid')} {step.text('arguments')}")}
    posts = [step for step in root.walk() if step.kind == "http" and step.text("path").endswith(EXTERNAL_EVENTS)]
    in_bodies = {uuid for step in posts for uuid in _servers(step)}
    return in_bodies or (subjects.instances(root.walk()) if posts else set())


def _servers(step: Step) -> Iterator[str]:
    body = step.attributes.get("body")
    events = body.get("events") if isinstance(body, dict) else None
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict):
            yield str(event.get("server_uuid"))


def instances(request: RequestChapters) -> set[str]:
    """Return the uuids of the instances whose state the request's states and statements set, or that its lines name."""
    states = (
        step if step.kind == "state" else statements.state_of(step)
        for step in request.walk()
        if step.kind in _STATE_KINDS
    )
    in_states = {state.text("instance") for state in states if state is not None} - {""}
    return in_states | subjects.instances(request.walk())
