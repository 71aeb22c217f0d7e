"""What became of the instance: states as notes at the steps that set them; the boot's name, uuid, host and outcome."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tracer.correlation import statements
from tracer.model import Step, Value
from tracer.text import printable

#: What raises in another process comes back under another name.
_REMOTE = re.compile(r"^(\w+)_Remote\b")
_MAX_OUTCOME = 200
#: Where a name is looked for in what messages ask: so many of them, so many values.
_MAX_ASKED, _MAX_LOOKED_AT = 4, 4000


@dataclass(slots=True)
class Instance:
    """What a request's steps tell of the instances it made."""

    name: str = ""
    uuid: str = ""
    host: str = ""
    outcome: str = "unfinished"


@dataclass(slots=True)
class _Seen:
    """What was seen of several instances so far: hosts and what became of them, by uuid."""

    hosts: dict[str, str] = field(default_factory=dict)
    became: dict[str, str] = field(default_factory=dict)
    failed_at: int | None = None
    display_name: str = ""

    def take(self, step: Step) -> None:
        """Look at one state or notification."""
        uuid = step.text("instance")
        if step.kind == "rpc":
            self.display_name = self.display_name or step.text("display_name")
            if step.name == "instance.create.end":
                self.became[uuid] = "active"
            elif step.name == "instance.create.error":
                self._fail(uuid, step.start)
            return
        vm_state, host = _new(step, "vm_state"), _new(step, "host")
        self.became.setdefault(uuid, "unfinished")
        if isinstance(host, str) and host:
            self.hosts[uuid] = host
        if vm_state == "active":
            self.became[uuid] = "active"
        elif vm_state == "error":
            self._fail(uuid, step.start)

    def _fail(self, uuid: str, at: int) -> None:
        self.became[uuid] = "error"
        self.failed_at = self.failed_at or at


def instance_of(seed: Step, chapters: list[Step]) -> Instance:
    """Name from the request's body, uuid, host and outcome from states and notifications, why it failed from errors."""
    told = [step for chapter in chapters for step in chapter.walk() if _tells(step)]
    seen = _Seen()
    for step in sorted(told, key=lambda step: step.start):
        seen.take(step)
    outcomes = set(seen.became.values())
    outcome = next((each for each in ("error", "unfinished", "active") if each in outcomes), "unfinished")
    status = seed.attributes.get("status")
    if isinstance(status, int) and status >= 400:
        outcome = _because(f"error: HTTP {status}", _failure(chapters, None))
    elif outcome == "error":
        outcome = _because("error", _failure(chapters, seen.failed_at))
    elif outcome == "unfinished" and seed.error:
        outcome = _because("error", seed.error)
    return Instance(
        name=_name_in_body(chapters[0]) or seen.display_name or _name_in_arguments(chapters),
        uuid=next((uuid for uuid in seen.became if uuid), ""),
        host=", ".join(dict.fromkeys(seen.hosts.values())),
        outcome=outcome,
    )


def _tells(step: Step) -> bool:
    return step.kind == "state" or (step.kind == "rpc" and step.attributes.get("mode") == "notify")


def _new(step: Step, name: str) -> Value:
    changes = step.attributes.get("changes")
    change = changes.get(name) if isinstance(changes, dict) else None
    return change[-1] if isinstance(change, list) and change else None


def _name_in_body(asked: Step) -> str:
    for step in asked.walk():
        body = step.attributes.get("body")
        server = body.get("server") if isinstance(body, dict) else None
        if isinstance(server, dict):
            return str(server.get("name", ""))
    return ""


def _name_in_arguments(chapters: list[Step]) -> str:
    """The name as the message that asks for the instance tells it, deep in its arguments."""
    asked = (step for chapter in chapters for step in chapter.walk() if step.kind == "rpc")
    told: list[Value] = [step.attributes.get("arguments") for step in asked][:_MAX_ASKED]
    for _ in range(_MAX_LOOKED_AT):
        if not told:
            break
        value = told.pop(0)
        if isinstance(value, dict):
            name = value.get("display_name")
            if isinstance(name, str) and name:
                return name
            told += value.values()
        elif isinstance(value, list):
            told += value
    return ""


def _failure(chapters: list[Step], before: int | None) -> str:
    """The last error to rise as far as it got before the instance was given up: what failed, not what was mended."""
    risen = [step for chapter in chapters for step in _risen(chapter)]
    in_time = [step for step in risen if before is None or step.start <= before]
    last = max(in_time or risen[:1], key=lambda step: step.end or step.start, default=None)
    return "" if last is None else last.error or ""


def _risen(head: Step) -> Iterator[Step]:
    """The steps that failed below a step that did not."""
    stack = [head]
    while stack:
        step = stack.pop()
        if step.error and step.numbered:
            yield step
        else:
            stack.extend(reversed(step.children))


def _because(outcome: str, error: str) -> str:
    first = printable(_REMOTE.sub(r"\1", error.strip().partition("\n")[0])).strip()
    if not first:
        return outcome
    said = f"{outcome}{', ' if ':' in outcome else ': '}{first}"
    return said if len(said) <= _MAX_OUTCOME else said[: _MAX_OUTCOME - 1] + "…"


def derive(chapters: list[Step]) -> None:
    """States as changes from what was known, at the steps that set them; those that change nothing go.

    A state is seen up to three times: by the service that saves it, by the conductor that does it for a compute, and in
    the statement. The first seen stands; the later ones, which say the same, go.
    """
    parents = [step for chapter in chapters for step in chapter.walk()]
    for parent in parents:
        _add_states(parent)
    known: dict[tuple[str, str], Value] = {}
    states = [step for parent in parents for step in parent.children if step.kind == "state"]
    _name_instances(states)
    same = {step.id for step in sorted(states, key=lambda step: step.start) if not _became(step, known)}
    for parent in parents:
        if any(child.id in same for child in parent.children):
            parent.children = [child for child in parent.children if child.id not in same]
    for parent in reversed(parents):  # the inner ones first, or a state would sink to the innermost
        _settle(parent)


def _name_instances(states: list[Step]) -> None:
    """Statements of 2011 name an instance by its number, where only its INSERT tells its uuid."""
    made = {step.text("instance") for step in states} - {""}
    if len(made) == 1:
        for step in states:
            step.attributes["instance"] = step.text("instance") or next(iter(made))


def _settle(parent: Step) -> None:
    """Put each state below the step beside it that writes it: a save says what it will write before it writes."""
    told = None
    for child in list(parent.children):
        if child.kind == "state":
            told = child
        elif told is not None and _writes(child):
            parent.children = [other for other in parent.children if other is not told]
            told.start = told.end = child.start
            child.children.insert(0, told)
            told = None


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


def _became(step: Step, known: dict[tuple[str, str], Value]) -> bool:
    """Rewrite ``changes`` as {name: [old, new]}; whether anything changed."""
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
