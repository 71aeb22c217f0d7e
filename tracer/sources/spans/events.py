"""Events of foreign spans: each span as the step it is of, below the span that caused it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tracer.events import Event, Events, Process
from tracer.model import Value
from tracer.model.attributes import SPAN, SPAN_PARENT
from tracer.sources.spans import own_spans
from tracer.sources.spans.conventions import Described, describe, is_http_client
from tracer.sources.spans.span import OSPROFILER, OTEL, ForeignSpan

_CONVERSATION = "messaging.message.conversation_id"


def of_spans(path: Path, spans: Iterable[ForeignSpan]) -> Events:
    """Return the events of a file's spans; a span recorded twice counts once."""
    unique = {(span.trace, span.id): span for span in spans}
    own = [span for span in unique.values() if own_spans.is_own(span)]
    foreign = _Reader(path)
    result = own_spans.events(path, own) if own else Events()
    foreign.take([span for span in unique.values() if not own_spans.is_own(span)])
    result.events += foreign.events
    result.processes += foreign.processes.values()
    return result


class _Reader:
    """The processes and events of one file's spans."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.events: list[Event] = []
        self.processes: dict[str, Process] = {}
        self._numbers: dict[str, int] = {}

    def take(self, spans: list[ForeignSpan]) -> None:
        """Add the spans, parents by the spans that remain."""
        by_id = {(span.trace, span.id): span for span in spans}
        outer = _outer_requests(by_id)
        for span in sorted(spans, key=lambda span: (span.start, -(span.end or span.start))):
            described = None if (span.trace, span.id) in outer else describe(span)
            if described is not None:
                self._add(span, described, _parent(span, by_id, outer))

    def _add(self, span: ForeignSpan, described: Described, parent: str) -> None:
        process = self._process(span)
        self._numbers[process.key] = number = self._numbers.get(process.key, 0) + 1
        witness = OSPROFILER if span.scope.startswith("osprofiler") else OTEL
        identity: dict[str, Value] = {SPAN: f"{span.trace}/{span.id}"}
        if parent:
            identity[SPAN_PARENT] = parent
        thread = span.attributes.get("thread.id")
        number_of_thread = thread if isinstance(thread, int) else 0
        self.events.append(
            Event(
                process, number, 0, described.kind, described.name, number_of_thread, span.start, span.end,
                _error(span), described.attributes | identity, (witness,),
            )
        )  # fmt: skip

    def _process(self, span: ForeignSpan) -> Process:
        resource = span.resource
        name = str(resource.get("service.name") or "unknown")
        host, instance = str(resource.get("host.name") or ""), str(resource.get("service.instance.id") or "")
        pid = resource.get("process.pid")
        number = pid if isinstance(pid, int) and 0 < pid < 1 << 31 else 0
        key = f"{self._path}: spans of {' '.join(filter(None, (name, instance or host, str(number or ''))))}"
        if key not in self.processes:
            # Without a host, all of a file's spans are taken to have one clock.
            self.processes[key] = Process(key, number, host, name)
            self.processes[key].clock = f"the spans of {self._path.name}" + (f" on {host}" if host else "")
            version = resource.get("service.version")
            if isinstance(version, str) and name.startswith("nova-"):
                self.processes[key].versions["nova"] = version
        return self.processes[key]


def _outer_requests(by_id: dict[tuple[str, str], ForeignSpan]) -> set[tuple[str, str]]:
    """Return the clients' requests that hold the same request once more: libraries record one above the other."""
    outer = set()
    for span in by_id.values():
        above = by_id.get((span.trace, span.parent))
        if above is not None and is_http_client(span) and is_http_client(above) and _within(span, above):
            outer.add((above.trace, above.id))
    for span in sorted(by_id.values(), key=lambda span: span.start):
        if (span.trace, span.parent) in outer and is_http_client(span):
            # Only the outermost knows the request id.
            conversation = by_id[span.trace, span.parent].attributes.get(_CONVERSATION)
            if conversation is not None:
                span.attributes.setdefault(_CONVERSATION, conversation)
    return outer


def _within(span: ForeignSpan, above: ForeignSpan) -> bool:
    same = span.resource == above.resource
    return same and above.start <= span.start and (above.end is None or span.end is None or span.end <= above.end)


def _parent(span: ForeignSpan, by_id: dict[tuple[str, str], ForeignSpan], outer: set[tuple[str, str]]) -> str:
    """Return the nearest span above that becomes a step, or the parent that is in another file; "" for a root."""
    parent, passed = span.parent, {span.id}
    while parent and parent not in passed:
        above = by_id.get((span.trace, parent))
        if above is None or ((above.trace, above.id) not in outer and describe(above) is not None):
            return f"{span.trace}/{parent}"
        passed.add(parent)
        parent = above.parent
    return ""


def _error(span: ForeignSpan) -> str | None:
    if span.error is None:
        return None
    for moment in span.moments:
        if moment.name == "exception":
            type_ = str(moment.attributes.get("exception.type") or "").rpartition(".")[2]
            return ": ".join(filter(None, (type_, str(moment.attributes.get("exception.message") or "")))) or None
    return span.error or None
