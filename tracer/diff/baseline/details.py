"""What is known of a step beside its text: every attribute but those that its text says and those no release decides.

A value that differs between the boots of a baseline is all of them, `` | `` between. ``MORE`` says that the recording
may lack some: logs and copies of messages do not tell all that hooks do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tracer.model import NUMBERED, Pair, Step, Value
from tracer.notation.scrub import plain, route

Details = dict[str, str]

#: The name under which it stands that there may be others.
MORE = "…"
NONE = "none"
_OR = " | "
#: Any value: of more different ones than this nobody learns anything.
_ANY = "*"
_MOST = 8
_LONGEST = 160
_DEEPEST = 3

#: What a step's text (tracer.notation.normal_text) says of it, by kind.
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
#: What no release decides.
_VARYING = frozenset(
    {
        # ids and queues of one message, one connection, one thread, one moment
        "message", "msg_id", "unique_id", "reply", "reply_queue", "callee_request_id", "logged_request_id",
        "context_request_id", "peer_address", "host", "started", "worker", "waited", "redelivered", "topic_order",
        # who asked for which instance, and what the cloud holds
        "user_id", "project_id", "roles", "instance", "display_name", "image", "payload", "rows", "parameters",
        # where in the source it stands, and a statement's text, of which the fingerprint holds all but literals
        "file", "line", "statement",
    }
)  # fmt: skip
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\(HTTP .*|/\S+")
#: As tempfile names things.
_TEMPORARY = re.compile(r"tmp[a-z0-9_]{8}")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")


def of(step: Step) -> Details:
    """The step's details, in the order of their names."""
    told = _TEXT.get(step.kind, set())
    found = {
        key: said
        for key, value in sorted(step.attributes.items())
        if value is not None and key not in told and (said := _said(step.kind, key, value))
    }
    if step.kind == "command":
        found["files"] = _files(step.attributes.get("arguments"))
    if step.end is None and step.kind in NUMBERED:
        found["unfinished"] = "yes"
    if "hooks" not in step.witnesses:
        found[MORE] = ""
    return found


def _said(kind: str, key: str, value: Value) -> str:
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
    said = route(text) if key in ("path", "route") else plain(text)
    if key == "topic":
        name, dot, _ = said.partition(".")
        said = f"{name}.{{host}}" if dot else name
    return _clean(said)


def _message(text: str) -> str:
    """A log line without what it is about: quoted words, paths, numbers."""
    return _clean(_NUMBER.sub("{number}", _QUOTED.sub("{}", plain(text.split("\n", 1)[0]))))


def _files(arguments: Value) -> str:
    """The names of a command's files, its program's too: of paths its text says no more than that they are there."""
    named = (
        [str(each).rstrip("/").rpartition("/")[2] for each in arguments or () if "/" in str(each)]
        if isinstance(arguments, list)
        else []
    )
    return _clean(" ".join(_NUMBER.sub("{number}", _TEMPORARY.sub("{id}", plain(name))) for name in named))


def _clean(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[:_LONGEST]


def _names(value: Value, above: str = "", depth: int = 0) -> Iterator[str]:
    """The names in a body or in arguments: what is asked for, not of whom or how much."""
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            name = f"{above}{_clean(plain(str(key))).replace(' ', '_')}"
            yield name
            yield from _names(inner, f"{name}.", depth + 1)
    elif isinstance(value, list):
        for inner in value[:100]:
            yield from _names(inner, above, depth)


def united(known: Details, fresh: Details) -> Details:
    """What steps of several boots have in common, and all that they differ in."""
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
    """Names with the old and the new value, of what is known on both sides and differs."""
    for key in dict.fromkeys((*old, *new)):
        if key == MORE or (key not in old and MORE in old) or (key not in new and MORE in new):
            continue
        before, now = _values(key, old), _values(key, new)
        if before != [_ANY] and not {*now} <= {*before}:
            yield key, old.get(key, NONE), new.get(key, NONE)


def unknown(pairs: Iterator[Pair]) -> list[str]:
    """The names of what only one side can tell of steps that are on both."""
    names: set[str] = set()
    for old, new in ((pair.old, pair.new) for pair in pairs):
        if old is not None and new is not None and old.details is not new.details:
            names |= {key for key in new.details.keys() - old.details.keys() if MORE in old.details}
            names |= {key for key in old.details.keys() - new.details.keys() if MORE in new.details}
    return sorted(names - {MORE})
