"""The comparison of a witness with the hooks: common events, their trees, and the reasons for missing ones."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from examples.cloud.accuracy.readers import SECOND, Entry
from tracer.events import Event
from tracer.model import Request, Step, Trace

#: The offset of a witness that writes only a request's start.
TOLERANCE = 5 * SECOND
#: Times that differ by less are equal.
_CLOSE = SECOND // 10
_HEARTBEAT = re.compile(
    r"UPDATE services SET (?:updated_at=\?, )?report_count="
    r"|SELECT services\..* WHERE services\.deleted = \? AND services\.id = \?"
    r"|UPDATE ovn_hash_ring |SELECT .* FROM ovn_hash_ring "
)
#: Reads all instances of its host, under an id of its own.
_PERIODIC = "nova.manager:Manager.periodic_tasks"
#: Processes of Neutron that only run tasks by the clock, as the statements' texts begin.
_BY_THE_CLOCK = ("neutron-periodic-workers: ", "neutron-ovn-maintenance-worker: ")
#: So does this, for the claim or end of any instance.
_OF_ALL = "nova.scheduler.client.report:SchedulerReportClient.get_allocations_for_provider_tree"


@dataclass(frozen=True)
class HookedEvent:
    """An event of the hooks, with an entry that has the same key as the witness's."""

    event: Event
    entry: Entry

    @property
    def id(self) -> str:
        return f"{self.event.process.key}/{self.event.number}"


def paired(
    entries: Iterable[Entry], hooked: Iterable[HookedEvent], same: Callable[[Entry, Entry], bool]
) -> tuple[list[tuple[Entry, HookedEvent | None]], list[HookedEvent]]:
    """Pair each of the witness's entries with the nearest of ours in time whose values agree; also return our others.

    Earlier entries choose first.
    """
    waiting: dict[tuple[str, ...], list[HookedEvent]] = defaultdict(list)
    for event in hooked:
        waiting[event.entry.key].append(event)
    pairs: list[tuple[Entry, HookedEvent | None]] = []
    for theirs in entries:
        near = [
            ours
            for ours in waiting[theirs.key]
            if theirs.off(ours.entry.time) <= TOLERANCE and same(theirs, ours.entry)
        ]
        # Of equal statements within a second, the first unpaired one: both sides are in order.
        best = min(near, key=lambda ours: (theirs.off(ours.entry.time) // _CLOSE, ours.entry.time), default=None)
        if best is not None:
            waiting[theirs.key].remove(best)
        pairs.append((theirs, best))
    return pairs, [event for unpaired in waiting.values() for event in unpaired]


@dataclass
class Trees:
    """The tree of each event: the boot's, another request's, or none; `names` are ids and macs of the boot's ports."""

    trace: Trace
    boot: Request
    events: Iterable[Event]
    names: frozenset[str] = frozenset()
    _where: dict[str, Request] = field(init=False)
    _known: dict[str, Event] = field(init=False)
    _caused: list[Request] = field(init=False)

    def __post_init__(self) -> None:
        self._known = {f"{event.process.key}/{event.number}": event for event in self.events}
        self._where = {}
        for request in [*self.trace.boots, *self.trace.others]:
            self._where.update((step.id, request) for step in request.walk())
        self._caused = [request for request in self.trace.others if self._works_on_own(request)]

    def of(self, hooked: HookedEvent) -> Request | None:
        """Return an event's tree; a reply, and an endpoint's own call, are parts of the step above them."""
        event: Event | None = hooked.event
        while event is not None:
            request = self._where.get(f"{event.process.key}/{event.number}")
            if request is not None:
                return request
            event = self._known.get(f"{event.process.key}/{event.parent}")
        return None

    def inside(self, time: int) -> bool:
        """Return whether a time is within the boot's."""
        return self.boot.started <= time <= self.boot.started + self.boot.duration

    def meanwhile(self, entry: Entry) -> bool:
        """Return whether an entry may be from the boot's time."""
        return self.inside(entry.time) or self.inside(entry.time + entry.within)

    def below(self, hooked: HookedEvent, name: str) -> bool:
        """Return whether an event is below a step of this name, in its own tree."""
        tree = self.of(hooked)
        above = [step for step in tree.walk() if step.name == name] if tree is not None else []
        return any(step.id == hooked.id for ancestor in above for step in ancestor.walk())

    @property
    def own(self) -> frozenset[str]:
        """Return the ids that identify this boot."""
        return frozenset([*self.boot.request_ids, self.boot.uuid, *self.names]) - {""}

    def is_caused(self, request: Request) -> bool:
        """Return whether another request exists because of the boot: it works on its ports, and on no other's."""
        return any(request is caused for caused in self._caused)

    def _works_on_own(self, request: Request) -> bool:
        ports = {str(port) for step in request.walk() for port in _listed(step.attributes.get("ports"))}
        return bool(ports & self.names) and ports <= self.names


@dataclass
class Agreement:
    """Counts of a witness for a boot; missing and unrelated entries by their reasons."""

    witness: str
    witnessed: int = 0
    in_tree: int = 0
    #: entries of the boot that are not in its tree: reason and text
    missed: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: entries within the boot's time that are not of it
    apart: Counter[str] = field(default_factory=Counter)
    #: events in the tree without an entry
    beyond: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)

    @property
    def recall(self) -> float:
        return self.in_tree / self.witnessed if self.witnessed else 1.0

    @property
    def precision(self) -> float:
        total = self.in_tree + self.beyond.total()
        return self.in_tree / total if total else 1.0


def agree(
    witness: str,
    entries: Iterable[Entry],
    hooked: Iterable[HookedEvent],
    trees: Trees,
    same: Callable[[Entry, Entry], bool] = lambda theirs, ours: True,
) -> Agreement:
    result = Agreement(witness)
    # Witnesses also record before and after the hooks: these entries must not take the boot's events.
    pairs, left = paired(sorted(entries, key=lambda entry: (not trees.meanwhile(entry), entry.time)), hooked, same)
    for theirs, ours in pairs:
        tree = trees.of(ours) if ours is not None else None
        if tree is trees.boot:
            result.witnessed += 1
            result.in_tree += 1
            continue
        inside = trees.inside(ours.event.start) if ours is not None else trees.meanwhile(theirs)
        if not inside and not (tree is not None and trees.is_caused(tree)):
            continue
        reason = _loose(theirs, ours, tree, trees)
        if reason:
            result.witnessed += 1
            result.missed[reason, theirs.text] += 1
        elif tree is not None:
            result.apart[f"request {tree.operation}"] += 1
        else:
            result.apart["heartbeat, in no request"] += 1
    result.beyond.update(event.entry.text for event in left if trees.of(event) is trees.boot)
    return result


def _loose(theirs: Entry, ours: HookedEvent | None, tree: Request | None, trees: Trees) -> str:
    """Return the reason why an entry should be in the boot's tree; "" if it should not."""
    if ours is None:
        return "the hooks have no such event"
    ids = theirs.ids | {str(ours.event.attributes.get(name)) for name in ("request_id", "global_request_id")}
    if tree is None:
        if not ids & trees.own and (_HEARTBEAT.match(theirs.key[-1]) or theirs.text.startswith(_BY_THE_CLOCK)):
            return ""
        return "recorded, but in no tree"
    if not ids & set(trees.boot.request_ids) and (tree.operation == _PERIODIC or trees.below(ours, _OF_ALL)):
        return ""
    if ids & trees.own or trees.own.intersection(theirs.values):
        return f"names this boot, but is in the tree of {tree.operation} ({tree.request_id})"
    if trees.is_caused(tree):
        return f"exists because of this boot, but is in the tree of {tree.operation}"
    return ""


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def misplaced(boot: Request) -> Iterator[tuple[str, Step]]:
    """Yield the steps whose parent contradicts ids, addresses or times, with the reason."""
    senders = {step.address: step for step in boot.walk()}
    for chapter in boot.chapters[1:]:
        reason = _misplaced_chapter(senders.get(chapter.opened_by), chapter)
        if reason:
            yield reason, chapter
    for parent in boot.walk():
        for child in parent.children:
            if child.start < parent.start:
                yield "begins before its parent", child
            elif child.tied_by == "context" and _is_over(parent, child.start):
                yield "begins after its parent's end", child
            elif child.attributes.get("side") != "server":
                continue
            elif child.kind == "rpc" and not _same_message(parent, child):
                yield "below another message", child
            elif child.kind == "http" and not _same_request(parent, child):
                yield "below another request", child


def _is_over(step: Step, time: int) -> bool:
    """Return whether a step had ended; what starts a loop returns before the loop's runs, which belong to it."""
    is_loop = step.text("function") == "start" and "loopingcall" in step.text("module")
    return step.end is not None and time > step.end and not is_loop


def _misplaced_chapter(sender: Step | None, chapter: Step) -> str:
    if sender is None:
        # What is linked by the instance alone has no sender.
        return (
            ""
            if chapter.tied_by == "instance"
            else f"chapter without the step that opened it, tied by {chapter.tied_by}"
        )
    # What is linked by a port was opened by no message; `named_ports` checks whose port it is.
    is_opened = chapter.tied_by == "port" or _same_message(sender, chapter)
    return "" if is_opened else "chapter opened by another message"


def _same_message(sender: Step, receiver: Step) -> bool:
    return any(sender.text(name) and sender.text(name) == receiver.text(name) for name in ("unique_id", "msg_id"))


def _same_request(client: Step, server: Step) -> bool:
    names = ("method", "path", "status")
    return client.attributes.get("side") == "client" and all(client.text(name) == server.text(name) for name in names)
