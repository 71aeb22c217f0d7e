"""The semantic conventions of OpenTelemetry, present and former, and osprofiler's names, read as steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from patches import masking, sql_parameters
from tracer.model import Value
from tracer.sources import values
from tracer.sources.spans.span import CLIENT, PRODUCER, SERVER, ForeignSpan

_REQUEST_ID = re.compile(r"req-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MODES = frozenset({"call", "cast", "fanout", "notify"})
_PARAMETER = "db.query.parameter."
_METHODS = ("http.request.method", "http.method")
_PATH = re.compile(r"/\S*")
#: The name of an osprofiler span over OTLP: WSGI_POST_/v2.1/servers.
_WSGI = re.compile(r"(?:WSGI|HTTP|wsgi|http)(?:_|$)")
_MAX_PARAMETERS = 200


@dataclass(slots=True)
class Described:
    """A span in the words of a step."""

    kind: str
    name: str
    attributes: dict[str, Value]


def describe(span: ForeignSpan) -> Described | None:
    """Return the step that a span is of; None for one that says nothing of a boot, such as opening a connection."""
    if statement := span.text("db.query.text", "db.statement"):
        return _sql(span, statement)
    if span.text("db.system.name", "db.system"):
        return None
    if span.text("rpc.system.name", "rpc.system") == "oslo.messaging":
        return _rpc(span)
    if span.text(*_METHODS):
        return _http(span)
    function = span.text("osprofiler.function")
    if not function and span.scope.startswith("osprofiler"):
        function = span.text("name")
    if function:
        return _profiled(span, function)
    return _call(span)


def is_http_client(span: ForeignSpan) -> bool:
    """Return whether the span is a request that its process made."""
    return bool(span.text(*_METHODS)) and span.kind == CLIENT


def _sql(span: ForeignSpan, statement: str) -> Described:
    attributes: dict[str, Value] = {"statement": masking.without_secrets(statement)}
    if database := span.text("db.namespace", "db.name"):
        attributes["database"] = database
    parameters = _parameters(span)
    if parameters:
        plan = sql_parameters.plan(statement, parameters, None)
        hidden = values.plain(list(sql_parameters.masked(parameters, plan)))
        attributes["parameters"] = values.masked(hidden)
    rows = span.attributes.get("db.response.returned_rows")
    if isinstance(rows, int):
        attributes["rows"] = rows
    return Described("sql", "", attributes)


def _parameters(span: ForeignSpan) -> list[Value]:
    profiled = span.attributes.get("osprofiler.parameters", span.attributes.get("db.params"))
    if isinstance(profiled, str):
        profiled = values.parse_json(profiled)
    if isinstance(profiled, list):
        return profiled
    named = [(name, value) for name, value in span.attributes.items() if name.startswith(_PARAMETER)]
    numbered = [(name.removeprefix(_PARAMETER), value) for name, value in named]
    if not all(name.isascii() and name.isdecimal() and len(name) < 9 for name, _ in numbered):
        return []
    return [value for _, value in sorted(numbered, key=lambda item: int(item[0]))][:_MAX_PARAMETERS]


def _rpc(span: ForeignSpan) -> Described:
    side = "client" if span.kind in (CLIENT, PRODUCER) else "server"
    method = span.text("rpc.method").rpartition("/")[2]
    attributes: dict[str, Value] = {"side": side, "method": method}
    mode = span.text("bootseq.attribute.mode", "messaging.operation.name")
    if mode in _MODES:
        attributes["mode"] = mode
    if topic := span.text("messaging.destination.name"):
        attributes["topic"] = topic
    conversation = span.text("messaging.message.conversation_id")
    request_id = span.text("openstack.request_id") or conversation
    if _REQUEST_ID.fullmatch(request_id):
        attributes["request_id"] = request_id
    if conversation and conversation != request_id:
        attributes["msg_id"] = conversation
    if unique := span.text("messaging.message.id"):
        attributes["unique_id"] = unique
    return Described("rpc", method, attributes)


def _http(span: ForeignSpan) -> Described:
    method = span.text("http.request.method_original", *_METHODS)
    side = "server" if span.kind == SERVER else "client"
    url = _split(span.text("url.full", "http.url", "http.target"))
    path = span.text("url.path", "http.path") or url[1] or _path_of_name(span.name)
    attributes: dict[str, Value] = {"side": side, "method": method, "path": values.path(path)}
    if query := span.text("url.query", "http.query") or url[2]:
        attributes["query"] = values.text(query)
    status = span.attributes.get("http.response.status_code", span.attributes.get("http.status_code"))
    if isinstance(status, int | str) and str(status).isdecimal() and len(str(status)) < 4:
        attributes["status"] = int(status)
    if side == "client" and (host := span.text("bootseq.host") or url[0]):
        attributes["host"] = host
    request_id = span.text("openstack.request_id", "messaging.message.conversation_id")
    if _REQUEST_ID.fullmatch(request_id):
        attributes["request_id"] = request_id
    return Described("http", f"{method} {path}", attributes)


def _split(url: str) -> tuple[str, str, str]:
    """Return host with port, path and query of a URL; "" for what it lacks."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "", "", ""
    return host, parts.path, parts.query


def _path_of_name(name: str) -> str:
    """Return the path in ``GET /servers``, or in osprofiler's ``WSGI_POST_/v2.1/servers``."""
    match = _PATH.search(name)
    return match[0] if match else "/"


def _profiled(span: ForeignSpan, function: str) -> Described:
    """Return the endpoint that served a message, or the function that osprofiler traced."""
    attributes = _code(function)
    name = function.rpartition(".")[2]
    if span.name == "rpc" and ".rpcapi." not in function:
        method = "" if "<locals>" in function else name
        return Described("rpc", method, attributes | {"side": "server", "method": method})
    return Described("call", _call_name(attributes) or span.name, attributes)


def _call(span: ForeignSpan) -> Described:
    function = span.text("code.function.name", "code.function")
    if namespace := span.text("code.namespace"):
        function = f"{namespace}.{function}"
    attributes = _code(function) if "." in function else {}
    if file := span.text("code.file.path", "code.filepath"):
        attributes["file"] = file
    line = span.attributes.get("code.line.number", span.attributes.get("code.lineno"))
    if isinstance(line, int):
        attributes["line"] = line
    return Described("call", _call_name(attributes) or span.name, attributes)


def _code(function: str) -> dict[str, Value]:
    """Return module, class and function of a dotted name: a class begins with a capital letter."""
    outer, dot, inner = function.partition(".<locals>")
    words = outer.split(".")
    cut = next((index for index, word in enumerate(words) if word.lstrip("_")[:1].isupper()), len(words) - 1)
    class_ = ".".join(words[cut:-1])
    return {"module": ".".join(words[:cut]), "class": class_, "function": f"{words[-1]}{dot}{inner}"}


def _call_name(attributes: dict[str, Value]) -> str:
    if not attributes.get("module"):
        return ""
    names = (str(attributes[part]) for part in ("class", "function") if attributes[part])
    return f"{attributes['module']}:{'.'.join(names)}"
