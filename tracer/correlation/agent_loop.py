"""Runs of an agent's loop, which have no request id: what one logs while it works on a port is of the port's request.

A run looks for ports that appeared or changed and works on all of them. From the first line that names a port to the
last, all of a run is of one request if no line of it names what is another's; else only the lines that name the port.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tracer.correlation import operations, subjects
from tracer.correlation.chapters import RequestChapters
from tracer.correlation.line_owners import LineOwners
from tracer.model import Step


def assign(owners: LineOwners, unclaimed: list[Step]) -> set[str]:
    """Add a chapter for the work of each run that is of one request; return the ids of the steps that are in it."""
    taken: set[str] = set()
    for run in _runs(unclaimed):
        work = _work(run, owners)
        if work is not None:
            request, roots = work
            taken.update(root.id for root in roots)
            request.add_part(roots, "port")
    return taken


def _runs(unclaimed: list[Step]) -> Iterator[list[Step]]:
    """Yield the roots of each run of a loop but the lines about the run itself, in the order of time."""
    loops = {(root.process, root.request_id) for root in unclaimed if operations.run_event(root) and root.request_id}
    runs: dict[tuple[str, str | None], list[Step]] = defaultdict(list)
    for root in unclaimed:
        loop = root.process, root.request_id
        if loop not in loops:
            continue
        event = operations.run_event(root)
        if event == "started":
            yield runs.pop(loop, [])
        if not event:
            runs[loop].append(root)
    yield from runs.values()


def _work(run: list[Step], owners: LineOwners) -> tuple[RequestChapters, list[Step]] | None:
    """Return the request whose ports alone a run works on, and the roots of the work; None where there is none."""
    request: RequestChapters | None = None
    named: list[int] = []
    for index, root in enumerate(run):
        owner = owners.owner(root, owners.uuids(root))
        is_others = owner is None and (_names_port(root) or owners.knows(owners.uuids(root)))
        if is_others or (owner is not None and request is not None and owner is not request):
            return None
        if owner is not None:
            request = owner
            named.append(index)
    return (request, run[named[0] : named[-1] + 1]) if request is not None else None


def _names_port(root: Step) -> bool:
    return root.kind == "log" and bool(subjects.about(root))
