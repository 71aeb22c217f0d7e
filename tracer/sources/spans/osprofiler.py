"""osprofiler: pairs of records, start and stop, as spans; raw records, ``trace show --json`` and its HTML report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tracer.model import Value
from tracer.sources import values
from tracer.sources.logs.blocks import Buffer, lines
from tracer.sources.spans.span import (
    CLIENT,
    INTERNAL,
    SERVER,
    ForeignSpan,
    InvalidSpanError,
    attribute,
    identifier,
    mapping,
    word,
)

#: What precedes the JSON in the HTML report.
REPORT = b"var OSProfilerData = "
_PAYLOAD = "meta.raw_payload."
_KINDS = {"wsgi": SERVER, "http": CLIENT, "db": CLIENT, "neutron.db": CLIENT}
_START, _STOP = "-start", "-stop"


@dataclass(slots=True)
class _Record:
    """A record of a driver: the start or the stop of a span."""

    name: str
    trace: str
    id: str
    parent: str
    time: int
    info: dict[str, Value]
    service: str


def of_lines(data: Buffer) -> Iterator[ForeignSpan | None]:
    """Yield the spans of raw records as JSON lines."""
    yield from _spans(values.parse_json(line) for line in lines(data) if line.strip())


def of_document(document: dict[str, Any]) -> Iterator[ForeignSpan | None]:
    """Yield the spans of a shown trace, whose nodes hold the raw records."""
    yield from _spans(_raw_records(document))


def document_of_report(text: bytes) -> Any:
    """Return the JSON value inside an HTML report, None without one."""
    start = text.find(REPORT)
    if start < 0:
        return None
    try:
        return json.JSONDecoder().raw_decode(text[start + len(REPORT) :].decode("utf-8", "replace").lstrip())[0]
    except (ValueError, RecursionError):
        return None


def _raw_records(document: dict[str, Any]) -> Iterator[Any]:
    pending: list[Any] = [document]
    while pending:
        node = pending.pop()
        info = node.get("info") if isinstance(node, dict) else None
        if not isinstance(info, dict):
            yield None
            continue
        yield from (value for key, value in info.items() if key.startswith(_PAYLOAD))
        children = node.get("children")
        pending.extend(children if isinstance(children, list) else ())


def _spans(records: Iterator[Any]) -> Iterator[ForeignSpan | None]:
    starts: dict[str, _Record] = {}
    stops: dict[str, _Record] = {}
    for raw in records:
        try:
            record = _record(mapping(raw) if raw is not None else None)
        except InvalidSpanError:
            yield None
            continue
        (starts if record.name.endswith(_START) else stops).setdefault(record.id, record)
    for id_, start in starts.items():
        yield _span(start, stops.get(id_), starts.get(start.parent))


def _record(raw: dict[str, Any] | None) -> _Record:
    if raw is None:
        raise InvalidSpanError("not a record")
    name, info = word(raw.get("name")), raw.get("info", raw.get("data"))
    if not name.endswith((_START, _STOP)):
        raise InvalidSpanError("neither a start nor a stop")
    # The driver of redis writes it as Python does; that of a database as JSON in ``data``.
    plain = _info(info) if isinstance(info, str) else values.plain(info)
    parsed = values.masked(plain)
    if isinstance(plain, dict) and isinstance(parsed, dict):
        _restore_statement(parsed.get("db"), plain.get("db"))
    return _Record(
        name, identifier(raw.get("base_id")), identifier(raw.get("trace_id")), identifier(raw.get("parent_id")),
        _time(word(raw.get("timestamp"))), parsed if isinstance(parsed, dict) else {},
        _service(word(raw.get("project")), word(raw.get("service"))),
    )  # fmt: skip


def _info(text: str) -> Value:
    parsed = values.parse_json(text)
    return parsed if isinstance(parsed, dict) else values.parse_literal(text)


def _restore_statement(masked: Value, plain: Value) -> None:
    """Keep a statement whole, as an attribute is; its secrets are masked as a statement's."""
    if isinstance(masked, dict) and isinstance(plain, dict):
        masked["statement"] = attribute("db.statement", plain.get("statement"))


def _service(project: str, service: str) -> str:
    """Return a service's name with its project: nova-osapi_compute."""
    return service if not project or service.startswith(project) else f"{project}-{service}"


def _time(text: str) -> int:
    """Return a time in UTC, which the text does not say, in nanoseconds."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidSpanError("not a time") from None
    moment = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    nanoseconds = ((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds) * 1000
    if not 0 < nanoseconds < 1 << 63:
        raise InvalidSpanError("a time out of range")
    return nanoseconds


def _span(start: _Record, stop: _Record | None, above: _Record | None) -> ForeignSpan:
    name = start.name.removesuffix(_START)
    info = start.info
    answer = stop.info if stop is not None else {}
    attributes: dict[str, Value] = {}
    if isinstance(sql := info.get("db"), dict):
        attributes |= {"db.query.text": sql.get("statement"), "osprofiler.parameters": sql.get("params")}
    elif isinstance(request := info.get("request") or info.get("requests"), dict):
        attributes |= _request(request, answer.get("requests"))
    elif isinstance(function := info.get("function"), dict):
        attributes["osprofiler.function"] = _function(function, above)
        attributes["osprofiler.kwargs"] = function.get("kwargs")
    error = None
    if kind := answer.get("etype"):
        error = f"{kind}: {answer.get('message') or ''}".rstrip(": ")
    host = info.get("host")
    resource: dict[str, Value] = {"service.name": start.service, "host.name": host if isinstance(host, str) else ""}
    return ForeignSpan(
        start.trace, start.id, "" if start.parent == start.trace else start.parent, name,
        SERVER if name == "rpc" and ".rpcapi." not in str(attributes.get("osprofiler.function")) else
        _KINDS.get(name, INTERNAL), start.time, stop.time if stop is not None else None, attributes, resource,
        "osprofiler", error,
    )  # fmt: skip


def _request(request: dict[str, Value], answer: Value) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        "http.request.method": request.get("method"), "url.path": request.get("path"), "url.query": request.get("query")
    }  # fmt: skip
    if request.get("hostname"):
        attributes["bootseq.host"] = f"{request['hostname']}:{request.get('port')}"
    status = answer.get("status_code") if isinstance(answer, dict) else None
    if isinstance(status, int):
        attributes["http.response.status_code"] = status
    return attributes


def _function(function: dict[str, Value], above: _Record | None) -> str:
    """Return the function; one inside a decorator has the name of the method that the client above it calls."""
    name = str(function.get("name") or "")
    if "<locals>" not in name or above is None:
        return name
    caller = above.info.get("function")
    called = str(caller.get("name") or "") if isinstance(caller, dict) else ""
    endpoint = str(function.get("args") or "").removeprefix("(<").partition(" object at ")[0]
    return f"{endpoint}.{called.rpartition('.')[2]}" if ".rpcapi." in called and "." in endpoint else name
