"""Lines without a request id of their own: they belong to the request about the same instance, volume or port."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from tracer.correlation import operations, parts, subjects
from tracer.correlation.chapters import RequestChapters
from tracer.correlation.forest import Forest
from tracer.correlation.instance_events import EXTERNAL_EVENTS
from tracer.correlation.tolerances import SILENCE, SILENCE_WITH_ID
from tracer.model import Step

#: A request's start and end.
_Span = tuple[int, int, RequestChapters]


def assign(requests: list[RequestChapters], unclaimed: list[Step], forest: Forest) -> None:
    """Add each line to the only request under way that names what the line names; those that only read are none.

    So are the parts of Neutron and Cinder that are about ports and volumes of one request: until 2016 they had ids of
    their own.
    """
    named = [(root, uuids) for root in unclaimed if (uuids := _named(root, forest))]
    if not named:
        return
    spans = _spans(requests, set().union(*(uuids for _, uuids in named)))
    for root, uuids in named:
        request = _only(root, [span for uuid in uuids for span in _begun(spans.get(uuid, []), root)])
        if request is not None and (
            _is_line(root) or _is_within(root, [spans.get(uuid, []) for uuid in uuids], request)
        ):
            request.add_unclaimed(root, "instance")


def _named(root: Step, forest: Forest) -> set[str]:
    """Return the uuids in a line or a neighbour's part; empty for other trees."""
    if _is_line(root):
        return subjects.mentioned(root)
    is_neighbour = parts.is_part(root, forest) and root.service in ("network", "volume")
    return set().union(*map(subjects.about, root.walk())) if is_neighbour else set()


def _is_within(part: Step, spans: list[list[_Span]], request: RequestChapters) -> bool:
    """Return whether a request names all that a part names, and lasts until it ends: a service may keep an id."""
    return all(
        any(own is request and (part.end or part.start) <= end + SILENCE for _, end, own in named) for named in spans
    )


def _is_line(root: Step) -> bool:
    """Return whether it is a line whose request is unknown, and not of work on a timer."""
    if root.kind != "log" or root.from_hooks or operations.is_periodic(root):
        return False
    return not root.request_id or subjects.is_report(root)


def _spans(requests: list[RequestChapters], uuids: set[str]) -> dict[str, list[_Span]]:
    """Return the requests, but those that only read, by the uuids that they name; sorted by start."""
    spans: dict[str, list[_Span]] = defaultdict(list)
    for request in requests:
        if not _works_on(request.seed):
            continue
        steps = list(request.walk())
        start, end = min(step.start for step in steps), max(step.end or step.start for step in steps)
        for uuid in uuids & set().union(*map(subjects.about, steps)):
            spans[uuid].append((start, end, request))
    for own in spans.values():
        own.sort(key=lambda span: span[0])
    return spans


def _works_on(seed: Step) -> bool:
    """Return whether a request does more than to read, or to report an event."""
    return seed.text("method") not in ("GET", "HEAD") and not seed.text("path").endswith(EXTERNAL_EVENTS)


def _begun(spans: list[_Span], line: Step) -> list[_Span]:
    return spans[: bisect_right(spans, line.start + SILENCE, key=lambda span: span[0])]


def _only(line: Step, spans: list[_Span]) -> RequestChapters | None:
    """Return the only request under way at a line, else the only one that had just ended or was about to begin."""
    for tolerance in (0, SILENCE):
        near = {
            request.seed.id: request
            for start, end, request in spans
            if start - tolerance <= line.start <= end + tolerance
        }
        if near:
            return next(iter(near.values())) if len(near) == 1 else None
    return None


def groups(unclaimed: list[Step]) -> Iterator[list[Step]]:
    """Yield the lines about each instance, volume or port that belong to no request, without a long pause in them."""
    by_uuid: dict[str, list[Step]] = defaultdict(list)
    for line in unclaimed:
        if _is_line(line) and (uuid := subjects.instance_of(line) or min(subjects.about(line), default="")):
            by_uuid[uuid].append(line)
    for lines in by_uuid.values():
        group = lines[:1]
        for line in lines[1:]:
            if line.start - group[-1].start > SILENCE_WITH_ID:
                yield group
                group = []
            group.append(line)
        yield group


def request(lines: list[Step], forest: Forest, claimed: set[str]) -> RequestChapters:
    """Return a request of a group's lines, a chapter for each process."""
    by_process: dict[str, list[Step]] = defaultdict(list)
    for line in lines:
        by_process[line.process].append(line)
        claimed.add(line.id)
    first, *others = (parts.part(own, forest, "instance") for own in by_process.values())
    forest.parts.add(first.id)
    result = RequestChapters(first, first, forest, claimed)
    result.follow_casts()
    for chapter in others:
        result.add_chapter(chapter, "instance")
    return result
