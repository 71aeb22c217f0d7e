"""What a statement does: verb, tables and fingerprint, from sqlparse's tokens, worked out once a text.

Tokens only: its grouping refuses statements of over 10,000 tokens or 100 levels, takes six times as long, and tells
nothing that is needed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1

from sqlparse import lexer, tokens

from tracer.model import Step, Value

#: Longer statements are summarised by their beginning: it says what they do.
MAX_READ = 20_000

_TABLE_FOLLOWS = frozenset({"FROM", "JOIN", "INTO", "TABLE"})
#: What may stand before the table's name.
_NO_NAMES = frozenset({"SELECT", "LATERAL", "ONLY", "IGNORE", "LOW_PRIORITY", "IF", "NOT", "EXISTS"})
#: What ends a list of tables.
_END_TABLES = frozenset(
    {"WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "UNION", "UNION ALL", "SET", "VALUES", "RETURNING", "FOR"}
)
_SAVEPOINTS = frozenset({"SAVEPOINT", "RELEASE", "ROLLBACK"})
_STATES = frozenset({"vm_state", "task_state", "power_state", "host", "node"})
_LIST = re.compile(r"\( \?(?: , \?)+ \)")
_ROWS = re.compile(r"\( \? \)(?: , \( \? \))+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: A token that says something: sqlparse's type and the text. Blanks and comments do not.
_Token = tuple[object, str]


@dataclass(frozen=True, slots=True)
class Summary:
    """``fingerprint`` is the same for statements that differ in literals, parameters and lengths of lists only."""

    verb: str
    tables: tuple[str, ...]
    fingerprint: str
    #: Columns that an UPDATE or INSERT assigns a parameter to: the column, the parameter's place, and its name or "".
    assigned: tuple[tuple[str, int, str], ...]


def summary(statement: str) -> Summary:
    """What one statement does."""
    return _summary(statement[:MAX_READ])


@lru_cache(maxsize=4096)
def _summary(text: str) -> Summary:
    said = [
        (kind, token)
        for kind, token in lexer.tokenize(text)  # type: ignore[no-untyped-call]
        if kind not in tokens.Whitespace and kind not in tokens.Comment
    ]
    verb = _verb(said)
    assigned = tuple(_updated(said)) if verb == "UPDATE" else tuple(_inserted(said)) if verb == "INSERT" else ()
    return Summary(verb, tuple(dict.fromkeys(_tables(said, verb))), _fingerprint(said, verb), assigned)


def _verb(said: list[_Token]) -> str:
    first = next((token.upper() for _, token in said if token != "("), "")
    depth = 0
    for kind, token in said if first == "WITH" else ():
        depth += (token == "(") - (token == ")")
        if depth == 0 and kind is tokens.DML:
            return token.upper()
    return first


def _fingerprint(said: list[_Token], verb: str) -> str:
    varies = _is_varying_in_savepoint if verb in _SAVEPOINTS else _is_varying
    plain = " ".join("?" if varies(kind) else token for kind, token in said)
    plain = _ROWS.sub("( ? )", _LIST.sub("( ? )", plain))
    return sha1(plain.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()[:12]


def _is_varying(kind: object) -> bool:
    return kind is tokens.Name.Placeholder or (kind in tokens.Literal and kind is not tokens.Literal.String.Symbol)


def _is_varying_in_savepoint(kind: object) -> bool:
    return kind is tokens.Name


@dataclass(slots=True)
class _Level:
    """Inside one pair of brackets: whether it reads or writes tables, lists them, expects the next name to be one's."""

    works: bool = False
    lists: bool = False
    expects: bool = False

    def take(self, word: str) -> None:
        """A keyword."""
        if word in ("SELECT", "DELETE"):
            self.works = True
        if word == "UPDATE" or word.rpartition(" ")[2] in _TABLE_FOLLOWS:
            self.expects = self.lists = self.works
        elif word in _END_TABLES:
            self.expects = self.lists = False


def _tables(said: list[_Token], verb: str) -> Iterator[str]:
    """Names that follow FROM, JOIN, INTO, TABLE or the UPDATE that the statement is, and commas after such names."""
    outer: list[_Level] = []
    level = _Level(works=True)
    before, queries = "", set()
    for at, (kind, token) in enumerate(said):
        word, after = token.upper(), said[at + 1][1].upper() if at + 1 < len(said) else ""
        if token == "(":
            level.expects = False
            outer.append(level)
            level = _Level()
        elif token == ")":
            level = outer.pop() if outer else _Level(works=True)
        elif token == ",":
            level.expects = level.lists
        elif level.expects and _may_name(kind) and word.partition(" ")[0] not in _NO_NAMES:
            level.expects = after == "."  # a schema's name comes first
            if after != "." and token not in queries:
                yield token.strip('"`[]')
        elif word == "UPDATE" and (verb != "UPDATE" or outer or before in ("FOR", "KEY", "DO")):
            level.lists = False
        elif word == "AS" and after == "(" and verb != said[0][1].upper():
            queries.add(said[at - 1][1])
        elif kind in tokens.Keyword and not (word == "FROM" and before == "DISTINCT"):
            level.take(word)
        before = word


def _may_name(kind: object) -> bool:
    return (
        kind in tokens.Keyword
        or kind is tokens.Literal.String.Symbol
        or (kind in tokens.Name and not _is_varying(kind))
    )


def _updated(said: list[_Token]) -> Iterator[tuple[str, int, str]]:
    """``column = parameter`` between SET and what follows the assignments."""
    place, depth, setting = 0, 0, False
    for at, (kind, token) in enumerate(said):
        word = token.upper()
        depth += (token == "(") - (token == ")")
        if depth == 0 and word in ("SET", "WHERE"):
            setting = word == "SET"
        if kind is not tokens.Name.Placeholder:
            continue
        after = said[at + 1][1].upper() if at + 1 < len(said) else ""
        if setting and depth == 0 and at > 1 and said[at - 1][1] == "=" and after in ("", ",", "WHERE", ";"):
            yield said[at - 2][1].strip('"`[]'), place, _parameter_name(token)
        place += 1


def _inserted(said: list[_Token]) -> Iterator[tuple[str, int, str]]:
    """The columns in the first brackets, and the parameters that stand alone at their places in the second."""
    brackets, place = _brackets(said)
    if len(brackets) < 2:
        return
    columns, values = brackets
    for column, value in zip(columns, values, strict=False):
        if len(value) == 1 and value[0][0] is tokens.Name.Placeholder and column:
            yield column[-1][1].strip('"`[]'), place, _parameter_name(value[0][1])
        place += sum(kind is tokens.Name.Placeholder for kind, _ in value)


def _brackets(said: list[_Token]) -> tuple[list[list[list[_Token]]], int]:
    """What stands between the commas of the first two pairs of brackets; the parameters before the second."""
    found: list[list[list[_Token]]] = []
    depth = place = 0
    for kind, token in said:
        if token == "(":
            depth += 1
            if depth == 1:
                if len(found) == 2:
                    break
                found.append([[]])
                continue
        elif token == ")":
            depth = max(depth - 1, 0)  # one that nobody opened closes nothing
        elif token == "," and depth == 1:
            found[-1].append([])
            continue
        if depth:
            found[-1][-1].append((kind, token))
        if kind is tokens.Name.Placeholder and len(found) < 2:
            place += 1
    return found, place


def _parameter_name(token: str) -> str:
    """``vm_state`` of ``%(vm_state)s`` and ``:vm_state``; "" of parameters without names."""
    match = re.fullmatch(r"%\((.+)\)s|[:@$]([^\W\d]\w*)", token)
    return (match[1] or match[2]) if match else ""


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
        witnesses=step.witnesses,
        tied_by=step.tied_by,
    )


def _assigned(step: Step) -> dict[str, Value]:
    parameters = step.attributes.get("parameters")
    found = summary(step.text("statement")).assigned
    if isinstance(parameters, dict):
        return {column: parameters[name] for column, _, name in found if name in parameters}
    if isinstance(parameters, list):
        return {column: parameters[place] for column, place, _ in found if place < len(parameters)}
    return {}


def _instance(step: Step, assigned: dict[str, Value]) -> str:
    """Which instance: assigned with the rest, or looked for by the last uuid among the parameters."""
    if "uuid" in assigned:
        return str(assigned["uuid"])
    parameters = step.attributes.get("parameters")
    values = parameters.values() if isinstance(parameters, dict) else parameters if isinstance(parameters, list) else ()
    uuids = [value for value in values if isinstance(value, str) and _UUID.fullmatch(value)]
    return uuids[-1] if uuids else ""
