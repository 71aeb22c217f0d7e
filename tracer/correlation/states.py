"""Instance states as notes at the steps that set them, and what they say of a boot: name, uuid, host and outcome."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tracer.correlation import outcomes, statements
from tracer.correlation.outcomes import Course
from tracer.model import Request, Step, Value

#: The name under which an exception of another process is raised again.
_REMOTE = re.compile(r"^(\w+)_Remote\b")
#: Exceptions by which a build stops whose instance is being deleted.
_DELETED = ("UnexpectedDeletingTaskStateError", "InstanceNotFound")
#: A name is searched for in the arguments of so many messages, in so many values.
_MAX_MESSAGES, _MAX_VALUES = 4, 4000


@dataclass(slots=True)
class _Instances:
    """The instances of one request so far: hosts and outcomes by uuid."""

    hosts: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    failed_at: int | None = None
    display_name: str = ""

    def take(self, step: Step) -> None:
        """Add one state or notification."""
        uuid = step.text("instance")
        if step.kind == "rpc":
            self.display_name = self.display_name or step.text("display_name")
            if step.name == "instance.create.end":
                self.outcomes[uuid] = "active"
            elif step.name == "instance.create.error":
                self._fail(uuid, step.start)
            return
        vm_state, host = step.new_value("vm_state"), step.new_value("host")
        self.outcomes.setdefault(uuid, "unfinished")
        if isinstance(host, str) and host:
            self.hosts[uuid] = host
        if vm_state == "active":
            self.outcomes[uuid] = "active"
        elif vm_state == "error":
            self._fail(uuid, step.start)

    def complete(self, uuid: str, course: Course, deletes: Mapping[str, int]) -> None:
        """Add what messages and deletes report of an instance where states and notifications do not say it."""
        if not uuid and self.outcomes:  # the messages of 2011 name an instance by its number
            if len(self.outcomes) > 1:
                return
            uuid = next(iter(self.outcomes))
        if course.host:
            self.hosts.setdefault(uuid, course.host)
        if self.outcomes.setdefault(uuid, "unfinished") == "unfinished":
            # Where nothing is known of its time on a host, it may have been active before it was deleted.
            deleted = deletes.get(uuid) if self.hosts.get(uuid) or course.spawned else None
            self.outcomes[uuid] = course.end(deleted) or "unfinished"

    def _fail(self, uuid: str, time: int) -> None:
        self.outcomes[uuid] = "error"
        self.failed_at = self.failed_at or time


def describe_instance(boot: Request, seed: Step, deletes: Mapping[str, int] = MappingProxyType({})) -> None:
    """Set the boot's instance: name from the request's body, uuid, host and outcome from states and notifications.

    ``seed`` is the step that asked for the instance; the reason of a failure is an error of the steps. ``deletes``
    holds when other requests began to delete instances, by uuid.
    """
    chapters = boot.chapters
    instances = _Instances()
    for step in sorted(filter(_describes_instance, boot.walk()), key=lambda step: step.start):
        instances.take(step)
    courses = outcomes.courses(boot)
    for uuid in [*courses, *(uuid for uuid in instances.outcomes if uuid not in courses)]:
        instances.complete(uuid, courses.get(uuid, Course()), deletes)
    outcome = _of_all(instances.outcomes.values())
    reason = next((course.reason() for course in courses.values() if course.outcome in ("error", "")), "")
    status = seed.attributes.get("status")
    if isinstance(status, int) and status >= 400:
        outcome = _because(f"error: HTTP {status}", _failure(chapters, None) or reason)
    elif outcome == "error":
        error = _failure(chapters, instances.failed_at) or reason
        deleted = error.startswith(_DELETED) and deletes.keys() & instances.outcomes.keys()
        outcome = "deleted" if deleted else _because("error", error)
    elif outcome == "unfinished" and seed.error:
        outcome = _because("error", _named(seed.error))
    boot.server = _name_in_body(chapters[0]) or instances.display_name or _name_in_arguments(chapters)
    boot.uuid = next((uuid for uuid in instances.outcomes if uuid), "")
    boot.host = ", ".join(dict.fromkeys(instances.hosts.values()))
    boot.outcome = outcome


def _of_all(names: Iterable[str]) -> str:
    """Return the outcome of a request for several instances: the worst of theirs."""
    known = set(names)
    return next((name for name in ("error", "unfinished", "deleted", "active") if name in known), "unfinished")


def _describes_instance(step: Step) -> bool:
    return step.kind == "state" or (step.kind == "rpc" and step.mode == "notify")


def _name_in_body(head: Step) -> str:
    for step in head.walk():
        body = step.attributes.get("body")
        server = body.get("server") if isinstance(body, dict) else None
        if isinstance(server, dict):
            return str(server.get("name", ""))
    return ""


def _name_in_arguments(chapters: list[Step]) -> str:
    """Return the name in the message that asks for the instance, at any depth of its arguments; "" without one."""
    messages = (step for chapter in chapters for step in chapter.walk() if step.kind == "rpc")
    pending: list[Value] = [step.attributes.get("arguments") for step in messages][:_MAX_MESSAGES]
    for _ in range(_MAX_VALUES):
        if not pending:
            break
        value = pending.pop(0)
        if isinstance(value, dict):
            name = value.get("display_name")
            if isinstance(name, str) and name:
                return name
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return ""


def _failure(chapters: list[Step], before: int | None) -> str:
    """Return the last error that its callers did not handle before the instance failed (at ``before``), "" for none."""
    failed = [step for chapter in chapters for step in _topmost_failures(chapter)]
    if before is not None:  # a client that waits for the instance raises an error because of the failure
        failed = [step for step in failed if step.service != "client"] or failed
    in_time = [step for step in failed if before is None or step.start <= before]
    last = max(in_time or failed[:1], key=lambda step: step.end or step.start, default=None)
    return "" if last is None else _named(last.error or "")


def _named(error: str) -> str:
    """Return an exception by its own name: what another process raised has it with a suffix."""
    return outcomes.cut(_REMOTE.sub(r"\1", error.strip()))


def _topmost_failures(head: Step) -> Iterator[Step]:
    """Yield the failed steps whose parents did not fail."""
    stack = [head]
    while stack:
        step = stack.pop()
        if step.error and step.numbered:
            yield step
        else:
            stack.extend(reversed(step.children))


def _because(outcome: str, error: str) -> str:
    return f"{outcome}{', ' if ':' in outcome else ': '}{error}" if error else outcome


def derive(chapters: list[Step]) -> None:
    """Turn states into changes from the known state, at the steps that set them; remove those that change nothing.

    A state is recorded up to three times: by the service that saves it, by the conductor that does it for a compute,
    and in the statement. The first remains; the later ones, which repeat it, are removed.
    """
    parents = [step for chapter in chapters for step in chapter.walk()]
    for parent in parents:
        _add_states(parent)
    known: dict[tuple[str, str], Value] = {}
    states = [step for parent in parents for step in parent.children if step.kind == "state"]
    _name_instances(states)
    repeated = {step.id for step in sorted(states, key=lambda step: step.start) if not _keep_changes(step, known)}
    for parent in parents:
        if any(child.id in repeated for child in parent.children):
            parent.children = [child for child in parent.children if child.id not in repeated]
    for parent in reversed(parents):  # the inner ones first, or a state would sink to the innermost
        _settle(parent)


def _name_instances(states: list[Step]) -> None:
    """Set the uuid where statements of 2011 name an instance by its number: only its INSERT has the uuid."""
    uuids = {step.text("instance") for step in states} - {""}
    if len(uuids) == 1:
        for step in states:
            step.attributes["instance"] = step.text("instance") or next(iter(uuids))


def _settle(parent: Step) -> None:
    """Move each state below the step beside it that writes it: a save records what it will write before it writes."""
    pending = None
    for child in list(parent.children):
        if child.kind == "state":
            # One at the very start of what writes it was moved there before the trace was exported.
            pending = None if child.start == parent.start and _writes(parent) else child
        elif pending is not None and _writes(child):
            parent.children = [other for other in parent.children if other is not pending]
            pending.start = pending.end = child.start
            child.children.insert(0, pending)
            pending = None


def _writes(step: Step) -> bool:
    if step.kind == "rpc":
        return step.name in ("Instance.save", "Instance.create")
    return step.kind == "call" and step.text("function").startswith(("instance_update", "instance_create"))


def _add_states(parent: Step) -> None:
    children = []
    for child in parent.children:
        children.append(child)
        state = statements.state_of(child) if child.kind == "sql" else None
        if state is not None:
            children.append(state)
    if len(children) > len(parent.children):
        parent.children = children


def _keep_changes(step: Step, known: dict[tuple[str, str], Value]) -> bool:
    """Rewrite ``changes`` as {name: [old, new]} and update ``known``; return whether anything changed."""
    new = step.attributes.get("changes")
    changes: dict[str, Value] = {}
    for name, value in new.items() if isinstance(new, dict) else ():
        key = (step.text("instance"), name)
        if key in known and known[key] == value:
            continue
        if value is not None or key in known:
            changes[name] = [known.get(key), value]
        known[key] = value
    step.attributes["changes"] = changes
    return bool(changes)
