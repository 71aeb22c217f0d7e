"""Instances: one value for each that a trace names, with what was done to it in order of time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain

from tracer.explain.words import plain_error
from tracer.lifecycle import actions
from tracer.messages import Report, reports_of
from tracer.model import Request, Step, Trace, Value
from tracer.model.patterns import INSTANCE_BRACKET, UUID

_BRACKET = re.compile(INSTANCE_BRACKET)
_FIRST = 200


@dataclass(frozen=True, slots=True)
class Action:
    """Something that was done to an instance; ``time`` in nanoseconds since the epoch."""

    name: str
    time: int
    #: the number and the id of the request that did it
    request: int
    request_id: str
    outcome: str


@dataclass(slots=True)
class Instance:
    """An instance; ``server`` and ``host`` are "" where they are unknown."""

    uuid: str
    server: str = ""
    host: str = ""
    actions: list[Action] = field(default_factory=list)


def instances(trace: Trace) -> list[Instance]:
    """Return the instances that requests of a trace created or changed, by the time of their first action."""
    lives: dict[str, Instance] = {}
    for request in sorted([*trace.boots, *trace.others], key=lambda request: request.started):
        lines = reports_of(request.walk())
        name = actions.action_of(request, lines)
        if not name:
            continue
        uuids = _uuids(request, lines)
        # A boot whose instance nothing names still is one.
        for uuid in uuids or ([""] if name == "created" else []):
            life = lives.setdefault(uuid or f"request {request.number}", Instance(uuid))
            own = [report for report in lines if report.instance in ("", uuid)]
            alone = len(uuids) < 2
            life.actions.append(_action(name, request, uuid, own, alone))
            life.server = life.server or request.server
            life.host = _host(request, uuid) or (request.host if alone else "") or life.host
    return list(lives.values())


def _uuids(request: Request, lines: list[Report]) -> list[str]:
    """Return the instances that a request is about: of the API's path, else of states and of lines about them."""
    steps = list(request.walk())
    in_path = [uuid for step in steps if (uuid := actions.server_in_path(step)[0])]
    if in_path and request.operation != "boot":
        return in_path[:1]
    states = [step.text("instance") for step in steps if step.kind == "state"]
    in_lines = [match[1] for step in steps if (match := _BRACKET.search(step.text("message")[:_FIRST]))]
    named = [request.uuid, *states, *(report.instance for report in lines), *in_lines]
    return list(dict.fromkeys(filter(re.compile(UUID).fullmatch, named)))


def _action(name: str, request: Request, uuid: str, lines: list[Report], alone: bool) -> Action:
    outcome = request.outcome if alone else _vm_state(request, uuid) or _reported(lines) or request.outcome
    if name != "created" and outcome in ("done", "unfinished", "failed"):
        outcome = _failure(request, lines) or outcome
        if outcome == "unfinished" and any(report.says == "ends" for report in lines):
            outcome = "done"
    return Action(name, request.started, request.number, request.request_id, outcome)


def _failure(request: Request, lines: list[Report]) -> str:
    """Return the error of the API's answer, or of work that went on after it, "" if there is none."""
    status = request.chapters[0].attributes.get("status") if request.chapters else None
    if isinstance(status, int) and status >= 400:
        return f"error: HTTP {status}"
    errors = (chapter.error for chapter in request.chapters if chapter.error is not None)
    reports = (report.error or report.text for report in lines if report.says == "error")
    error = next(chain(errors, reports), None)
    return "" if error is None else f"error: {plain_error(error)}".rstrip(": ")


def _reported(lines: list[Report]) -> str:
    """Return how the lines about one of several instances say that it ended, "" if they do not."""
    for report in reversed(lines):
        if report.says in ("active", "deleted"):
            return report.says
        if report.says == "error":
            return f"error: {plain_error(report.error or report.text)}"
    return ""


def _vm_state(request: Request, uuid: str) -> str:
    values = [value for value in _changes(request, uuid, "vm_state") if value in ("active", "error", "deleted")]
    return str(values[-1]) if values else ""


def _host(request: Request, uuid: str) -> str:
    values = [value for value in _changes(request, uuid, "host") if isinstance(value, str) and value]
    return str(values[-1]) if values else ""


def _changes(request: Request, uuid: str, name: str) -> list[Value]:
    """Return the values that a request gives to a column of an instance, in order of time."""
    return [step.new_value(name) for step in sorted(_states(request, uuid), key=lambda step: step.start)]


def _states(request: Request, uuid: str) -> list[Step]:
    return [step for step in request.walk() if step.kind == "state" and step.text("instance") == uuid]
