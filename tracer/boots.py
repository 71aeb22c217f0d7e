"""Which trees make which boot: the request that asked for it, over its casts, and what request ids tie to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import networkx as nx

from tracer import numbering, states
from tracer.linking import Forest
from tracer.model import Boot, LeftOut, Step

_SERVERS = re.compile(r"/(servers|os-volumes_boot)/?$")
#: Where a boot begins when neither the client nor the API was traced.
_BUILDS = ("schedule_and_build_instances", "build_instances", "build_and_run_instance")
_HEARTBEATS = re.compile(r"Service\.(save|get_by_|create)|report_state|^services$")


def boots(trees: Forest) -> tuple[list[Boot], list[Boot]]:
    """The boots, and the other requests, each with its chapters, numbered; both in the order of their starts."""
    seeds = _seeds(trees)
    heads = _heads(seeds, trees)
    found = [_Gathering(seed, head, trees) for seed, head in zip(seeds, heads, strict=True)]
    _join_by_request_ids(found, trees)
    made = [gathering.boot(number) for number, gathering in enumerate(found, 1)]
    belongs = {step.id for boot in made for step in boot.walk()}
    rest = [root for root in trees.roots if root.id not in belongs]
    for boot in made:
        boot.left_out = _left_out(boot, rest)
    return made, _others(rest, trees, len(made))


def _seeds(trees: Forest) -> list[Step]:
    """The steps that ask for an instance: at each chain the API's own step, else the client's, else the conductor's."""
    everything = [step for root in _all_roots(trees) for step in root.walk()]
    asked = [step for step in everything if _asks(step)]
    inner = {parent.id for step in asked for parent in _ancestors(step, trees)}
    seeds = [step for step in asked if step.id not in inner]
    sent = {receiver.id for receivers in trees.casts.values() for receiver in receivers}
    loose = [
        s
        for s in everything
        if s.kind == "rpc" and s.name in _BUILDS and s.attributes.get("side") == "server" and s.id not in sent
    ]
    return sorted([*seeds, *loose], key=lambda step: step.start)


def _asks(step: Step) -> bool:
    return step.kind == "http" and step.text("method") == "POST" and _SERVERS.search(step.text("path")) is not None


def _all_roots(trees: Forest) -> list[Step]:
    return [*trees.roots, *(step for receivers in trees.casts.values() for step in receivers)]


def _ancestors(step: Step, trees: Forest) -> Iterable[Step]:
    while step.id in trees.parents:
        step = trees.parents[step.id]
        yield step


def _heads(seeds: list[Step], trees: Forest) -> list[Step]:
    """The highest step above each seed that no other seed shares."""
    shared = Counter(ancestor.id for seed in seeds for ancestor in _ancestors(seed, trees))
    heads = []
    for seed in seeds:
        head = seed
        for ancestor in _ancestors(seed, trees):
            if shared[ancestor.id] > 1:
                break
            head = ancestor
        heads.append(head)
    return heads


class _Gathering:
    """A boot's chapters while they are being found."""

    def __init__(self, seed: Step, head: Step, trees: Forest) -> None:
        self.seed = seed
        self.trees = trees
        self.chapters: list[Step] = []
        self._add(head)

    def _add(self, head: Step) -> None:
        """A chapter, and those that its casts open."""
        fresh = [head]
        while fresh:
            chapter = fresh.pop()
            self.chapters.append(chapter)
            for step in chapter.walk():
                fresh.extend(self.trees.casts.get(step.id, ()))

    def add_root(self, root: Step) -> None:
        """A tree that a request id ties to this boot: below the step that was under way, or as a chapter of its own."""
        serves = root.attributes.get("side") == "server"
        parent = None if serves else _under_way(self.chapters, root)
        if parent is None or not self.trees.adopt(parent, root, "request_id"):
            root.tied_by = "request_id"
            self._add(root)
            return
        parent.children.sort(key=lambda child: child.start)
        for step in root.walk():
            for receiver in self.trees.casts.get(step.id, ()):
                self._add(receiver)

    def own_ids(self) -> set[str]:
        """Request ids that are this boot's alone: its requests', not those of contexts kept since start-up."""
        ids = {chapter.request_id for chapter in self.chapters} | {
            chapter.global_request_id for chapter in self.chapters
        }
        for chapter in self.chapters:
            for step in chapter.walk():
                if step.kind == "http" and step.attributes.get("side") == "server":
                    ids |= {step.request_id, step.global_request_id}
        return {request_id for request_id in ids if request_id}

    def boot(self, number: int) -> Boot:
        """The boot, numbered: its first chapter, then the others by arrival."""
        first, *others = self.chapters
        chapters = [first, *sorted(others, key=lambda chapter: chapter.start)]
        instance = states.instance_of(self.seed, chapters)
        states.derive(chapters)
        numbering.number(chapters, self.trees.casts)
        return Boot(
            number=number,
            operation="boot",
            chapters=chapters,
            server=instance.name,
            uuid=instance.uuid,
            request_id=self.seed.request_id or first.request_id or "",
            request_ids=sorted(self.own_ids()),
            outcome=instance.outcome,
            host=instance.host,
        )


def _under_way(chapters: list[Step], root: Step) -> Step | None:
    """The step of the same thread, else process, that had begun last when ``root`` began; numbered steps only."""
    process = root.id.rpartition("/")[0]
    near = [
        step
        for chapter in chapters
        for step in chapter.walk()
        if step.numbered and step.start <= root.start and step.id.rpartition("/")[0] == process
    ]
    return max(near, key=lambda step: (step.thread == root.thread, step.start), default=None)


def _join_by_request_ids(found: list[_Gathering], trees: Forest) -> None:
    """Loose trees with a boot's request id go to that boot: a graph of trees and ids, each boot a component of it."""
    owners = Counter(request_id for gathering in found for request_id in gathering.own_ids())
    graph: nx.Graph[object] = nx.Graph()
    for gathering in found:
        # An id that two boots share (a client's own for all it asks) ties neither.
        graph.add_edges_from((id(gathering), own) for own in gathering.own_ids() if owners[own] == 1)
    gathered = {chapter.id for gathering in found for chapter in gathering.chapters}
    loose = [root for root in trees.roots if root.id not in gathered]
    for root in loose:
        graph.add_edges_from((root.id, own) for own in _ids(root) if own in owners and owners[own] == 1)
    for gathering in found:
        if id(gathering) in graph:
            component = nx.node_connected_component(graph, id(gathering))
            for root in loose:
                if root.id in component:
                    gathering.add_root(root)


def _ids(root: Step) -> set[str]:
    return {value for value in (root.request_id, root.global_request_id) if value}


def _left_out(boot: Boot, rest: list[Step]) -> list[LeftOut]:
    start, end = boot.started, boot.started + boot.duration
    counted = Counter((root.service, _what(root), root.kind) for root in rest if start <= root.start <= end)
    return [LeftOut(service, what, kind, count) for (service, what, kind), count in sorted(counted.items())]


def _what(root: Step) -> str:
    tables = root.attributes.get("tables")
    subject = ", ".join(str(table) for table in tables) if isinstance(tables, list) and tables else root.name
    if root.kind in ("log", "ask"):
        subject = root.text("logger") or root.name
    return f"heartbeat {subject}" if _HEARTBEATS.search(subject) else subject


def _others(rest: list[Step], trees: Forest, before: int) -> list[Boot]:
    """Requests that boot nothing: each root that is a message, with the chapters its casts open."""
    made = []
    for number, root in enumerate((root for root in rest if root.kind in ("http", "rpc")), before + 1):
        gathering = _Gathering(root, root, trees)
        chapters = [root, *sorted(gathering.chapters[1:], key=lambda chapter: chapter.start)]
        numbering.number(chapters, trees.casts)
        outcome = "unfinished" if not root.finished else "failed" if root.error else "done"
        made.append(
            Boot(
                number,
                root.name,
                chapters,
                request_id=root.request_id or "",
                outcome=outcome,
                request_ids=sorted(gathering.own_ids()),
            )
        )
    return made
