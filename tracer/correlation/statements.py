"""SQL statements: verb, tables, fingerprint and assigned columns, from sqlparse's tokens, once for each text.

Tokens only: sqlparse's grouping refuses statements of over 10,000 tokens or 100 levels, takes six times as long, and
adds nothing that is needed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1

from sqlparse import lexer, tokens

from tracer.correlation.forest import Forest
from tracer.model import Step, Value
from tracer.model.patterns import UUID

#: Longer statements are summarised by their beginning: the verb and the tables are there.
MAX_READ = 20_000

_TABLE_FOLLOWS = frozenset({"FROM", "JOIN", "INTO", "TABLE"})
#: Words that may precede the table's name.
_NO_NAMES = frozenset({"SELECT", "LATERAL", "ONLY", "IGNORE", "LOW_PRIORITY", "IF", "NOT", "EXISTS"})
#: Words that end a list of tables.
_END_TABLES = frozenset(
    {"WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "UNION", "UNION ALL", "SET", "VALUES", "RETURNING", "FOR"}
)
_SAVEPOINTS = frozenset({"SAVEPOINT", "RELEASE", "ROLLBACK"})
_STATES = frozenset({"vm_state", "task_state", "power_state", "host", "node"})
_LIST = re.compile(r"\( \?(?: , \?)+ \)")
_ROWS = re.compile(r"\( \? \)(?: , \( \? \))+")
_UUID = re.compile(UUID)

#: A token, neither blank nor comment: sqlparse's type and the text.
_Token = tuple[object, str]


@dataclass(frozen=True, slots=True)
class Summary:
    """A statement in short; ``fingerprint`` ignores differences in literals, parameters and lengths of lists."""

    verb: str
    tables: tuple[str, ...]
    fingerprint: str
    #: Columns that an UPDATE or INSERT assigns a parameter to: the column, the parameter's index, and its name or "".
    assigned: tuple[tuple[str, int, str], ...]


def summary(statement: str) -> Summary:
    """Return the summary of a statement, cached by its text."""
    return _summary(statement[:MAX_READ])


@lru_cache(maxsize=4096)
def _summary(text: str) -> Summary:
    words = [
        (kind, token)
        for kind, token in lexer.tokenize(text)  # type: ignore[no-untyped-call]
        if kind not in tokens.Whitespace and kind not in tokens.Comment
    ]
    verb = _verb(words)
    assigned = tuple(_updated(words)) if verb == "UPDATE" else tuple(_inserted(words)) if verb == "INSERT" else ()
    return Summary(verb, tuple(dict.fromkeys(_tables(words, verb))), _fingerprint(words, verb), assigned)


def _verb(words: list[_Token]) -> str:
    first = next((token.upper() for _, token in words if token != "("), "")
    depth = 0
    for kind, token in words if first == "WITH" else ():
        depth += (token == "(") - (token == ")")
        if depth == 0 and kind is tokens.DML:
            return token.upper()
    return first


def _fingerprint(words: list[_Token], verb: str) -> str:
    varies = _is_varying_in_savepoint if verb in _SAVEPOINTS else _is_varying
    plain = " ".join("?" if varies(kind) else token for kind, token in words)
    plain = _ROWS.sub("( ? )", _LIST.sub("( ? )", plain))
    return sha1(plain.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()[:12]


def _is_varying(kind: object) -> bool:
    return kind is tokens.Name.Placeholder or (kind in tokens.Literal and kind is not tokens.Literal.String.Symbol)


def _is_varying_in_savepoint(kind: object) -> bool:
    return kind is tokens.Name


@dataclass(slots=True)
class _Level:
    """The state inside a pair of brackets: it reads or writes tables, lists them, expects a table's name next."""

    works: bool = False
    lists: bool = False
    expects: bool = False

    def take(self, word: str) -> None:
        """Update the state by a keyword."""
        if word in ("SELECT", "DELETE"):
            self.works = True
        if word == "UPDATE" or word.rpartition(" ")[2] in _TABLE_FOLLOWS:
            self.expects = self.lists = self.works
        elif word in _END_TABLES:
            self.expects = self.lists = False


def _tables(words: list[_Token], verb: str) -> Iterator[str]:
    """Yield names after FROM, JOIN, INTO, TABLE or the statement's own UPDATE, and after commas that follow these."""
    outer: list[_Level] = []
    level = _Level(works=True)
    before, queries = "", set()
    for index, (kind, token) in enumerate(words):
        word, after = token.upper(), words[index + 1][1].upper() if index + 1 < len(words) else ""
        if token == "(":
            level.expects = False
            outer.append(level)
            level = _Level()
        elif token == ")":
            level = outer.pop() if outer else _Level(works=True)
        elif token == ",":
            level.expects = level.lists
        elif level.expects and _may_name(kind) and word.partition(" ")[0] not in _NO_NAMES:
            level.expects = after == "."  # a schema's name is first
            if after != "." and token not in queries:
                yield token.strip('"`[]')
        elif word == "UPDATE" and (verb != "UPDATE" or outer or before in ("FOR", "KEY", "DO")):
            level.lists = False
        elif word == "AS" and after == "(" and verb != words[0][1].upper():
            queries.add(words[index - 1][1])
        elif kind in tokens.Keyword and not (word == "FROM" and before == "DISTINCT"):
            level.take(word)
        before = word


def _may_name(kind: object) -> bool:
    return (
        kind in tokens.Keyword
        or kind is tokens.Literal.String.Symbol
        or (kind in tokens.Name and not _is_varying(kind))
    )


def _updated(words: list[_Token]) -> Iterator[tuple[str, int, str]]:
    """Yield (column, parameter's index, its name) for each ``column = parameter`` between SET and WHERE."""
    parameter, depth, setting = 0, 0, False
    for index, (kind, token) in enumerate(words):
        word = token.upper()
        depth += (token == "(") - (token == ")")
        if depth == 0 and word in ("SET", "WHERE"):
            setting = word == "SET"
        if kind is not tokens.Name.Placeholder:
            continue
        after = words[index + 1][1].upper() if index + 1 < len(words) else ""
        if setting and depth == 0 and index > 1 and words[index - 1][1] == "=" and after in ("", ",", "WHERE", ";"):
            yield words[index - 2][1].strip('"`[]'), parameter, _parameter_name(token)
        parameter += 1


def _inserted(words: list[_Token]) -> Iterator[tuple[str, int, str]]:
    """Yield (column, index, name): columns in the first brackets, single parameters at their places in the second."""
    brackets, parameter = _brackets(words)
    if len(brackets) < 2:
        return
    columns, values = brackets
    for column, value in zip(columns, values, strict=False):
        if len(value) == 1 and value[0][0] is tokens.Name.Placeholder and column:
            yield column[-1][1].strip('"`[]'), parameter, _parameter_name(value[0][1])
        parameter += sum(kind is tokens.Name.Placeholder for kind, _ in value)


def _brackets(words: list[_Token]) -> tuple[list[list[list[_Token]]], int]:
    """Return the tokens between the commas of the first two pairs of brackets; the number of parameters before them."""
    brackets: list[list[list[_Token]]] = []
    depth = parameters = 0
    for kind, token in words:
        if token == "(":
            depth += 1
            if depth == 1:
                if len(brackets) == 2:
                    break
                brackets.append([[]])
                continue
        elif token == ")":
            depth = max(depth - 1, 0)  # an unmatched bracket closes nothing
        elif token == "," and depth == 1:
            brackets[-1].append([])
            continue
        if depth:
            brackets[-1][-1].append((kind, token))
        if kind is tokens.Name.Placeholder and len(brackets) < 2:
            parameters += 1
    return brackets, parameters


def _parameter_name(token: str) -> str:
    """Return ``vm_state`` of ``%(vm_state)s`` and ``:vm_state``, "" for a parameter without a name."""
    match = re.fullmatch(r"%\((.+)\)s|[:@$]([^\W\d]\w*)", token)
    return (match[1] or match[2]) if match else ""


def annotate(forest: Forest) -> None:
    """Describe every SQL step of the forest."""
    for head in forest.heads:
        for step in head.walk():
            if step.kind == "sql":
                describe(step)


def describe(step: Step) -> None:
    """Add verb, tables and fingerprint to a SQL step, and name it by verb and first table."""
    known = summary(step.text("statement"))
    step.attributes |= {"verb": known.verb, "tables": list(known.tables), "fingerprint": known.fingerprint}
    step.name = " ".join([known.verb or "SQL", *known.tables[:1]])


def state_of(step: Step) -> Step | None:
    """Return the state that an UPDATE or INSERT of ``instances`` sets, as a step of its own; None if it sets none."""
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
    assigned = summary(step.text("statement")).assigned
    if isinstance(parameters, dict):
        return {column: parameters[name] for column, _, name in assigned if name in parameters}
    if isinstance(parameters, list):
        return {column: parameters[index] for column, index, _ in assigned if index < len(parameters)}
    return {}


def _instance(step: Step, assigned: dict[str, Value]) -> str:
    """Return the instance's uuid: assigned with the rest, else the last uuid among the parameters, else ""."""
    if "uuid" in assigned:
        return str(assigned["uuid"])
    parameters = step.attributes.get("parameters")
    values = parameters.values() if isinstance(parameters, dict) else parameters if isinstance(parameters, list) else ()
    uuids = [value for value in values if isinstance(value, str) and _UUID.fullmatch(value)]
    return uuids[-1] if uuids else ""
