"""From events to trees: parents within a process by the hooks' context, across processes by ids that were there anyway.

RPC ends meet by msg_id or unique_id, or by the message object where both are in one process; HTTP ends by the callee's
request id, else by the caller's id, method, path and time. Nothing is tied by time alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tracer import services
from tracer.event import Event
from tracer.model import Step, Value

#: Attributes that only serve to tie steps together.
_TIES = ("unique_id", "msg_id", "message", "callee_request_id", "peer_address", "started", "application")


@dataclass(slots=True)
class Forest:
    """Steps with their children, the roots among them, and the casts: sending step's id → the receivers' steps."""

    roots: list[Step] = field(default_factory=list)
    parents: dict[str, Step] = field(default_factory=dict)
    casts: dict[str, list[Step]] = field(default_factory=lambda: defaultdict(list))

    def top(self, step: Step) -> Step:
        """The root above a step."""
        while step.id in self.parents:
            step = self.parents[step.id]
        return step

    def adopt(self, parent: Step, child: Step, tied_by: str) -> bool:
        """Put ``child`` below ``parent``; False, and nothing done, where that would close a ring."""
        if self.top(parent) is child:
            return False
        parent.children.append(child)
        self.parents[child.id] = parent
        child.tied_by = tied_by
        return True


def forest(events: Iterable[Event]) -> Forest:
    """All events as trees; children in the order of their starts."""
    ordered = sorted(events, key=lambda event: event.start)
    steps = {f"{event.process.key}/{event.number}": _step(event) for event in ordered}
    trees = Forest()
    for event in ordered:
        parent = steps.get(f"{event.process.key}/{event.parent}")
        # A parent begins before its children, so its number is smaller; a crafted file may say otherwise.
        if parent is not None and event.parent < event.number:
            tied_by = "handoff" if parent.kind == "handoff" else "context"
            trees.adopt(parent, steps[f"{event.process.key}/{event.number}"], tied_by)
    _tie_rpc(steps.values(), trees)
    _tie_http(steps.values(), trees)
    for step in steps.values():
        step.children.sort(key=lambda child: child.start)
    opened = {step.id for receivers in trees.casts.values() for step in receivers}
    trees.roots = [step for step in steps.values() if step.id not in trees.parents and step.id not in opened]
    _name_services(steps.values(), trees, {event.process.key: event.process.argv for event in ordered})
    return trees


def _step(event: Event) -> Step:
    attributes = dict(event.attributes)
    started = attributes.get("started")
    if isinstance(started, int):
        attributes["waited"] = started - event.start
    request_id, global_request_id = attributes.pop("request_id", None), attributes.pop("global_request_id", None)
    return Step(
        id=f"{event.process.key}/{event.number}",
        kind=event.kind,
        service="",
        name=event.name,
        start=event.start,
        end=event.end,
        host=event.process.host,
        pid=event.process.pid,
        thread=event.thread,
        request_id=_text(request_id),
        global_request_id=_text(global_request_id),
        attributes=attributes,
        error=event.error,
    )


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None


def _tie_rpc(steps: Iterable[Step], trees: Forest) -> None:
    sent: dict[object, list[Step]] = defaultdict(list)
    received = []
    for step in steps:
        if step.kind != "rpc":
            continue
        if step.attributes.get("side") == "server":
            received.append(step)
        elif step.attributes.get("mode") != "reply":
            for key in _message_keys(step):
                sent[key].append(step)
    for step in received:
        found = _sender(step, sent)
        if found is None:
            continue
        sender, tied_by = found
        if sender.attributes.get("mode") == "call":
            trees.adopt(sender, step, tied_by)
        elif trees.top(sender) is not step:
            step.tied_by = tied_by
            trees.casts[sender.id].append(step)


def _message_keys(step: Step) -> Iterable[object]:
    """What a message can be recognised by: ids, or its address in one process where the transport gave it none."""
    for name in ("msg_id", "unique_id"):
        value = step.attributes.get(name)
        if value:
            yield name, value
    yield "message", step.host, step.pid, step.attributes.get("message")


def _sender(step: Step, sent: dict[object, list[Step]]) -> tuple[Step, str] | None:
    for key in _message_keys(step):
        assert isinstance(key, tuple)
        candidates = sent.get(key, [])
        if key[0] == "message":
            # An address may be used again by a later message: the sender is the last one before.
            candidates = [sender for sender in candidates if sender.start <= step.start and sender.name == step.name]
        if candidates:
            return max(candidates, key=lambda sender: sender.start), str(key[0])
    return None


def _tie_http(steps: Iterable[Step], trees: Forest) -> None:
    by_callee: dict[str, Step] = {}
    by_request: dict[object, list[Step]] = defaultdict(list)
    arrived = []
    for step in steps:
        if step.kind != "http":
            continue
        if step.attributes.get("side") == "server":
            arrived.append(step)
            continue
        by_request[_request_key(step)].append(step)
        callee = step.attributes.get("callee_request_id")
        if isinstance(callee, str):
            by_callee[callee] = step
    taken = set()
    for step in arrived:
        if step.id in trees.parents:
            continue
        client = by_callee.get(step.request_id or "")
        if client is not None and trees.adopt(client, step, "request_id"):
            taken.add(client.id)
    for step in arrived:
        if step.id in trees.parents:
            continue
        for client in by_request.get(_request_key(step), ()):
            # Only requests that are under way, and only those whose answer did not name another callee.
            answered = client.attributes.get("callee_request_id") is not None
            under_way = client.start <= step.start and (client.end is None or step.start <= client.end)
            if under_way and not answered and client.id not in taken and trees.adopt(client, step, "global_request_id"):
                taken.add(client.id)
                break


def _request_key(step: Step) -> object:
    return step.text("method"), step.text("path"), step.global_request_id


def _name_services(steps: Iterable[Step], trees: Forest, commands: dict[str, str]) -> None:
    """Endpoint or application, else the parent's in the same process, else what the process runs."""
    roles = {key: services.of_command(argv) for key, argv in commands.items()}
    for step in sorted(steps, key=lambda step: step.start):
        parent = trees.parents.get(step.id)
        inherited = (
            parent.service if parent is not None and step.id.rpartition("/")[0] == parent.id.rpartition("/")[0] else ""
        )
        step.service = services.of_step(step) or inherited or roles[step.id.rpartition("/")[0]]
    _name_peers([step for step in steps if step.attributes.get("side") == "client"], trees)


def _name_peers(clients: list[Step], trees: Forest) -> None:
    """Who is at the far side: seen there, else told by topic or path, else the one that others met at the same address."""
    met: dict[str, str] = {}
    for step in clients:
        far = next((child.service for child in step.children if child.attributes.get("side") == "server"), "")
        receivers = trees.casts.get(step.id, ())
        peer = far or next((receiver.service for receiver in receivers), "") or services.of_peer(step)
        if peer:
            step.attributes["peer"] = peer
            met.setdefault(step.text("host"), peer)
    for step in clients:
        if "peer" not in step.attributes and step.kind == "http" and step.text("host") in met:
            step.attributes["peer"] = met[step.text("host")]
