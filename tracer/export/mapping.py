"""The mapping from a request's steps to spans, with their notes, links, errors and ids."""

from __future__ import annotations

import re

from tracer.export.conventions import describe
from tracer.export.existing import ExistingTrace
from tracer.export.spans import MAX_TIME, Kind, Note, Resource, Scalar, Span, SpanTree, span_id, trace_id
from tracer.export.values import further, text
from tracer.model import Request, Step
from tracer.model.service_names import PROGRAMS

#: Kinds of steps that have no duration; without children they become notes of the span they happened in.
_MOMENTS = {"log": "log", "ask": "bootseq.ask", "state": "bootseq.state"}
_CODE = {"file": "code.file.path", "line": "code.line.number", "function": "code.function.name"}
_NAMED = {"logger": "log.logger", "level": "log.level", "message": "log.message"}
_OF_NOTE = _NAMED | _CODE
#: The package whose release is a service's.
_PACKAGES = {
    "API": "nova", "conductor": "nova", "scheduler": "nova", "compute": "nova", "placement": "openstack.placement",
    "identity": "keystone", "image": "glance", "network": "neutron", "volume": "cinder",
}  # fmt: skip
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
#: The exception at the beginning of an error's text.
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]{0,199}(?=:|\Z)")


def span_tree(request: Request, existing: ExistingTrace | None = None) -> SpanTree:
    """Return a request's steps as spans, in a trace of their own or in one that exists."""
    return _Mapping(request, existing).tree()


class _Mapping:
    def __init__(self, request: Request, existing: ExistingTrace | None) -> None:
        self._request = request
        self._existing = existing
        # Requests may share an existing trace: ids of spans, and the import, tell them apart by this.
        self._own = trace_id(request)
        self._trace = existing.trace if existing is not None else self._own
        self._resources: dict[tuple[str, str, int], Resource] = {}
        self._last = max((step.end or step.start for step in request.walk()), default=0)

    def tree(self) -> SpanTree:
        """Return the spans, linked to their parents and to the senders of casts."""
        spans: dict[str, Span] = {}
        for chapter in self._request.chapters:
            stack: list[tuple[Step, Span | None]] = [(chapter, None)]
            while stack:
                step, parent = stack.pop()
                if parent is not None and step.kind in _MOMENTS and not step.children:
                    parent.notes.append(_note(step, parent.resource))
                    continue
                span = self._span(step, parent)
                spans[step.address] = span
                stack.extend((child, span) for child in reversed(step.children))
        for span in spans.values():
            opener = spans.get(span.step.opened_by)
            if span.parent is None and opener is not None:
                span.opener = opener
        tree = SpanTree(self._request, self._trace, list(spans.values()))
        self._describe_request(tree)
        if self._existing is not None:
            self._join(tree, self._existing)
        return tree

    def _join(self, tree: SpanTree, existing: ExistingTrace) -> None:
        for span in tree.spans:
            span.attributes = {**span.attributes, "bootseq.trace": self._own.hex()}
        if tree.spans:
            tree.spans[0].foreign_parent = existing.span

    def _span(self, step: Step, parent: Span | None) -> Span:
        description = describe(step)
        start = min(max(step.start, 0), MAX_TIME)
        end = min(max(self._last if step.end is None else step.end, start + 1), MAX_TIME + 1)
        failure, error_type = _failure(step, description.kind)
        span = Span(
            step, self._trace, span_id(self._own, step.address), description.name or step.kind, description.kind,
            start, end, description.attributes | _common(step, description.name, end, error_type),
            self._resource(step), parent, failure=failure,
        )  # fmt: skip
        if parent is not None:
            parent.children.append(span)
        return span

    def _resource(self, step: Step) -> Resource:
        key = (step.service, step.host, step.pid)
        if key not in self._resources:
            service, host = text(step.service), text(step.host)
            version = text(self._request.versions.get(_PACKAGES.get(service, ""), ""))
            self._resources[key] = Resource(
                service, host, step.pid, PROGRAMS.get(service, service or "unknown"), version
            )
        return self._resources[key]

    def _describe_request(self, tree: SpanTree) -> None:
        """Add what is known of the request to its first span."""
        if not tree.spans:
            return
        request = self._request
        names = {
            "openstack.instance.id": request.uuid, "bootseq.operation": request.operation,
            "bootseq.server": request.server, "bootseq.instance_host": request.host, "bootseq.outcome": request.outcome,
        }  # fmt: skip
        first = tree.spans[0]
        first.attributes = {**first.attributes, **{name: text(value) for name, value in names.items() if value}}


def _common(step: Step, name: str, end: int, error_type: str) -> dict[str, Scalar | list[str]]:
    attributes: dict[str, Scalar | list[str]] = {"bootseq.address": step.address, "bootseq.kind": step.kind}
    if step.name != name:
        attributes["bootseq.name"] = text(step.name)
    if step.request_id:
        attributes["openstack.request_id"] = text(step.request_id)
    if step.global_request_id:
        attributes["openstack.global_request_id"] = text(step.global_request_id)
    if 0 < step.thread <= MAX_TIME:
        attributes["thread.id"] = step.thread
    if step.witnesses != ("hooks",):
        attributes["bootseq.witnesses"] = [text(witness) for witness in step.witnesses]
    if step.tied_by:
        attributes["bootseq.tied_by"] = text(step.tied_by)
    if step.end is None:
        attributes["bootseq.unfinished"] = True
    elif end != step.end and abs(step.end) <= MAX_TIME:
        attributes["bootseq.end"] = step.end
    if error_type:
        attributes["error.type"] = error_type
    return attributes


def _failure(step: Step, kind: Kind) -> tuple[str | None, str]:
    """Return the text of the step's error, None without one, and its type."""
    status = step.attributes.get("status") if step.kind == "http" else None
    failed = isinstance(status, int) and status >= (_SERVER_ERROR if kind == Kind.SERVER else _CLIENT_ERROR)
    if step.error:
        exception = _EXCEPTION.match(step.error)
        return text(step.error), text(exception[0]) if exception else str(status) if failed else "_OTHER"
    return ("", str(status)) if failed else (None, "")


def _note(step: Step, resource: Resource) -> Note:
    attributes: dict[str, Scalar | list[str]] = {}
    for own, name in _OF_NOTE.items():
        value = step.attributes.get(own)
        if isinstance(value, str) and value:
            attributes[name] = text(value)
        elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TIME:
            attributes[name] = value
    used = {own for own, name in _OF_NOTE.items() if name in attributes}
    if step.kind == "state":
        attributes |= _state(step)
    attributes |= further(step.attributes, used) | _common(step, "", step.start, "")
    if step.error:
        attributes["bootseq.error"] = text(step.error)
    if (step.service, step.host, step.pid) != (resource.service, resource.host, resource.pid):
        attributes |= {"bootseq.service": text(step.service), "host.name": text(step.host), "process.pid": step.pid}
    return Note(step, _MOMENTS[step.kind], min(max(step.start, 0), MAX_TIME), attributes)


def _state(step: Step) -> dict[str, Scalar | list[str]]:
    """Return a change of state as people read it: ``building → active``."""
    result: dict[str, Scalar | list[str]] = {}
    if instance := step.text("instance"):
        result["openstack.instance.id"] = text(instance)
    changes = step.attributes.get("changes")
    for column, change in changes.items() if isinstance(changes, dict) else ():
        if isinstance(change, list):
            result[f"bootseq.state.{text(column)}"] = " → ".join(text(str(value)) for value in change)
    return result
