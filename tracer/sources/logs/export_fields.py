"""Fields of log stores' documents: which of them hold time, message, host, service, process, level, logger and ids."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tracer.sources.logs import log_names
from tracer.sources.logs.entries import Entry
from tracer.sources.logs.records import MAX_MESSAGE
from tracer.sources.logs.times import Clock

Document = Mapping[str, Any]

#: Objects that merely enclose the fields: Elasticsearch's hits, Loki's labels, Grafana's rows.
_ENCLOSING = ("_source", "fields", "labels", "stream", "@fields", "resource")
_TIME = ("@timestamp", "tsNs", "timestamp", "Timestamp", "time", "Time", "_time", "ts", "date", "Date")
_MESSAGE = ("message", "Payload", "log", "MESSAGE", "line", "Line", "msg", "body", "event.original")
_HOST = (
    "host.hostname", "host.name", "hostname", "Hostname", "_HOSTNAME", "kubernetes.host", "kubernetes.node_name",
    "kubernetes.node.name", "node_name", "agent.hostname", "beat.hostname", "nodename", "host",
)  # fmt: skip
_SERVICE = (
    "kubernetes.container_name", "kubernetes.container.name", "container_name", "container.name", "container",
    "docker.name", "CONTAINER_NAME", "systemd.unit", "systemd_unit", "_SYSTEMD_UNIT", "unit", "programname",
    "process.name", "program", "SYSLOG_IDENTIFIER", "syslog_identifier", "log.file.path", "filename", "source", "path",
    "service.name", "service_name", "service", "app", "component", "tag", "ident", "job",
)  # fmt: skip
_POD = ("kubernetes.pod_name", "kubernetes.pod.name", "pod")
_PID = ("Pid", "process.pid", "pid", "_PID", "process", "SYSLOG_PID")
_LEVEL = ("log_level", "log.level", "loglevel", "levelname", "level", "severity")
_LOGGER = ("python_module", "log.logger", "logger_name", "logger", "name")
#: Fields of which one makes an object such a document; their names are no other program's.
_MARKS = frozenset(
    """
    _source @timestamp kubernetes kubernetes.container_name kubernetes.container.name labels python_module Payload
    tsNs programname _index
    """.split()  # noqa: SIM905 - a list of words
)
_KIBANA = "%b %d, %Y @ %H:%M:%S"
_ID = r"(?:req-)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
#: oslo.log's bracket at the beginning of a message: the caller's id or None precedes the own one since 2023.
_BRACKET = re.compile(rf"\[(?:(?:None|(?P<other>{_ID})) )?(?P<own>{_ID})(?: [^\]\n]*)?\] ?|\[-\] ?")
#: The message is the whole line.
_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
_REQUEST = re.compile(rf"{_ID}\Z")
_DIGITS = re.compile(r"\d{9,19}(?:\.\d{1,9})?\Z")
_NANOSECONDS = 19


def is_document(value: Document) -> bool:
    """Return whether an object is a log store's document: Docker's and journald's lines are others."""
    return (
        not _MARKS.isdisjoint(value) or {"line", "timestamp"} <= value.keys() or isinstance(value.get("stream"), dict)
    )


def entry(document: Document, clock: Clock) -> Entry | None:
    """Return the entry of a document, None if it has no time or no message."""
    fields = dict(_flat(document, ""))
    time, message = _time(_first(fields, _TIME), clock), _text(_first(fields, _MESSAGE))
    if not time or not message.strip():
        return None
    host, service = _text(_first(fields, _HOST)), _service(_text(_first(fields, _SERVICE)))
    name = f"{host}/{service or 'log'}" if host else service
    pid = _number(_first(fields, _PID))
    known = _known(fields, message)
    stream = "" if known else " ".join((name, _text(_first(fields, _POD)), str(pid), "export"))
    return Entry(time, name, pid, message.encode("utf-8", "replace")[:MAX_MESSAGE], stream, known)


def _flat(document: Document, prefix: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, value) of a document's fields; those of enclosing objects as if they were its own."""
    for name, value in document.items():
        if isinstance(value, str) and value.startswith("{") and name in _ENCLOSING:
            value = _parsed(value)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, Mapping) and depth < 4:
            yield from _flat(value, prefix if not prefix and name in _ENCLOSING else f"{prefix}{name}.", depth + 1)
        elif value is not None:
            # Kibana's table has its own columns for what _source encloses.
            yield prefix + name.removeprefix("_source."), value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _first(fields: Document, names: tuple[str, ...]) -> object:
    return next((fields[name] for name in names if fields.get(name) not in (None, "", "-")), None)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    digits = str(value)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else 0


def _time(value: object, clock: Clock) -> int:
    """Return nanoseconds of a number since the epoch, by its magnitude, or of a date; 0 if it is neither."""
    text = repr(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else _text(value).strip()
    if _DIGITS.match(text):
        whole, _, fraction = text.partition(".")
        # 10 digits are seconds, 13 milliseconds, 16 microseconds, 19 nanoseconds.
        digits = whole + fraction
        return int(digits[:_NANOSECONDS].ljust(_NANOSECONDS, "0")) if len(whole) % 3 == 1 else 0
    if " @ " in text:
        return clock.of(text, _KIBANA)
    return clock.of(text) if text else 0


def _service(name: str) -> str:
    """Return a service's name; a log's path is one by its folder."""
    if "/" not in name:
        return name
    path = Path(name)
    own = log_names.name_of(path)
    return own if log_names.program(own) else log_names.of_folder(own, path) or own


def _known(fields: Document, message: str) -> dict[str, Any]:
    """Return the record's fields where the store has them apart; {} if the message holds all."""
    logger, level = _text(_first(fields, _LOGGER)), _text(_first(fields, _LEVEL)).upper()
    if not logger or not level or ("." not in logger and "python_module" not in fields) or _DATE.match(message):
        return {}
    bracket = _BRACKET.match(message)
    ids = bracket.groupdict() if bracket else {}
    known = {
        "logger": logger,
        "level": "WARNING" if level == "WARN" else level,
        "request_id": _request_id(_text(fields.get("request_id"))) or ids.get("own"),
        "global_request_id": _request_id(_text(fields.get("global_request_id"))) or ids.get("other"),
        "message": message[bracket.end() if bracket else 0 :][:MAX_MESSAGE].encode("utf-8", "replace").decode(),
    }
    return {name: value for name, value in known.items() if value or name == "message"}


def _request_id(text: str) -> str | None:
    """Return a request id; fluentd's patterns leave its beginning out."""
    if not _REQUEST.match(text):
        return None
    return text if text.startswith("req-") else f"req-{text}"
