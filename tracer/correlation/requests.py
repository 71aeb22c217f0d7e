"""Which trees make which boot: the request that asked for it, over its casts, and what request ids tie to it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict

import networkx as nx

from tracer.correlation import addresses, instance_events, participants, states
from tracer.correlation.chapters import Gathering
from tracer.correlation.forest import Forest
from tracer.model import LeftOut, Request, Step

_SERVERS = re.compile(r"/(servers|os-volumes_boot)/?$")
#: Where a boot begins when neither the client nor the API was traced.
_BUILDS = ("schedule_and_build_instances", "build_instances", "build_and_run_instance", "run_instance")
_HEARTBEATS = re.compile(rf"{participants.REPORTS}|^services$")


def boots(trees: Forest) -> tuple[list[Request], list[Request]]:
    """The boots, and the other requests, each with its chapters, numbered; both in the order of their starts."""
    taken: set[str] = set()
    seeds = _seeds(trees)
    asked = [Gathering(seed, head, trees, taken) for seed, head in zip(seeds, _heads(seeds, trees), strict=True)]
    _gather(asked, trees, taken)
    made = [_boot(number, gathering, trees) for number, gathering in enumerate(asked, 1)]
    rest = _loose(trees, taken)
    for boot, left_out in zip(made, _left_out(made, rest), strict=True):
        boot.left_out = left_out
    spoken = [Gathering(root, root, trees, taken) for root in rest if _speaks(root)]
    _gather(spoken, trees, taken)
    return made, [_other(number, gathering, trees) for number, gathering in enumerate(spoken, len(made) + 1)]


def _seeds(trees: Forest) -> list[Step]:
    """The steps that ask for an instance: the API's own step, else the client's, else who first builds it, untold."""
    asked = [step for head in trees.heads for step in head.walk() if _asks(step)]
    inner = {ancestor.id for step in asked for ancestor in trees.ancestors(step)}
    seeds = [step for step in asked if step.id not in inner]
    known = {each for step in seeds for each in (step.request_id, step.text("callee_request_id")) if each}
    for head in trees.heads:
        if head.name not in _BUILDS or head.kind != "rpc" or not _may_seed(head):
            continue
        # Its sender is known, or who asked for it is: one request, whose middle was not traced.
        if head.id in trees.senders or head.id in inner or head.request_id in known:
            continue
        seeds.append(head)
        known |= {head.request_id} if head.request_id else set()
    return sorted(seeds, key=lambda step: step.start)


def _may_seed(head: Step) -> bool:
    """The message that asks for an instance where it was taken, or where the broker alone saw it being sent."""
    return head.attributes.get("side") == "server" or head.witnesses == ("broker",)


def _asks(step: Step) -> bool:
    return step.kind == "http" and step.text("method") == "POST" and _SERVERS.search(step.text("path")) is not None


def _heads(seeds: list[Step], trees: Forest) -> list[Step]:
    """The highest step above each seed that no other seed shares; what they share is no part of either boot."""
    shared = Counter(ancestor.id for seed in seeds for ancestor in trees.ancestors(seed))
    heads = []
    for seed in seeds:
        head = seed
        for ancestor in trees.ancestors(seed):
            if shared[ancestor.id] > 1:
                break
            head = ancestor
        heads.append(head)
    for head in heads:
        if head.id in trees.parents:
            trees.cut(head)
    return heads


def _speaks(root: Step) -> bool:
    """Whether a message was sent or served in a tree: what only computed is no request."""
    return any(step.kind in ("http", "rpc") for step in root.walk())


def _loose(trees: Forest, taken: set[str]) -> list[Step]:
    return [head for head in trees.heads if head.id not in trees.senders and head.id not in taken]


def _gather(found: list[Gathering], trees: Forest, taken: set[str]) -> None:
    """Give each its chapters: what its casts open, news of its instance, loose trees that ids tie to it alone."""
    for gathering in found:
        gathering.follow_casts()
    instance_events.gather(found, _loose(trees, taken))
    loose = _loose(trees, taken)
    for gathering, roots in zip(found, _tied(found, loose), strict=True):
        for root in roots:
            gathering.add_loose(root)
        gathering.sort()


def _tied(found: list[Gathering], loose: list[Step]) -> list[list[Step]]:
    """For each gathering the loose roots that request ids tie to it: a graph of both, with the ids in between."""
    owners = Counter(each for gathering in found for each in gathering.ids)
    requests = {root.request_id for root in loose if _is_request(root)}
    graph: nx.Graph[tuple[str, object]] = nx.Graph()
    for place, gathering in enumerate(found):
        # An id that two share (a client's own for all it asks) ties to neither.
        graph.add_edges_from((("gathering", place), ("id", own)) for own in gathering.ids if owners[own] == 1)
    for place, root in enumerate(loose):
        own = (root.request_id, root.global_request_id)
        ids = [each for each in own if each and (owners[each] == 1 or each in requests)]
        # A request passes on what its caller's id ties it to; what else has two ids is tied by the first.
        graph.add_edges_from((("root", place), ("id", each)) for each in (ids if _is_request(root) else ids[:1]))
    tied: list[list[Step]] = []
    left = set(range(len(loose)))
    for place in range(len(found)):
        node = ("gathering", place)
        near = nx.node_connected_component(graph, node) if node in graph else set()
        places = left & {at for kind, at in near if kind == "root" and isinstance(at, int)}
        tied.append([loose[at] for at in sorted(places)])
        left -= places
    return tied


def _is_request(root: Step) -> bool:
    return root.kind == "http" and root.attributes.get("side") == "server" and root.request_id is not None


def _boot(number: int, gathering: Gathering, trees: Forest) -> Request:
    chapters = gathering.in_order()
    states.derive(chapters)
    instance = states.instance_of(gathering.seed, chapters)
    addresses.number(chapters, trees.casts)
    return Request(
        number=number,
        operation="boot",
        chapters=chapters,
        server=instance.name,
        uuid=instance.uuid,
        request_id=gathering.seed.request_id or chapters[0].request_id or min(gathering.ids, default=""),
        request_ids=sorted(gathering.ids),
        outcome=instance.outcome,
        host=instance.host,
    )


def _other(number: int, gathering: Gathering, trees: Forest) -> Request:
    root, chapters = gathering.seed, gathering.in_order()
    states.derive(chapters)
    addresses.number(chapters, trees.casts)
    return Request(
        number=number,
        operation=root.name,
        chapters=chapters,
        request_id=root.request_id or "",
        request_ids=sorted(gathering.ids),
        outcome="unfinished" if not root.finished else "failed" if root.error else "done",
    )


def _left_out(made: list[Request], rest: list[Step]) -> list[list[LeftOut]]:
    """For each boot the trees that began in its time and are none of it, counted by what they are."""
    starts: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for root in rest:
        starts[root.service, _what(root), root.kind].append(root.start)
    for each in starts.values():
        each.sort()
    counted = []
    for boot in made:
        start, end = boot.started, boot.started + boot.duration
        counts = {what: bisect_right(times, end) - bisect_left(times, start) for what, times in starts.items()}
        counted.append([LeftOut(*what, counts[what]) for what in sorted(counts) if counts[what]])
    return counted


def _what(root: Step) -> str:
    tables = root.attributes.get("tables")
    subject = ", ".join(str(table) for table in tables) if isinstance(tables, list) and tables else root.name
    if root.kind == "log":
        return "log lines"  # of a dozen loggers, none of them worth a line of its own
    return f"heartbeat {subject}" if _HEARTBEATS.search(subject) else subject
