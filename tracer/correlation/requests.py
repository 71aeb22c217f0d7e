"""Requests: which trees make which boot or other request, by the step that asked for it, its casts, and request ids."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass

import networkx as nx

from tracer.correlation import instance_events, instance_lines, operations, parts, port_work
from tracer.correlation.chapters import RequestChapters
from tracer.correlation.forest import Forest
from tracer.model import LeftOut, Request, Step
from tracer.model.patterns import SERVICE_REPORTS

_SERVERS = re.compile(r"/(servers|os-volumes_boot)/?$")
#: Messages that begin a boot where neither the client nor the API was traced.
_BUILDS = ("schedule_and_build_instances", "build_instances", "build_and_run_instance", "run_instance")
#: Functions of a client's shell, around every command.
_SHELLS = ("osc_lib.shell:", "osc_lib.command.", "novaclient.shell:")
_HEARTBEATS = re.compile(rf"{SERVICE_REPORTS}|^services$")


@dataclass(slots=True)
class Requests:
    """The requests of a forest: boots, then others, each numbered in the order of their starts."""

    boots: list[Request]
    others: list[Request]
    #: The step that asked for the instance, of each boot.
    seeds: list[Step]
    #: Roots of the trees that belong to no boot.
    outside: list[Step]

    @property
    def all(self) -> list[Request]:
        """Boots and others."""
        return [*self.boots, *self.others]


def group(forest: Forest) -> Requests:
    """Return the requests with their chapters in order; moves trees that only ids assign to a request into it."""
    claimed: set[str] = set()
    seeds = _seeds(forest)
    boots = [
        RequestChapters(seed, head, forest, claimed) for seed, head in zip(seeds, _heads(seeds, forest), strict=True)
    ]
    _collect(boots, forest, claimed)
    outside = _unclaimed(forest, claimed)
    others = [
        RequestChapters(root, root, forest, claimed)
        for root in outside
        if _was_received(root, forest) and not port_work.is_work(root)
    ]
    _collect(others, forest, claimed)
    outside = _assign_port_work([*boots, *others], outside, forest, claimed)
    others += _left_over(forest, claimed)
    others += _unreceived([*boots, *others], forest, claimed)
    boots_by_uuid, others_by_uuid = _by_uuid(forest, claimed)
    boots, others = sorted([*boots, *boots_by_uuid], key=_start), sorted([*others, *others_by_uuid], key=_start)
    return Requests(
        [_boot(number, chapters) for number, chapters in enumerate(boots, 1)],
        [_other(number, chapters) for number, chapters in enumerate(others, len(boots) + 1)],
        [boot.seed for boot in boots],
        outside,
    )


def _start(request: RequestChapters) -> int:
    return request.seed.start


def _assign_port_work(
    requests: list[RequestChapters], outside: list[Step], forest: Forest, claimed: set[str]
) -> list[Step]:
    """Add work on ports to the requests that own them; return those of the roots ``outside`` that it is not in."""
    if not port_work.assign(requests, _unclaimed(forest, claimed), forest):
        return outside
    # What was served for it has ids that are the requests' as well.
    _assign_events_and_ids(requests, forest, claimed)
    for request in requests:
        request.sort()
    heads = {chapter.id for request in requests for chapter in request.chapters if chapter.tied_by == "port"}
    return [root for root in outside if root.id not in heads]


def _left_over(forest: Forest, claimed: set[str]) -> list[RequestChapters]:
    """Return a request for each tree of work on ports that sent messages and belongs to no other."""
    roots = [root for root in _unclaimed(forest, claimed) if _was_received(root, forest)]
    requests = [RequestChapters(root, root, forest, claimed) for root in roots]
    _collect(requests, forest, claimed)
    return requests


def _unreceived(known: list[RequestChapters], forest: Forest, claimed: set[str]) -> list[RequestChapters]:
    """Return a request for each id under which something was logged, and which is no id of a known request."""
    ids = {id_ for request in known for id_ in request.ids}
    roots = parts.firsts(_unclaimed(forest, claimed), forest, ids)
    requests = [RequestChapters(root, root, forest, claimed) for root in roots]
    _collect(requests, forest, claimed)
    # What is left has an id of several requests.
    forest.dissolve([head for head in _unclaimed(forest, claimed) if parts.is_part(head, forest)])
    return requests


def _by_uuid(forest: Forest, claimed: set[str]) -> tuple[list[RequestChapters], list[RequestChapters]]:
    """Return boots, then other requests, of the lines without a request id that name an instance, volume or port."""
    boots: list[RequestChapters] = []
    others: list[RequestChapters] = []
    for lines in instance_lines.groups(_unclaimed(forest, claimed)):
        request = instance_lines.request(lines, forest, claimed)
        (boots if operations.is_build(lines) else others).append(request)
    return boots, others


def _seeds(forest: Forest) -> list[Step]:
    """Return the steps that ask for an instance: the API's, else the client's, else the first message to build it."""
    posts = [step for head in forest.heads for step in head.walk() if _asks_for_instance(step)]
    outer = {ancestor.id for step in posts for ancestor in forest.ancestors(step)}
    seeds = [step for step in posts if step.id not in outer]
    known = {id_ for step in seeds for id_ in (step.request_id, step.text("callee_request_id")) if id_}
    for head in forest.heads:
        if head.name not in _BUILDS or head.kind != "rpc" or not _may_seed(head):
            continue
        # Its sender is known, or who asked for it is: one request, whose middle was not traced.
        if head.id in forest.senders or head.id in outer or head.request_id in known:
            continue
        seeds.append(head)
        known |= {head.request_id} if head.request_id else set()
    seeds += parts.of_builds(forest, known)
    return sorted(seeds, key=lambda step: step.start)


def _may_seed(head: Step) -> bool:
    """Return whether the message was received here, or only the broker saw it being sent."""
    return head.is_server or head.witnesses == ("broker",)


def _asks_for_instance(step: Step) -> bool:
    return step.kind == "http" and step.text("method") == "POST" and _SERVERS.search(step.text("path")) is not None


def _heads(seeds: list[Step], forest: Forest) -> list[Step]:
    """Return the highest step above each seed that no other seed shares, cut off from what they share."""
    shared = Counter(ancestor.id for seed in seeds for ancestor in forest.ancestors(seed))
    heads = []
    for seed in seeds:
        head = seed
        for ancestor in forest.ancestors(seed):
            if shared[ancestor.id] > 1:
                break
            head = ancestor
        heads.append(head)
    for head in heads:
        if head.id in forest.parents:
            forest.cut(head)
    return heads


def _has_messages(root: Step) -> bool:
    """Return whether a message was sent or served in a tree: what only computed is no request."""
    return any(step.kind in ("http", "rpc") for step in root.walk())


def _was_received(root: Step, forest: Forest) -> bool:
    return _has_messages(root) and root.id not in forest.parts


def _unclaimed(forest: Forest, claimed: set[str]) -> list[Step]:
    return [head for head in forest.heads if head.id not in forest.senders and head.id not in claimed]


def _collect(requests: list[RequestChapters], forest: Forest, claimed: set[str]) -> None:
    """Add each request's chapters: what its casts open, events of its instance, trees that ids assign to it alone."""
    for request in requests:
        request.follow_casts()
    _assign_events_and_ids(requests, forest, claimed)
    if forest.parts:
        # Only the parts say how long a request lasted, and which instance it was about.
        _assign_events_and_ids(requests, forest, claimed)
    instance_lines.assign(requests, _unclaimed(forest, claimed), forest)
    for request in requests:
        request.sort()


def _assign_events_and_ids(requests: list[RequestChapters], forest: Forest, claimed: set[str]) -> None:
    instance_events.assign(requests, _unclaimed(forest, claimed))
    unclaimed = _unclaimed(forest, claimed)
    for request, roots in zip(requests, _linked_by_ids(requests, unclaimed), strict=True):
        for root in roots:
            request.add_unclaimed(root, "request_id")


def _linked_by_ids(requests: list[RequestChapters], unclaimed: list[Step]) -> list[list[Step]]:
    """Return for each request the unclaimed roots that ids link to it: a graph of both, with the ids in between."""
    owners = Counter(id_ for request in requests for id_ in request.ids)
    served = {root.request_id for root in unclaimed if _is_request(root)}
    graph: nx.Graph[tuple[str, object]] = nx.Graph()
    for index, request in enumerate(requests):
        # An id that two share (a client's own for all it asks) links to neither.
        graph.add_edges_from((("request", index), ("id", id_)) for id_ in request.ids if owners[id_] == 1)
    for index, root in enumerate(unclaimed):
        ids = [id_ for id_ in (root.request_id, root.global_request_id) if id_ and (owners[id_] == 1 or id_ in served)]
        # A request passes on its caller's id; anything else with two ids is linked by the first.
        graph.add_edges_from((("root", index), ("id", id_)) for id_ in (ids if _is_request(root) else ids[:1]))
    linked: list[list[Step]] = []
    rest = set(range(len(unclaimed)))
    for index in range(len(requests)):
        node = ("request", index)
        component = nx.node_connected_component(graph, node) if node in graph else set()
        roots = rest & {number for kind, number in component if kind == "root" and isinstance(number, int)}
        linked.append([unclaimed[number] for number in sorted(roots)])
        rest -= roots
    return linked


def _is_request(root: Step) -> bool:
    return root.kind == "http" and root.is_server and root.request_id is not None


def _boot(number: int, chapters: RequestChapters) -> Request:
    """Return the boot without its instance, which only the states name."""
    return Request(
        number=number,
        operation="boot",
        chapters=chapters.chapters,
        request_id=chapters.seed.request_id or chapters.chapters[0].request_id or min(chapters.ids, default=""),
        request_ids=sorted(chapters.ids),
    )


def _other(number: int, chapters: RequestChapters) -> Request:
    root = chapters.seed
    return Request(
        number=number,
        operation=_operation(root, chapters),
        chapters=chapters.chapters,
        request_id=root.request_id or "",
        request_ids=sorted(chapters.ids),
        outcome=_outcome(chapters),
    )


def _operation(root: Step, chapters: RequestChapters) -> str:
    """Return the name of what was asked for; of a message whose method is unknown, its mode and topic."""
    if root.name == parts.NAME:
        operation = operations.operation(chapters.walk())
        return f"{operation}: {parts.NAME} of {root.service}".removeprefix(": ")
    if root.name or root.kind != "rpc":
        return _command(root).name or root.kind
    topic = root.text("topic") or root.text("peer")
    return f"rpc.{root.mode or 'call'}()" + (f" to {topic}" if topic else "")


def _command(root: Step) -> Step:
    """Return the step of a client's command below the steps of its shell; any other step itself."""
    if not root.name.startswith(_SHELLS):
        return root
    return next((step for step in root.walk() if step.kind == "call" and not step.name.startswith(_SHELLS)), root)


def _outcome(chapters: RequestChapters) -> str:
    """Return how a request ended that creates no instance: by its answer, else by the errors of its chapters."""
    root = chapters.seed
    if root.name == parts.NAME:
        # Its answer was not logged; that something in it failed may have been.
        return "failed" if any(step.text("level") in ("ERROR", "CRITICAL") for step in chapters.walk()) else "unknown"
    status = root.attributes.get("status")
    if isinstance(status, int) and status >= 400:
        return f"error: HTTP {status}"
    if not root.finished:
        return "unfinished"
    if root.kind == "http" and status is None and root.witnesses == ("logs",):
        return "unknown"
    return "failed" if any(chapter.error for chapter in chapters.chapters) else "done"


def count_left_out(requests: Requests) -> None:
    """Set ``left_out`` of each boot: the trees that began in its time and belong to none, counted by subject."""
    starts: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for root in requests.outside:
        starts[root.service, _subject(root), root.kind].append(root.start)
    for times in starts.values():
        times.sort()
    for boot in requests.boots:
        start, end = boot.started, boot.started + boot.duration
        counts = {key: bisect_right(times, end) - bisect_left(times, start) for key, times in starts.items()}
        boot.left_out = [LeftOut(*key, counts[key]) for key in sorted(counts) if counts[key]]


def _subject(root: Step) -> str:
    tables = root.attributes.get("tables")
    subject = ", ".join(str(table) for table in tables) if isinstance(tables, list) and tables else root.name
    if root.kind == "log":
        return "log lines"  # of a dozen loggers, none of them worth a line of its own
    return f"heartbeat {subject}" if _HEARTBEATS.search(subject) else subject
