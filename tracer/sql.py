"""What a statement does: verb, tables and fingerprint, by sqlparse, worked out once a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1

import sqlparse
from sqlparse import sql as parsed
from sqlparse import tokens

from tracer.model import Step, Value

#: Longer statements are summarised by their beginning: sqlparse takes time quadratic in the nesting.
MAX_PARSED = 20_000
_LIST = re.compile(r"\(\s*(\?|%\(\w+\)s|:\w+)(\s*,\s*(\?|%\(\w+\)s|:\w+))+\s*\)")
_PARAMETER = re.compile(r"%\(\w+\)s|:\w+\b|\?")
_LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+\b")
_AFTER_TABLE = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "TABLE"})
_STATES = frozenset({"vm_state", "task_state", "power_state", "host", "node"})


@dataclass(frozen=True, slots=True)
class Summary:
    """``fingerprint`` is the same for statements that differ in literals, parameters and IN lists only."""

    verb: str
    tables: tuple[str, ...]
    fingerprint: str
    #: Columns a parameter is assigned to, in the parameters' order, for UPDATE and INSERT.
    columns: tuple[str, ...]


@lru_cache(maxsize=20_000)
def summary(statement: str) -> Summary:
    """Parse one statement."""
    text = statement[:MAX_PARSED]
    flat = [token for token in sqlparse.parse(text)[0].flatten() if not token.is_whitespace] if text.strip() else []
    verb = flat[0].normalized if flat else ""
    return Summary(verb, _tables(flat), _fingerprint(text), _columns(verb, text))


def _fingerprint(text: str) -> str:
    plain = _LITERAL.sub("?", _PARAMETER.sub("?", text))
    plain = _LIST.sub("(?)", plain)
    return sha1(" ".join(plain.split()).encode(), usedforsecurity=False).hexdigest()[:12]


def _tables(flat: list[parsed.Token]) -> tuple[str, ...]:
    """Names that follow FROM, JOIN, INTO, UPDATE or a comma after such a name."""
    found: list[str] = []
    expected = False
    for token in flat:
        if token.ttype in tokens.Keyword or token.ttype in tokens.DML or token.ttype in tokens.DDL:
            expected = token.normalized.rpartition(" ")[2] in _AFTER_TABLE
        elif expected and (token.ttype in tokens.Name or token.ttype in tokens.Literal.String.Symbol):
            name = token.value.strip('"`')
            if name not in found:
                found.append(name)
            expected = False
        elif token.ttype in tokens.Punctuation and token.value == "(":
            expected = False
    return tuple(found)


_INSERT = re.compile(r"INSERT INTO \S+ \(([^)]*)\) VALUES", re.IGNORECASE)
_SET = re.compile(r"\bSET\b(.*?)(?:\bWHERE\b|$)", re.IGNORECASE | re.DOTALL)
_ASSIGNED = re.compile(r"([\w.\"`]+)\s*=\s*(?:\?|%\((\w+)\)s|:(\w+))")


def _columns(verb: str, text: str) -> tuple[str, ...]:
    if verb == "INSERT" and (match := _INSERT.search(text)):
        return tuple(name.strip(' "`') for name in match[1].split(","))
    if verb == "UPDATE" and (match := _SET.search(text)):
        return tuple(name[0].rpartition(".")[2].strip('"`') for name in _ASSIGNED.findall(match[1]))
    return ()


def describe(step: Step) -> None:
    """Add verb, tables and fingerprint to a SQL step, and a name that says them."""
    found = summary(step.text("statement"))
    step.attributes |= {"verb": found.verb, "tables": list(found.tables), "fingerprint": found.fingerprint}
    step.name = " ".join([found.verb or "SQL", *found.tables[:1]])


def state_of(step: Step) -> Step | None:
    """The state that an UPDATE or INSERT of ``instances`` sets, as a step of its own; None where it sets none."""
    if step.attributes.get("tables") != ["instances"] or step.error:
        return None
    assigned = _assigned(step)
    changes: dict[str, Value] = {name: value for name, value in assigned.items() if name in _STATES}
    if not changes:
        return None
    return Step(
        id=f"{step.id}/state",
        kind="state",
        service=step.service,
        name="instances",
        start=step.start,
        end=step.end,
        host=step.host,
        pid=step.pid,
        thread=step.thread,
        request_id=step.request_id,
        attributes={"table": "instances", "instance": _instance(step, assigned), "changes": changes},
        tied_by="context",
    )


def _assigned(step: Step) -> dict[str, Value]:
    columns = summary(step.text("statement")).columns
    parameters = step.attributes.get("parameters")
    if isinstance(parameters, dict):
        return {name: parameters[name] for name in columns if name in parameters}
    if isinstance(parameters, list):
        return dict(zip(columns, parameters, strict=False))
    return {}


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _instance(step: Step, assigned: dict[str, Value]) -> str:
    if "uuid" in assigned:
        return str(assigned["uuid"])
    parameters = step.attributes.get("parameters")
    rest = (
        list(parameters.values())
        if isinstance(parameters, dict)
        else parameters
        if isinstance(parameters, list)
        else []
    )
    return next((value for value in reversed(rest) if isinstance(value, str) and _UUID.fullmatch(value)), "")
