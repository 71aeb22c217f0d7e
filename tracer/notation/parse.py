"""The parser of the notation: a step's normal text, as ``normal_text`` writes it, in parts.

``phrases`` parses the looser lines that people write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

#: Modes of messages whose sender does not wait for an answer.
UNAWAITED = ("cast", "fanout", "notify")

_ERROR = re.compile(r" ! ([\w.]+)$")
_SQL = re.compile(r"sql: (\S+)(?: (?!in \S+(?: #|$)|#)(.*?))?(?: in (\S+))?(?: #(\w+))?$")
_LOG = re.compile(r"log: (\S+) (.+)$")
_STATE = re.compile(r"(\w+): ((?:vm_state|task_state|power_state|host|node) .+)$")
_SENT = re.compile(r"rpc\.(\w+)\(\)(?: to (\S+))?: (\S+)(?: (\d[\d.]*))?(?: \((.*)\))?$")
_SERVED = re.compile(r"(\S+) by (\S+(?: -> \S+\(\))?)$")
_CALL = re.compile(r"(\S+) -> (\w+)\(\)$")
#: A request: method, path, query, receiver, status.
HTTP = re.compile(r"([A-Z]+) (/[^\s?]*)(?:\?(\S*))?(?: → (\S+?))?(?:: (\d+))?$")
#: A hand-off: function and carrier; the image or snapshot behind them differs from boot to boot.
HANDOFF = re.compile(r"hand-off to (\S+)(?: by ([^\s:]+)(?:: .*)?)?$")

#: Statements of SQLAlchemy's own, which differ from release to release of it.
_LIBRARY = re.compile(r"sql: (?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SELECT(?= in | #|$))")


@dataclass(frozen=True, slots=True)
class ParsedStep:
    """The parts of a step's text: ``name`` stays when a step changes, ``traits`` are the parts that may change."""

    kind: str
    name: str
    traits: dict[str, str]


@lru_cache(maxsize=65536)
def parse(text: str) -> ParsedStep:
    """Parse a step's text; a text in none of the forms is a call of that name."""
    body, error = split_error(text)
    kind, name, traits = next((parsed for read in _READERS if (parsed := read(body))), ("call", body, {}))
    return ParsedStep(kind, name, traits | ({"error": error} if error else {}))


def split_error(text: str) -> tuple[str, str]:
    """Return a text without the error at its end, and the error, "" if it has none."""
    failed = _ERROR.search(text)
    return (text[: failed.start()], failed[1]) if failed else (text, "")


def without_versions(text: str) -> str:
    """Return a message's text without its versions, a hand-off's without its carrier, any other text unchanged."""
    if sent := _SENT.match(text):
        return text[: sent.end(3)]
    handed = HANDOFF.match(text)
    return text[: handed.end(1)] if handed else text


def is_library(text: str) -> bool:
    """Return whether it is a statement of the database library's own: BEGIN, COMMIT, …, or a ping (``SELECT 1``)."""
    return _LIBRARY.match(text) is not None


_Parts = tuple[str, str, dict[str, str]]


def _traits(**values: str | None) -> dict[str, str]:
    return {key: value for key, value in values.items() if value}


def _read_sql(text: str) -> _Parts | None:
    if not (match := _SQL.match(text)):
        return None
    verb, tables, where, statement = match.groups()
    return (
        "sql",
        f"{verb} {(tables or '').partition(',')[0]}".strip(),
        _traits(tables=tables, database=where, statement=statement),
    )


def _read_log(text: str) -> _Parts | None:
    return ("log", match[0], {}) if (match := _LOG.match(text)) else None


def _read_state(text: str) -> _Parts | None:
    return ("state", match[1], {"state": match[2]}) if (match := _STATE.match(text)) else None


def _read_command(text: str) -> _Parts | None:
    if not text.startswith("$ "):
        return None
    program, _, arguments = text[2:].partition(" ")
    return "command", program, _traits(arguments=arguments)


def _read_sent(text: str) -> _Parts | None:
    if not (match := _SENT.match(text)):
        return None
    mode, to, method, version, objects = match.groups()
    return "rpc", f"rpc: {method}", _traits(mode=mode, to=to, version=version, objects=objects)


def _read_handoff(text: str) -> _Parts | None:
    return ("handoff", f"hand-off to {match[1]}", _traits(via=match[2])) if (match := HANDOFF.match(text)) else None


def _read_http(text: str) -> _Parts | None:
    if not (match := HTTP.match(text)):
        return None
    method, path, query, to, status = match.groups()
    return "http", f"{method} {path}" + (" →" if to else ""), _traits(query=query, to=to, status=status)


def _read_served(text: str) -> _Parts | None:
    return ("rpc", f"{match[1]} by", {"endpoint": match[2]}) if (match := _SERVED.match(text)) else None


def _read_call(text: str) -> _Parts | None:
    if _CALL.match(text):
        return "call", text, {}
    called = (
        text.partition("(): ")[0] + "()" if "(): " in text else text
    )  # a device or secret differs from boot to boot
    return ("libvirt", called, {}) if called.endswith("()") and " " not in called else None


_READERS = (
    _read_sql, _read_log, _read_state, _read_command, _read_sent, _read_handoff, _read_http, _read_served, _read_call,
)  # fmt: skip
