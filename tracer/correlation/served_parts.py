"""Parts that a client waited for: what an API logged under the request id that its caller's answer names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from tracer.correlation.forest import Forest
from tracer.correlation.tolerances import CLOCK_RESIDUE, LATE_RECORD, STALE_ID
from tracer.model import Step

#: Programs that answer HTTP requests; a project's others log the request's id too, for messages that it sent.
_APIS = re.compile(
    r"(?:^|[\s/(])(?:nova-(?:os)?api|placement|keystone|glance|cinder-(?:os)?api|(?:neutron|quantum)(?:-server|-api)?(?=[\s)]|$))"
)


def clients(forest: Forest) -> dict[str, Step]:
    """Return the requests that were sent to an API by the id that the answer names, if no other answer names it."""
    by_id: dict[str, list[Step]] = defaultdict(list)
    for head in forest.heads:
        for step in head.walk():
            if step.is_client and step.kind == "http" and (callee := step.text("callee_request_id")):
                by_id[callee].append(step)
    return {id_: steps[0] for id_, steps in by_id.items() if len(steps) == 1}


def is_late(head: Step, client: Step, forest: Forest) -> bool:
    """Return whether an API logged a step too late for the request whose id it has.

    A thread keeps an id until it has read that of its next request, whose token it validates before.
    """
    if client.end is None or not _is_api(head, forest):
        return False
    return head.start > client.end + (LATE_RECORD if head.text("peer") == "identity" else STALE_ID)


def adopt(forest: Forest, waiting: Mapping[str, Step]) -> None:
    """Put each part of an API below the only request whose answer names the part's request id."""
    adopted = {
        part.id
        for part in forest.heads
        if part.id in forest.parts
        and (client := waiting.get(part.request_id or "")) is not None
        and _may_serve(part, client, forest)
        and forest.adopt(client, part, "request_id")
    }
    forest.heads = [head for head in forest.heads if head.id not in adopted]


def _may_serve(part: Step, client: Step, forest: Forest) -> bool:
    """Return whether the part is of an API, of the participant that was asked, and begins while it was waited for."""
    if not _is_api(part, forest) or client.text("peer") not in ("", part.service):
        return False
    end = client.end if client.end is not None else part.start
    return client.start - CLOCK_RESIDUE <= part.start <= end + CLOCK_RESIDUE


def _is_api(step: Step, forest: Forest) -> bool:
    return _APIS.search(forest.programs.get(step.process, "")) is not None
