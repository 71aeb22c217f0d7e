"""What happens to an instance by itself: libvirt's and Neutron's news of it, under ids of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.correlation import statements
from tracer.correlation.chapters import Gathering
from tracer.model import Step

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LIFECYCLE = "ComputeManager.handle_lifecycle_event"
_EXTERNAL = "/os-server-external-events"
_TELLING = frozenset({"state", "sql"})


def gather(found: list[Gathering], loose: list[Step]) -> None:
    """Make chapters of the loose trees that bring news of an instance to the only request under way that made it."""
    news = [(root, uuids) for root in loose if (uuids := _told_of(root))]
    if not news:
        return
    made = [(gathering, _instances(gathering)) for gathering in found]
    ends = [max((step.end or step.start for step in gathering.walk()), default=0) for gathering in found]
    for root, uuids in news:
        fitting = [
            gathering
            for (gathering, own), end in zip(made, ends, strict=True)
            if own & uuids and gathering.seed.start <= root.start <= end
        ]
        if len(fitting) == 1:
            fitting[0].add_chapter(root, "instance")


def _told_of(root: Step) -> set[str]:
    """The uuids of the instances that a tree brings news of; none where it is no such tree."""
    if root.kind == "call" and root.name.endswith(_LIFECYCLE):
        return {uuid for step in root.walk() for uuid in _UUID.findall(f"{step.text('uuid')} {step.text('arguments')}")}
    asked = [step for step in root.walk() if step.kind == "http" and step.text("path").endswith(_EXTERNAL)]
    return {uuid for step in asked for uuid in _servers(step)}


def _servers(step: Step) -> Iterator[str]:
    body = step.attributes.get("body")
    events = body.get("events") if isinstance(body, dict) else None
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict):
            yield str(event.get("server_uuid"))


def _instances(gathering: Gathering) -> set[str]:
    """What the request's states and statements set the state of."""
    states = (
        step if step.kind == "state" else statements.state_of(step)
        for step in gathering.walk()
        if step.kind in _TELLING
    )
    return {state.text("instance") for state in states if state is not None} - {""}
