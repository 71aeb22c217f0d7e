"""One witness held against the hooks: who saw what, in which tree it stands, and why what is missing is missing."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from examples.cloud.accuracy.readers import SECOND, Said
from tracer.events import Event
from tracer.model import Request, Step, Trace

#: A witness that writes only when a request began is this much off.
TOLERANCE = 5 * SECOND
#: Times that differ by less are the same time.
_CLOSE = SECOND // 10
_HEARTBEAT = re.compile(
    r"UPDATE services SET report_count=|SELECT services\..* WHERE services\.deleted = \? AND services\.id = \?"
)
#: Looks at all instances of its host, under an id of its own.
_PERIODIC = "nova.manager:Manager.periodic_tasks"
#: So does this, whichever instance's claim or end it is called for.
_OF_ALL = "nova.scheduler.client.report:SchedulerReportClient.get_allocations_for_provider_tree"


@dataclass(frozen=True)
class Seen:
    """What the hooks saw, recognised by the same key as the witness's."""

    event: Event
    said: Said

    @property
    def id(self) -> str:
        return f"{self.event.process.key}/{self.event.number}"


def paired(
    said: Iterable[Said], seen: Iterable[Seen], same: Callable[[Said, Said], bool]
) -> tuple[list[tuple[Said, Seen | None]], list[Seen]]:
    """Each of the witness's with one of ours, the nearest in time whose values agree; and ours that are left.

    Who comes first has the choice.
    """
    waiting: dict[tuple[str, ...], list[Seen]] = defaultdict(list)
    for one in seen:
        waiting[one.said.key].append(one)
    pairs: list[tuple[Said, Seen | None]] = []
    for theirs in said:
        near = [
            ours for ours in waiting[theirs.key] if theirs.off(ours.said.at) <= TOLERANCE and same(theirs, ours.said)
        ]
        # Of the same statement many times in a second, the first that is left: both sides keep their order.
        best = min(near, key=lambda ours: (theirs.off(ours.said.at) // _CLOSE, ours.said.at), default=None)
        if best is not None:
            waiting[theirs.key].remove(best)
        pairs.append((theirs, best))
    return pairs, [one for left in waiting.values() for one in left]


@dataclass
class Trees:
    """Where each event stands: in the boot's tree, another request's, or in none."""

    trace: Trace
    boot: Request
    events: Iterable[Event]
    _where: dict[str, Request] = field(init=False)
    _known: dict[str, Event] = field(init=False)

    def __post_init__(self) -> None:
        self._known = {f"{event.process.key}/{event.number}": event for event in self.events}
        self._where = {}
        for each in [*self.trace.boots, *self.trace.others]:
            self._where.update((step.id, each) for step in each.walk())

    def of(self, seen: Seen) -> Request | None:
        """A reply, and an endpoint's own call, are parts of the step above them."""
        event: Event | None = seen.event
        while event is not None:
            found = self._where.get(f"{event.process.key}/{event.number}")
            if found is not None:
                return found
            event = self._known.get(f"{event.process.key}/{event.parent}")
        return None

    def inside(self, at: int) -> bool:
        """Whether a time is within the boot's."""
        return self.boot.started <= at <= self.boot.started + self.boot.duration

    def meanwhile(self, said: Said) -> bool:
        """Whether a witness may have said it within the boot's time."""
        return self.inside(said.at) or self.inside(said.at + said.within)

    def below(self, seen: Seen, name: str) -> bool:
        """Whether what the hooks saw was done in the course of a step of this name, in whichever tree."""
        tree = self.of(seen)
        above = [step for step in tree.walk() if step.name == name] if tree is not None else []
        return any(step.id == seen.id for each in above for step in each.walk())

    @property
    def own(self) -> frozenset[str]:
        """What names this boot wherever it stands."""
        return frozenset([*self.boot.request_ids, self.boot.uuid]) - {""}


@dataclass
class Agreement:
    """Counts of one witness for one boot; what misses and what does not belong, by their reasons."""

    witness: str
    witnessed: int = 0
    in_tree: int = 0
    #: of the boot and not in its tree: why, and what
    missed: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: within the boot's time, yet not of it
    apart: Counter[str] = field(default_factory=Counter)
    #: in the tree, yet not witnessed
    beyond: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)

    @property
    def recall(self) -> float:
        return self.in_tree / self.witnessed if self.witnessed else 1.0

    @property
    def precision(self) -> float:
        seen = self.in_tree + self.beyond.total()
        return self.in_tree / seen if seen else 1.0


def agree(
    witness: str,
    said: Iterable[Said],
    seen: Iterable[Seen],
    trees: Trees,
    same: Callable[[Said, Said], bool] = lambda theirs, ours: True,
) -> Agreement:
    found = Agreement(witness)
    # Witnesses heard more than the hooks, before these came and after they went: that must not take the boot's.
    pairs, left = paired(sorted(said, key=lambda one: (not trees.meanwhile(one), one.at)), seen, same)
    for theirs, ours in pairs:
        tree = trees.of(ours) if ours is not None else None
        if tree is trees.boot:
            found.witnessed += 1
            found.in_tree += 1
            continue
        if not (trees.inside(ours.event.start) if ours is not None else trees.meanwhile(theirs)):
            continue
        reason = _loose(theirs, ours, tree, trees)
        if reason:
            found.witnessed += 1
            found.missed[reason, theirs.text] += 1
        elif tree is not None:
            found.apart[f"request {tree.operation}"] += 1
        else:
            found.apart["heartbeat, in no request"] += 1
    found.beyond.update(one.said.text for one in left if trees.of(one) is trees.boot)
    return found


def _loose(theirs: Said, ours: Seen | None, tree: Request | None, trees: Trees) -> str:
    """Why something that is not in the boot's tree should be there; "" for what has no business there."""
    if ours is None:
        return "the hooks have no such event"
    ids = theirs.ids | {str(ours.event.attributes.get(name)) for name in ("request_id", "global_request_id")}
    if tree is None:
        if _HEARTBEAT.match(theirs.key[-1]) and not ids & trees.own:
            return ""
        return "recorded, but in no tree"
    if not ids & set(trees.boot.request_ids) and (tree.operation == _PERIODIC or trees.below(ours, _OF_ALL)):
        return ""
    if ids & trees.own or trees.boot.uuid in theirs.values:
        return f"names this boot, but stands in the tree of {tree.operation} ({tree.request_id})"
    return ""


def misplaced(boot: Request) -> Iterator[tuple[str, Step]]:
    """Steps whose parent is not the one that ids, addresses and time tell."""
    senders = {step.address: step for step in boot.walk()}
    for chapter in boot.chapters[1:]:
        sender = senders.get(chapter.opened_by)
        if sender is None and chapter.tied_by == "instance":
            continue  # nobody sent it
        if sender is None:
            yield f"chapter without the step that opened it, tied by {chapter.tied_by}", chapter
        elif not _same_message(sender, chapter):
            yield "chapter opened by another message", chapter
    for parent in boot.walk():
        for child in parent.children:
            if child.start < parent.start:
                yield "begins before its parent", child
            elif child.tied_by == "context" and parent.end is not None and child.start > parent.end:
                yield "begins after its parent's end", child
            elif child.attributes.get("side") != "server":
                continue
            elif child.kind == "rpc" and not _same_message(parent, child):
                yield "below another message", child
            elif child.kind == "http" and not _same_request(parent, child):
                yield "below another request", child


def _same_message(sender: Step, receiver: Step) -> bool:
    return any(sender.text(name) and sender.text(name) == receiver.text(name) for name in ("unique_id", "msg_id"))


def _same_request(client: Step, server: Step) -> bool:
    names = ("method", "path", "status")
    return client.attributes.get("side") == "client" and all(client.text(name) == server.text(name) for name in names)
