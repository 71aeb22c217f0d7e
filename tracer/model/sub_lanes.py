"""Cinder's and Neutron's services told apart, by what their processes run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from tracer.model import lanes, participants
from tracer.model.lanes import SUB_LANES
from tracer.model.service_names import OVN_EVENTS
from tracer.model.steps import Step

#: What a process shows of its service, from the surest on: the endpoints that it serves, its calls, its loggers.
_SERVED, _CALLED, _LOGGED = range(3)
#: Links from a step to what it does itself, or has a thread or a privileged daemon do.
_INHERITED = frozenset({"context", "handoff", "call_id"})


def divide(heads: Iterable[Step], named: Mapping[str, str] | None = None) -> bool:
    """Replace a project's name by the sub-lane of the process in all steps' services; return whether it had steps.

    ``named`` has the services that processes' command lines name, by the processes' keys.
    """
    trees = [head for head in heads if any(step.service in SUB_LANES for step in head.walk())]
    services = _by_evidence(trees)
    services.update((key, name) for key, name in (named or {}).items() if lanes.family(name) != name)
    for head in trees:
        _divide(head, services)
    return bool(trees)


def _divide(head: Step, services: Mapping[str, str]) -> None:
    stack: list[tuple[Step, Step | None]] = [(head, None)]
    while stack:
        step, parent = stack.pop()
        if parent is not None and parent.process != step.process and step.is_server:
            parent = None
        if step.service in SUB_LANES:
            step.service = _sub_lane(step, parent, services.get(step.process, step.service))
        stack.extend((child, step) for child in step.children)


def _sub_lane(step: Step, parent: Step | None, service: str) -> str:
    """Return the sub-lane of a step in a process of this service: its parent's, unless it served something itself."""
    if parent is not None and step.tied_by in _INHERITED:
        return parent.service if lanes.family(parent.service) == step.service else step.service
    if step.kind == "call" and f"{step.text('module')}.".startswith(f"{OVN_EVENTS}."):
        return "network-ovn"
    return service if lanes.family(service) == step.service else step.service


def _by_evidence(trees: Iterable[Step]) -> dict[str, str]:
    """Return the service of each process whose surest evidence agrees, by the processes' keys."""
    shown: dict[str, tuple[set[str], set[str], set[str]]] = defaultdict(lambda: (set(), set(), set()))
    for head in trees:
        for step in head.walk():
            if step.service in SUB_LANES and (evidence := _evidence(step)):
                degree, service = evidence
                shown[step.process][degree].add(service)
    surest = {key: next(services for services in degrees if services) for key, degrees in shown.items()}
    return {key: services.pop() for key, services in surest.items() if len(services) == 1}


def _evidence(step: Step) -> tuple[int, str] | None:
    if step.is_server:
        degree, module = _SERVED, step.text("module") or step.text("application")
    elif step.kind == "call":
        degree, module = _CALLED, step.text("module")
    elif step.kind == "log":
        degree, module = _LOGGED, step.text("logger")
    else:
        return None
    service = participants.of_code(module, step.text("class"))
    return (degree, service) if service else None
