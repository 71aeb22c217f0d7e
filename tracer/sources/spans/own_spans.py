"""Spans that ``bootseq export`` wrote, read back as the events that their steps were made of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from patches import masking
from tracer.events import Event, Events, Process
from tracer.model import Value
from tracer.model.attributes import SPAN, SPAN_PARENT
from tracer.model.service_names import PROGRAMS
from tracer.sources import values
from tracer.sources.spans.span import ForeignSpan, Moment

_PLAIN, _JSON, _PARAMETER = "bootseq.attribute.", "bootseq.json.", "db.query.parameter."
#: Attributes of the conventions, and those of steps that they were made from.
_NAMES = {
    "code.file.path": "file", "code.line.number": "line", "bootseq.code.module": "module",
    "bootseq.code.class": "class", "http.response.status_code": "status", "user_agent.original": "user_agent",
    "http.route": "route", "url.path": "path", "url.query": "query", "service.peer.name": "peer",
    "messaging.message.id": "unique_id", "messaging.message.conversation_id": "msg_id",
    "messaging.destination.name": "topic", "db.namespace": "database", "db.query.text": "statement",
    "db.response.returned_rows": "rows", "process.command_args": "arguments", "process.exit.code": "exit_code",
    "bootseq.handoff.via": "via", "bootseq.handoff.waited_ns": "waited", "log.logger": "logger", "log.level": "level",
    "log.message": "message",
}  # fmt: skip
_SENDERS = ("client", "producer")
_ADDRESS = "bootseq.address"


def is_own(span: ForeignSpan) -> bool:
    """Return whether bootseq exported the span."""
    return span.scope == "bootseq" and _ADDRESS in span.attributes


def events(path: Path, spans: Iterable[ForeignSpan]) -> Events:
    """Return the events of exported spans and of the notes in them."""
    result = Events()
    reader = _Reader(path, result)
    for span in sorted(spans, key=lambda span: (_trace(span), _sort_key(span.text(_ADDRESS)))):
        reader.take(span)
    result.processes = list(reader.processes.values())
    return result


class _Reader:
    def __init__(self, path: Path, result: Events) -> None:
        self._path = path
        self._result = result
        self.processes: dict[str, Process] = {}
        #: by trace and address: an event's process and number
        self._numbers: dict[tuple[str, str], tuple[str, int]] = {}
        self._last: dict[str, int] = {}

    def take(self, span: ForeignSpan) -> None:
        """Add the span's event, then those of its notes; parents before their children."""
        attributes = span.attributes
        process = self._process(span.resource)
        end = attributes.get("bootseq.end", span.end)
        self._add(
            span, process, attributes, span.start,
            None if attributes.get("bootseq.unfinished") in (True, "true") else end if isinstance(end, int) else None,
            span.name, span.error or None,
        )  # fmt: skip
        for moment in span.moments:
            if _ADDRESS in moment.attributes:
                self._take_note(span, moment)

    def _take_note(self, span: ForeignSpan, moment: Moment) -> None:
        attributes, resource = moment.attributes, span.resource
        if "bootseq.service" in attributes:
            names = ("bootseq.service", "host.name", "process.pid")
            resource = resource | {name: attributes.get(name) for name in names}
        end = attributes.get("bootseq.end", moment.time)
        unfinished = attributes.get("bootseq.unfinished") in (True, "true")
        error = attributes.get("bootseq.error")
        self._add(
            span, self._process(resource), attributes, moment.time,
            end if isinstance(end, int) and not unfinished else None, "", str(error) if error else None,
        )  # fmt: skip

    def _add(
        self, span: ForeignSpan, process: Process, attributes: dict[str, Value], start: int, end: int | None,
        name: str, error: str | None,
    ) -> None:  # fmt: skip
        address = str(attributes[_ADDRESS])
        self._last[process.key] = number = self._last.get(process.key, 0) + 1
        trace = _trace(span)
        self._numbers[trace, address] = (process.key, number)
        above = self._numbers.get((trace, _parent(address)))
        kind = str(attributes.get("bootseq.kind") or "call")
        own = _attributes(kind, span, attributes)
        recorded = attributes.get("bootseq.witnesses")
        witnesses = tuple(map(str, recorded)) if isinstance(recorded, list) and recorded else ("hooks",)
        # What no hook recorded is numbered again, so that its parent is named by its span.
        parent = above[1] if above is not None and above[0] == process.key and "hooks" in witnesses else 0
        if above is not None and not parent:
            own[SPAN_PARENT] = f"{trace}/{_parent(address)}"
        own[SPAN] = f"{trace}/{address}"
        thread = attributes.get("thread.id")
        self._result.events.append(
            Event(
                process, number, parent, kind, str(attributes.get("bootseq.name", name)),
                thread if isinstance(thread, int) else 0, start, end, error, own,
                witnesses,
                str(attributes.get("bootseq.tied_by") or ""),
            )
        )  # fmt: skip

    def _process(self, resource: dict[str, Value]) -> Process:
        service = str(resource.get("bootseq.service") or resource.get("service.name") or "")
        host, pid = str(resource.get("host.name") or ""), resource.get("process.pid")
        number = pid if isinstance(pid, int) and pid > 0 else 0
        key = f"{self._path}: {service} {host} {number}"
        if key not in self.processes:
            self.processes[key] = Process(key, number, host, PROGRAMS.get(service, service), clock=str(self._path))
        return self.processes[key]


def _attributes(kind: str, span: ForeignSpan, attributes: dict[str, Value]) -> dict[str, Value]:
    result: dict[str, Value] = {_NAMES[name]: value for name, value in attributes.items() if name in _NAMES}
    for name, value in attributes.items():
        if name.startswith(_PLAIN):
            result[name.removeprefix(_PLAIN)] = value
        elif name.startswith(_JSON) and isinstance(value, str):
            result[name.removeprefix(_JSON)] = values.masked(_json(value), name.removeprefix(_JSON))
    if isinstance(statement := result.get("statement"), str):
        result["statement"] = masking.without_secrets(statement)
    function = str(attributes.get("code.function.name") or "")
    if function:
        outer = ".".join(filter(None, (str(result.get("module") or ""), str(result.get("class") or ""))))
        result["function"] = function.removeprefix(f"{outer}.") if outer else function
    changes = result.get("changes")
    if kind == "state" and isinstance(changes, dict):
        # As hooks record them: the earlier values are derived.
        result["changes"] = {
            column: change[-1] if isinstance(change, list) and change else change for column, change in changes.items()
        }
    if kind in ("http", "rpc"):
        result["side"] = "client" if span.kind in _SENDERS else "server"
    if kind == "http":
        result |= _request(attributes, result)
    if parameters := _parameters(attributes):
        is_list = all(name.isdecimal() for name in parameters)
        result["parameters"] = list(parameters.values()) if is_list else {**parameters}
    for name in ("request_id", "global_request_id"):
        if value := attributes.get(f"openstack.{name}"):
            result[name] = value
    return result


def _request(attributes: dict[str, Value], result: dict[str, Value]) -> dict[str, Value]:
    method = attributes.get("http.request.method_original", attributes.get("http.request.method"))
    own: dict[str, Value] = {"method": method}
    end = "server" if result["side"] == "client" else "client"
    if address := attributes.get(f"{end}.address"):
        text = f"[{address}]" if ":" in str(address) else str(address)
        port = attributes.get(f"{end}.port")
        own["host" if end == "server" else "peer_address"] = f"{text}:{port}" if port is not None else text
    if end == "server" and isinstance(url := attributes.get("url.full"), str):
        path, question, query = url.partition("://")[2].partition("?")
        own["path"] = "/" + path.partition("/")[2]
        if question:
            own["query"] = query
    return own


def _parameters(attributes: dict[str, Value]) -> dict[str, Value]:
    """Return a statement's parameters by name or index, with their types."""
    texts = {name.removeprefix(_PARAMETER): value for name, value in attributes.items() if name.startswith(_PARAMETER)}
    types = str(attributes.get("bootseq.parameter_types") or "").ljust(len(texts), "t")
    return {
        name: _json(value) if type_ == "j" and isinstance(value, str) else value
        for (name, value), type_ in zip(texts.items(), types, strict=False)
    }


def _json(text: str) -> Value:
    try:
        return values.plain(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _trace(span: ForeignSpan) -> str:
    """Return the request's own trace, also of one that was exported into another."""
    return span.text("bootseq.trace") or span.trace


def _parent(address: str) -> str:
    return address[: max(address.rfind("-"), address.rfind("/"), 0)]


def _sort_key(address: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in address.replace("/", "-").split("-"))
