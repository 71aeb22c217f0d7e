"""The semantic conventions of OpenTelemetry 1.44: the name, kind and attributes of a step as a span.

``docs/interchange.md`` has the table. Attributes without a convention have names of bootseq's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tracer.export.spans import Kind, Scalar
from tracer.export.values import as_text, further, text
from tracer.model import Step, Value
from tracer.notation import scrub

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"

#: The methods that http.request.method may hold.
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
#: The longest db.query.summary.
_MAX_SUMMARY = 255
_CODE = ("module", "class", "function", "file", "line")
#: Paths and functions whose words are known: a boot repeats them.
_CACHED = 4096
_Attributes = dict[str, Scalar | list[str]]


@dataclass(slots=True)
class Description:
    """A step in the words of the conventions."""

    name: str
    kind: Kind
    attributes: _Attributes


def describe(step: Step) -> Description:
    """Return the name, kind and attributes of a step as a span."""
    return _BY_KIND.get(step.kind, _other)(step)


def _call(step: Step) -> Description:
    name = ".".join(filter(None, (step.text("class"), step.text("function"))))
    return Description(text(name or step.name), Kind.INTERNAL, _code(step) | further(step.attributes, _CODE))


def _handoff(step: Step) -> Description:
    attributes = _code(step)
    if via := step.text("via"):
        attributes["bootseq.handoff.via"] = text(via)
    _copy(step, attributes, waited="bootseq.handoff.waited_ns")
    rest = further(step.attributes, (*_CODE, "via", "waited"))
    return Description(f"hand-off {text(step.text('function') or step.name)}", Kind.INTERNAL, attributes | rest)


def _http(step: Step) -> Description:
    method, path = text(step.text("method")), text(step.text("path"))
    template = _template(path)
    attributes: _Attributes = {"http.request.method": method if method in _METHODS else "_OTHER"}
    if method not in _METHODS:
        attributes["http.request.method_original"] = method
    _copy(step, attributes, status="http.response.status_code", user_agent="user_agent.original")
    if step.is_client:
        attributes |= _http_client(step, path) | {"url.template": template}
    else:
        attributes |= _http_server(step, path)
    used = ("side", "method", "path", "query", "route", "status", "user_agent")
    ends = ("host", "peer") if step.is_client else ("peer_address",)
    name = f"{method if method in _METHODS else 'HTTP'} {template}"
    return Description(
        name, Kind.CLIENT if step.is_client else Kind.SERVER, attributes | further(step.attributes, (*used, *ends))
    )


@lru_cache(_CACHED)
def _template(path: str) -> str:
    return text(scrub.route(path))


def _http_client(step: Step, path: str) -> _Attributes:
    host, query = text(step.text("host")), text(step.text("query"))
    target = path + (f"?{query}" if query else "")
    # The scheme is not recorded.
    attributes: _Attributes = {"url.full": f"http://{host}{target}"} if host else {"url.path": path}
    if query and not host:
        attributes["url.query"] = query
    return attributes | _address("server", host) | _peer(step)


def _http_server(step: Step, path: str) -> _Attributes:
    attributes: _Attributes = {"url.path": path, "url.scheme": "http"}
    if query := step.text("query"):
        attributes["url.query"] = text(query)
    if route := step.text("route"):
        attributes["http.route"] = text(route)
    return attributes | _address("client", text(step.text("peer_address")))


def _rpc(step: Step) -> Description:
    attributes: _Attributes = {"rpc.system.name": "oslo.messaging", "rpc.method": text(step.name)}
    mode = text(step.mode)
    awaited = mode == "call" or (not mode and not step.opened_by)
    kind = Kind.CLIENT if step.is_client else Kind.SERVER
    if not awaited:
        kind = Kind.PRODUCER if step.is_client else Kind.CONSUMER
        attributes |= {
            "messaging.system": "rabbitmq",
            "messaging.operation.type": "send" if step.is_client else "process",
            "messaging.operation.name": mode or "cast",
        }
        _copy(step, attributes, topic="messaging.destination.name")
    _copy(step, attributes, unique_id="messaging.message.id", msg_id="messaging.message.conversation_id")
    attributes |= _code(step) | _peer(step)
    used = ("side", "unique_id", "msg_id", "peer", *_CODE, *(() if awaited else ("topic",)))
    return Description(text(step.name), kind, attributes | further(step.attributes, used))


def _sql(step: Step) -> Description:
    verb, tables = text(step.text("verb")), step.attributes.get("tables")
    names = [text(str(table)) for table in tables] if isinstance(tables, list) else []
    summary = _summary(verb, names)
    database = text(step.text("database"))
    attributes: _Attributes = {"db.system.name": "sqlite" if database.startswith(("/", ":")) else "other_sql"}
    attributes |= {
        key: value
        for key, value in (
            ("db.namespace", database), ("db.operation.name", verb), ("db.query.summary", summary),
            ("db.query.text", text(step.text("statement"))),
            ("db.collection.name", names[0] if len(names) == 1 else ""),
        )
        if value
    }  # fmt: skip
    used = {"verb", "tables", "fingerprint", "database", "statement", "parameters"}
    rows = step.attributes.get("rows")
    if verb == "SELECT" and isinstance(rows, int) and rows >= 0:
        attributes["db.response.returned_rows"] = rows
        used.add("rows")
    attributes |= _parameters(step.attributes.get("parameters"))
    return Description(summary or text(step.name), Kind.CLIENT, attributes | further(step.attributes, used))


def _summary(verb: str, tables: list[str]) -> str:
    """Return the verb and the tables, without the tables that the limit has no room for."""
    summary = verb
    for table in tables:
        if len(summary) + 1 + len(table) > _MAX_SUMMARY:
            break
        summary = f"{summary} {table}".strip()
    return summary[:_MAX_SUMMARY]


def _parameters(parameters: Value) -> _Attributes:
    """Return the parameters as texts, and which of them are none: ``t`` for a text, ``j`` for other values as JSON."""
    if isinstance(parameters, dict):
        items = {text(key): value for key, value in parameters.items()}
    elif isinstance(parameters, list):
        items = {str(index): value for index, value in enumerate(parameters)}
    else:
        items = {} if parameters is None else {"0": parameters}
    if not items:
        return {}
    types = "".join("t" if isinstance(value, str) else "j" for value in items.values())
    texts: _Attributes = {f"db.query.parameter.{name}": as_text(value) for name, value in items.items()}
    return texts | {"bootseq.parameter_types": types}


def _libvirt(step: Step) -> Description:
    name = ".".join(filter(None, (step.text("class"), step.text("function")))) or step.name
    attributes: _Attributes = {
        "rpc.system.name": "libvirt", "rpc.method": text(name.replace(".", "/", 1)), "service.peer.name": "libvirt"
    }  # fmt: skip
    return Description(f"libvirt {text(name)}", Kind.CLIENT, attributes | further(step.attributes, ("peer",)))


def _command(step: Step) -> Description:
    attributes: _Attributes = {}
    arguments = step.attributes.get("arguments")
    if isinstance(arguments, list) and arguments:
        attributes["process.executable.name"] = text(str(arguments[0]).rpartition("/")[2])
        attributes["process.command_args"] = [as_text(argument) for argument in arguments]
    used = {"arguments"} if attributes else set()
    if isinstance(step.attributes.get("exit_code"), int):
        _copy(step, attributes, exit_code="process.exit.code")
        used.add("exit_code")
    return Description(text(step.name) or "command", Kind.CLIENT, attributes | further(step.attributes, used))


def _other(step: Step) -> Description:
    return Description(text(step.name) or step.kind, Kind.INTERNAL, further(step.attributes, ()))


def _code(step: Step) -> _Attributes:
    attributes: _Attributes = {**_function(step.text("module"), step.text("class"), step.text("function"))}
    _copy(step, attributes, file="code.file.path", line="code.line.number")
    return attributes


@lru_cache(_CACHED)
def _function(module: str, class_: str, function: str) -> dict[str, str]:
    # The import tells the parts of the name apart by the last two.
    known = {
        "code.function.name": ".".join(filter(None, (module, class_, function))),
        "bootseq.code.module": module, "bootseq.code.class": class_,
    }  # fmt: skip
    return {key: text(value) for key, value in known.items() if value}


def _copy(step: Step, attributes: _Attributes, **names: str) -> None:
    """Copy attributes of the step, by their own names, to those of the conventions."""
    for own, name in names.items():
        value = step.attributes.get(own)
        if isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
            attributes[name] = value
        elif value not in (None, ""):
            attributes[name] = as_text(value)


def _peer(step: Step) -> _Attributes:
    return {"service.peer.name": text(peer)} if step.is_client and (peer := step.text("peer")) else {}


def _address(end: str, address: str) -> _Attributes:
    """Return the two attributes of ``host:port``, with or without a port."""
    host, colon, port = address.rpartition(":")
    if colon and port.isascii() and port.isdecimal() and len(port) <= 5:
        return {f"{end}.address": host.strip("[]"), f"{end}.port": int(port)}
    return {f"{end}.address": address} if address else {}


_BY_KIND: dict[str, Callable[[Step], Description]] = {
    "call": _call, "handoff": _handoff, "http": _http, "rpc": _rpc, "sql": _sql, "libvirt": _libvirt,
    "command": _command,
}  # fmt: skip
