"""The details of a step: its attributes without those in its text and those that no release decides.

A value that differs between the boots of a baseline lists all of them with `` | `` between. ``MORE`` marks that the
recording may lack some: logs and copies of messages hold less than hooks record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tracer.model import NUMBERED, Pair, Step, Value
from tracer.notation.scrub import plain, route

Details = dict[str, str]

#: The name of the mark that there may be further details.
MORE = "…"
NONE = "none"
_OR = " | "
#: Any value: replaces lists of more than ``_MOST`` values.
_ANY = "*"
_MOST = 8
_LONGEST = 160
_DEEPEST = 3

#: The attributes in a step's text (tracer.notation.normal_text), by kind.
_TEXT = {
    "call": {"module", "class", "function"},
    "http": {"side", "method", "path", "query", "status", "peer"},
    "rpc": {"side", "mode", "method", "version", "module", "class", "function", "peer"},
    "sql": {"verb", "tables", "fingerprint", "database"},
    "handoff": {"function", "via"},
    "libvirt": {"class", "function"},
    "command": {"arguments", "exit_code"},
    "state": {"table", "changes"},
    "log": {"level", "logger", "function"},
}
#: Attributes that no release decides.
_VARYING = frozenset(
    {
        # ids and queues of one message, one connection, one thread, one moment
        "message", "msg_id", "unique_id", "reply", "reply_queue", "callee_request_id", "logged_request_id",
        "context_request_id", "closing_request_id", "peer_address", "host", "started", "worker", "waited",
        "redelivered", "topic_order", "ended_by", "unrecorded",
        # the requester, the instance, and the content of the cloud
        "user_id", "project_id", "roles", "instance", "display_name", "image", "payload", "rows", "parameters",
        "ports", "macs", "events", "chains",
        # the log that reports it
        "log_file", "log_line",
        # the position in the source, and a statement's text, of which the fingerprint holds all but literals
        "file", "line", "statement",
    }
)  # fmt: skip
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\(HTTP .*|/\S+")
#: The names of tempfile's files.
_TEMPORARY = re.compile(r"tmp[a-z0-9_]{8}")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")


def of(step: Step) -> Details:
    """Return the step's details, in the order of their names."""
    in_text = _TEXT.get(step.kind, set())
    details = {
        key: text
        for key, value in sorted(step.attributes.items())
        if value is not None and key not in in_text and (text := _detail(step.kind, key, value))
    }
    if step.kind == "command":
        details["files"] = _files(step.attributes.get("arguments"))
    if step.end is None and step.kind in NUMBERED:
        details["unfinished"] = "yes"
    if "hooks" not in step.witnesses:
        details[MORE] = ""
    return details


def _detail(kind: str, key: str, value: Value) -> str:
    if kind == "log":
        return _message(str(value)) if key == "message" else ""
    if key == "server":
        return "{host}"
    if key in _VARYING:
        return ""
    if isinstance(value, dict | list):
        return " ".join(sorted(set(_names(value))))
    return _scrubbed(key, str(value))


def _scrubbed(key: str, text: str) -> str:
    scrubbed = route(text) if key in ("path", "route") else plain(text)
    if key == "topic":
        name, dot, _ = scrubbed.partition(".")
        scrubbed = f"{name}.{{host}}" if dot else name
    return _clean(scrubbed)


def _message(text: str) -> str:
    """Return a log line without quoted words, paths and numbers."""
    return _clean(_NUMBER.sub("{number}", _QUOTED.sub("{}", plain(text.split("\n", 1)[0]))))


def _files(arguments: Value) -> str:
    """Return the names of a command's files, its program included: its text has placeholders for paths."""
    named = (
        [str(argument).rstrip("/").rpartition("/")[2] for argument in arguments or () if "/" in str(argument)]
        if isinstance(arguments, list)
        else []
    )
    return _clean(" ".join(_NUMBER.sub("{number}", _TEMPORARY.sub("{id}", plain(name))) for name in named))


def _clean(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[:_LONGEST]


def _names(value: Value, above: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the dotted names of the keys in a body or in arguments, without values."""
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            name = f"{above}{_clean(plain(str(key))).replace(' ', '_')}"
            yield name
            yield from _names(inner, f"{name}.", depth + 1)
    elif isinstance(value, list):
        for inner in value[:100]:
            yield from _names(inner, above, depth)


def united(known: Details, fresh: Details) -> Details:
    """Return the details of steps of several boots as one: equal values once, different ones all."""
    if known == fresh:
        return known
    return {key: _both(key, known, fresh) for key in sorted({*known, *fresh})}


def _both(key: str, known: Details, fresh: Details) -> str:
    if key == MORE:
        return ""
    values = {*_values(key, known), *_values(key, fresh)}
    return _OR.join(sorted(values)) if len(values) <= _MOST and _ANY not in values else _ANY


def _values(key: str, details: Mapping[str, str]) -> list[str]:
    return details.get(key, NONE).split(_OR)


def differing(old: Details, new: Details) -> Iterator[tuple[str, str, str]]:
    """Yield (name, old value, new value) of the details that both sides record and that differ."""
    for key in dict.fromkeys((*old, *new)):
        if key == MORE or (key not in old and MORE in old) or (key not in new and MORE in new):
            continue
        before, now = _values(key, old), _values(key, new)
        if before != [_ANY] and not {*now} <= {*before}:
            yield key, old.get(key, NONE), new.get(key, NONE)


def unknown(pairs: Iterator[Pair]) -> list[str]:
    """Return the names of details that only one side records, of steps that are on both."""
    names: set[str] = set()
    for old, new in ((pair.old, pair.new) for pair in pairs):
        if old is not None and new is not None and old.details is not new.details:
            names |= {key for key in new.details.keys() - old.details.keys() if MORE in old.details}
            names |= {key for key in old.details.keys() - new.details.keys() if MORE in new.details}
    return sorted(names - {MORE})
