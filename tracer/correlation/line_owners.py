"""Owners of lines: the only request under way that names the instance, volume or port that a line names."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

from tracer.correlation import subjects
from tracer.correlation.chapters import RequestChapters
from tracer.correlation.instance_events import EXTERNAL_EVENTS
from tracer.correlation.tolerances import SILENCE
from tracer.model import Step

#: A request's start and end.
_Span = tuple[int, int, RequestChapters]


class LineOwners:
    """The requests, but those that only read, by the uuids that they name.

    Where some change a port or volume, or name it with its instance, those that only name it do not count: a boot logs
    the ports of others in its security group.
    """

    def __init__(self, requests: list[RequestChapters], roots: Iterable[Step]) -> None:
        wanted = {name for root in roots for name in _names(root)}
        self._spans: dict[str, list[_Span]] = defaultdict(list)
        #: uuids by their beginning, as in the names of a port's interfaces
        self._by_prefix: dict[str, set[str]] = defaultdict(set)
        owned: dict[str, list[_Span]] = defaultdict(list)
        for request in requests:
            if _works_on(request.seed):
                self._add(request, wanted, owned)
        self._spans.update(owned)
        for own in self._spans.values():
            own.sort(key=lambda span: span[0])

    def _add(self, request: RequestChapters, wanted: set[str], owned: dict[str, list[_Span]]) -> None:
        steps = list(request.walk())
        span = min(step.start for step in steps), max(step.end or step.start for step in steps), request
        for known, names in ((self._spans, subjects.about), (owned, subjects.owned)):
            for uuid in set().union(*map(names, steps)):
                if uuid in wanted or uuid[: subjects.PREFIX] in wanted:
                    known[uuid].append(span)
                    self._by_prefix[uuid[: subjects.PREFIX]].add(uuid)

    def uuids(self, root: Step) -> set[str]:
        """Return the uuids in a line, those of its interfaces' ports among them."""
        ports = (self._by_prefix.get(prefix, ()) for prefix in subjects.interfaces(root))
        return subjects.mentioned(root).union(*ports)

    def knows(self, uuids: set[str]) -> bool:
        """Return whether any request names one of the uuids."""
        return any(uuid in self._spans for uuid in uuids)

    def owner(self, root: Step, uuids: set[str]) -> RequestChapters | None:
        """Return the only request that names one of the uuids and is under way at a line; None without one.

        Nor does a line of the network's services have one that names a port of another request, which may have ended.
        """
        request = _only(root, [span for uuid in uuids for span in self._begun(uuid, root)])
        return None if root.service.startswith("network") and self._names_others(uuids, request) else request

    def _names_others(self, uuids: set[str], request: RequestChapters | None) -> bool:
        spans = [self._spans[uuid] for uuid in uuids if uuid in self._spans]
        return any(all(own is not request for _, _, own in known) for known in spans)

    def is_within(self, part: Step, uuids: set[str], request: RequestChapters) -> bool:
        """Return whether a request names all that a part names, and lasts until it ends: a service may keep an id."""
        last = (part.end or part.start) - SILENCE
        named = [self._spans.get(uuid, []) for uuid in uuids]
        return all(any(own is request and last <= end for _, end, own in spans) for spans in named)

    def _begun(self, uuid: str, line: Step) -> list[_Span]:
        spans = self._spans.get(uuid, [])
        return spans[: bisect_right(spans, line.start + SILENCE, key=lambda span: span[0])]


def _names(root: Step) -> set[str]:
    """Return the uuids that a line, or what is below a part, names, and the beginnings of those of its interfaces."""
    if root.kind == "log":
        return subjects.mentioned(root) | subjects.interfaces(root)
    return set().union(*map(subjects.about, root.walk()))


def _works_on(seed: Step) -> bool:
    """Return whether a request does more than to read, or to report an event."""
    return seed.text("method") not in ("GET", "HEAD") and not seed.text("path").endswith(EXTERNAL_EVENTS)


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
