"""Lines without a request id of their own: they belong to the request about the same instance, volume or port."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tracer.correlation import agent_loop, operations, parts, subjects
from tracer.correlation.chapters import RequestChapters
from tracer.correlation.forest import Forest
from tracer.correlation.line_owners import LineOwners
from tracer.correlation.tolerances import SILENCE_WITH_ID
from tracer.model import Step, lanes


def assign(requests: list[RequestChapters], unclaimed: list[Step], forest: Forest) -> None:
    """Add each line to the only request under way that names what the line names; those that only read are none.

    So are the parts of Neutron and Cinder that are about ports and volumes of one request: until 2016 they had ids of
    their own.
    """
    roots = [root for root in unclaimed if _is_line(root, forest.loops) or _is_neighbour(root, forest)]
    if not roots:
        return
    owners = LineOwners(requests, roots)
    taken = agent_loop.assign(owners, unclaimed)
    for root in roots:
        if root.id in taken:
            continue
        is_line = root.kind == "log"
        uuids = owners.uuids(root) if is_line else set().union(*map(subjects.about, root.walk()))
        request = owners.owner(root, uuids)
        if request is not None and (is_line or owners.is_within(root, uuids, request)):
            request.add_unclaimed(root, "instance")


def _is_neighbour(root: Step, forest: Forest) -> bool:
    """Return whether a tree is a part of Neutron or Cinder."""
    return parts.is_part(root, forest) and lanes.is_divided(lanes.family(root.service))


def _is_line(root: Step, loops: set[str]) -> bool:
    """Return whether it is a line whose request is unknown, and not of work on a timer; ``loops``: ids of loops."""
    if root.kind != "log" or root.from_hooks or operations.is_periodic(root) or operations.run_event(root):
        return False
    return not root.request_id or root.request_id in loops or subjects.is_report(root)


def groups(unclaimed: list[Step]) -> Iterator[list[Step]]:
    """Yield the lines about each instance, volume or port that belong to no request, without a long pause in them."""
    by_uuid: dict[str, list[Step]] = defaultdict(list)
    for line in unclaimed:
        if _is_line(line, set()) and (uuid := subjects.instance_of(line) or min(subjects.about(line), default="")):
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
