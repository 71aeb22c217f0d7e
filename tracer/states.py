"""What became of the instance: states as notes at the steps that set them, and the boot's name, uuid, host and outcome."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.model import Step, Value

TRACKED = ("vm_state", "task_state", "power_state", "host", "node")


@dataclass(slots=True)
class Instance:
    """What a boot's steps tell of the instance it made."""

    name: str = ""
    uuid: str = ""
    host: str = ""
    outcome: str = "unfinished"


def instance_of(seed: Step, chapters: list[Step]) -> Instance:
    """Name from the request's body, uuid, host and outcome from states, notifications and errors."""
    instance = Instance(name=_name_in_body(seed))
    failure = None
    for chapter in chapters:
        for step in chapter.walk():
            _look(step, instance)
            if step.error and step.kind in ("rpc", "http", "call") and failure is None:
                failure = step.error
    if seed.attributes.get("status") and str(seed.attributes["status"]) >= "400":
        instance.outcome = f"error: HTTP {seed.attributes['status']}"
    if instance.outcome == "error":
        instance.outcome = f"error: {failure}" if failure else "error"
    return instance


def _name_in_body(seed: Step) -> str:
    for step in seed.walk():
        body = step.attributes.get("body")
        if isinstance(body, dict):
            server = body.get("server")
            if isinstance(server, dict):
                return str(server.get("name", ""))
    return ""


def _look(step: Step, instance: Instance) -> None:
    if step.kind == "state":
        changes = step.attributes.get("changes")
        if isinstance(changes, dict):
            _take(instance, step.text("instance"), changes)
    elif step.kind == "rpc" and step.attributes.get("mode") == "notify":
        instance.name = instance.name or step.text("display_name")
        if step.name == "instance.create.end":
            instance.outcome = "active"
        elif step.name == "instance.create.error":
            instance.outcome = "error"


def _take(instance: Instance, uuid: str, changes: dict[str, Value]) -> None:
    if uuid and not instance.uuid:
        instance.uuid = uuid
    if uuid != instance.uuid:
        return
    host = changes.get("host")
    instance.host = str(host) if host else instance.host
    vm_state = changes.get("vm_state")
    if vm_state in ("active", "error"):
        instance.outcome = str(vm_state)


def derive(chapters: list[Step]) -> None:
    """Turn each state step's new values into changes from what was known, and drop those that change nothing.

    A state is seen up to three times: by the service that saves it, by the conductor that does it for a compute, and in
    the UPDATE. The first seen stands; the later ones, which say the same, go.
    """
    known: dict[tuple[str, str], Value] = {}
    for step, parent in sorted(_states(chapters), key=lambda pair: pair[0].start):
        if not _became(step, known):
            parent.children.remove(step)


def _states(chapters: list[Step]) -> list[tuple[Step, Step]]:
    return [
        (step, parent)
        for chapter in chapters
        for parent in chapter.walk()
        for step in parent.children
        if step.kind == "state"
    ]


def _became(step: Step, known: dict[tuple[str, str], Value]) -> bool:
    """Rewrite ``changes`` as {name: [old, new]}; whether anything changed."""
    new = step.attributes.get("changes")
    changes: dict[str, Value] = {}
    for name, value in new.items() if isinstance(new, dict) else ():
        key = (step.text("instance"), name)
        if key not in known or known[key] != value:
            if not (key not in known and value is None):
                changes[name] = [known.get(key), value]
            known[key] = value
    step.attributes["changes"] = changes
    return bool(changes)
