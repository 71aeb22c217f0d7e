"""Work on ports without a request id: each tree belongs to the only request that owns the ports it names, or to none.

A tree that works on ports of several is divided: a step that names ports of one request alone, with all below it, is a
chapter of that request; what names no port, or ports of several, is of none. Neutron's batches of events for Nova
belong to the request that queued all of them.
"""

from __future__ import annotations

from collections import defaultdict

from tracer.correlation import ports
from tracer.correlation.chapters import RequestChapters
from tracer.correlation.forest import Forest
from tracer.correlation.instance_events import EXTERNAL_EVENTS
from tracer.correlation.port_owners import RUN, Owners
from tracer.model import Step

#: What takes a snapshot of the ports that the agent's next run works on.
_SNAPSHOT = "process_port_info"
_QUEUES, _SENDS = "queue_event", "send_events"

#: Process, event's key, instance.
_Event = tuple[str, str, str]


def is_work(head: Step) -> bool:
    """Return whether a tree is such work, or a batch of events."""
    if not head.from_hooks or _is_batch(head):
        return head.from_hooks
    if head.kind == "http":
        return False
    return bool(ports.named(head) or ports.texts(head, "macs") or head.text("function") in (_SNAPSHOT, RUN))


def assign(requests: list[RequestChapters], heads: list[Step], forest: Forest) -> bool:
    """Add each of the unclaimed trees, or what can be taken out of it, to its request; return whether any was."""
    work = [head for head in heads if is_work(head)]
    if not work:
        return False
    assignment = _Assignment(requests, forest)
    for head in sorted(work, key=lambda step: step.start):
        assignment.take(head)
    assignment.link_batches()
    return assignment.changed


class _Assignment:
    """The requests, with what they own and what they queued, while trees are assigned in the order of their starts."""

    def __init__(self, requests: list[RequestChapters], forest: Forest) -> None:
        self.changed = False
        self._forest = forest
        self._owners = Owners(requests, forest.heads)
        #: the start of the last snapshot of each process and thread
        self._snapshots: dict[tuple[str, int], int] = {}
        self._queued: dict[_Event, list[Step]] = defaultdict(list)
        for head in forest.heads:
            for step in head.walk():
                if step.text("function") == _QUEUES:
                    for event, instance in ports.events(step):
                        self._queued[step.process, event, instance].append(step)

    def take(self, head: Step) -> None:
        """Assign a tree that belongs to no request."""
        if _is_batch(head):
            cause = self._queued_by(head)
            if cause is not None:
                self._add(self._owners.request_of[cause.id], head, cause)
            return
        thread = head.process, head.thread
        if head.text("function") == _SNAPSHOT:
            self._snapshots[thread] = head.start
        self._divide(head, self._snapshots.get(thread, head.start))

    def link_batches(self) -> None:
        """Link the batches that were assigned by their instance to the step that queued their last event."""
        for request in self._owners.requests:
            for chapter in request.chapters:
                if _is_batch(chapter) and chapter.id not in self._forest.senders:
                    cause = self._queued_by(chapter)
                    if cause is not None and self._owners.request_of[cause.id] == self._owners.request_of[chapter.id]:
                        self._forest.open_chapter(cause, chapter, "port")

    def _divide(self, head: Step, time: int) -> None:
        """Assign a tree to the owner of its ports; take out of it what is another's."""
        owner = self._owners.owner(head)
        for inner in self._parts(head, owner):
            self._forest.cut(inner)
            self._divide(inner, time)
        if owner is not None:
            self._add(owner, head, self._owners.cause(owner, head, time))

    def _parts(self, head: Step, owner: int | None) -> list[Step]:
        """Return the topmost steps below that work on ports of another owner, or of none."""
        parts, stack = [], head.children[::-1]
        while stack:
            step = stack.pop()
            if ports.named(step) and self._owners.owner(step) != owner:
                parts.append(step)
            else:
                stack += step.children[::-1]
        return parts

    def _add(self, index: int, head: Step, cause: Step | None) -> None:
        request = self._owners.requests[index]
        if cause is None or not self._forest.open_chapter(cause, head, "port"):
            head.tied_by = "port"
        before = len(request.chapters)
        request.add_chapter(head, "port")
        self._owners.add(index, request.chapters[before:])
        self.changed = True

    def _queued_by(self, batch: Step) -> Step | None:
        """Return the step that queued a batch's last event; None where they were not all queued by one request."""
        causes = []
        for event, instance in ports.sent(batch):
            queued = [step for step in self._queued[batch.process, event, instance] if step.start <= batch.start]
            if not queued:
                return None
            causes.append(max(queued, key=lambda step: step.start))
        requests = {self._owners.request_of.get(step.id) for step in causes}
        if len(requests) != 1 or None in requests:
            return None
        return max(causes, key=lambda step: step.start, default=None)


def _is_batch(step: Step) -> bool:
    """Return whether it is the sending of events; its sender is bypassed where it was bound before hooks came."""
    return not step.is_server and any(_sends(inner) for inner in step.walk() if inner.process == step.process)


def _sends(step: Step) -> bool:
    is_request = step.kind == "http" and step.is_client and step.text("path").endswith(EXTERNAL_EVENTS)
    return is_request or step.text("function") == _SENDS
