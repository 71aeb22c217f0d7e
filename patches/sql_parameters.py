"""Parameters of SQL statements, secret ones masked by their compiled names and by the columns in the text."""

from __future__ import annotations

import re
from typing import Any, Union

from . import masking, values
from .values import MASK, may_be_secret, scalar

#: Parameters recorded of an execution.
MAX_PARAMETERS = 80

#: Parameters that are masked: none, those at these positions, or those of these names.
Plan = Union[None, "tuple[int, ...]", "frozenset[str]"]

_harmless = values.harmless.get
_PLACEHOLDER = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|(?P<mark>\?|%s|%\(\w+\)s|:\w+|\$\d+)")
_INSERT = re.compile(r"\s*(?:INSERT|REPLACE)\s[^(]*\((?P<columns>[^()]*)\)\s*(?:OUTPUT\s.*?)?VALUES\s*\(", re.I | re.S)
#: Before a placeholder: the column that it is compared with or assigned to.
_BEFORE = re.compile(
    r"(?P<column>\w+)[\"`\]]?[\s)]*(?:[=<>!]+|(?:NOT\s+)?(?:LIKE|IN|BETWEEN|REGEXP)|IS(?:\s+NOT)?)\s*(?:\w+\s*)?[(\[]*\s*$",
    re.I,
)
_SAME_AGAIN = re.compile(r"\s*(?:,|AND)\s*$", re.I)


def masked(parameters: Any, plan: Plan) -> tuple[Any, ...]:
    """Return parameters in the statement's order, or "{}", name, value … of drivers that take names; masked, capped."""
    if type(parameters) is dict:
        return _masked_by_name(parameters, plan)
    if len(parameters) > MAX_PARAMETERS:
        parameters = parameters[:MAX_PARAMETERS]
    flat: list[Any] = []
    for value in parameters:  # as scalar() would, without a call for most values
        if type(value) is str:
            flat.append(_harmless(value) or scalar(value))
        elif type(value) is int:
            flat.append(value)
        else:
            flat.append(scalar(value))
    if plan is not None:
        positions: Any = plan if type(plan) is tuple else range(len(flat))  # one made for another driver masks all
        for position in positions:
            if position < len(flat):
                value = parameters[position]
                if value if type(value) is str else may_be_secret(value):
                    flat[position] = MASK
    return tuple(flat)


def _masked_by_name(parameters: dict[str, Any], plan: Plan) -> tuple[Any, ...]:
    flat: list[Any] = ["{}"]
    secret = parameters if type(plan) is tuple else plan or ()  # a plan that was made for another driver masks all
    for name in list(parameters)[:MAX_PARAMETERS]:
        # SQLAlchemy's names are often of classes of its own below str, which marshal does not take.
        flat.append(name if type(name) is str else str.__str__(name))
        value = parameters[name]
        flat.append(MASK if name in secret and may_be_secret(value) else scalar(value))
    return tuple(flat)


def plan(statement: str, parameters: Any, context: Any) -> Plan:
    """Return the parameters of ``statement`` to be masked, this time and whenever it is executed again."""
    columns = _columns(statement)
    if type(parameters) is dict:
        marks = [mark[2:-2] for mark in _marks(statement) if mark[:2] == "%("]
        if len(columns) == len(marks):
            secret = {name for name, column in zip(marks, columns) if _is_secret(column)}
        else:
            secret = set(marks) if masking.names_secret(statement) else set()
        return frozenset(secret.union(filter(_is_secret, parameters))) or None
    compiled = _compiled_names(context)
    fitting = [names for names in (compiled, columns) if len(names) == len(parameters)]
    if fitting and (not compiled or compiled in fitting):
        secret_positions = [position for position, names in enumerate(zip(*fitting)) if any(map(_is_secret, names))]
    elif masking.names_secret(statement) or any(map(_is_secret, compiled)):
        secret_positions = list(range(len(parameters)))
    else:
        secret_positions = []
    return tuple(secret_positions[:MAX_PARAMETERS]) or None


def _is_secret(name: Any) -> bool:
    return isinstance(name, str) and masking.secret_key(str.__str__(name))


def _compiled_names(context: Any) -> list[str]:
    """Return the names of positional parameters, that of an IN list once for each of its values."""
    compiled = getattr(context, "compiled", None)
    expanded = getattr(context, "_expanded_parameters", None) or {}
    names: list[str] = []
    for name in getattr(compiled, "positiontup", None) or ():
        names.extend(expanded.get(name, (name,)))
    return names


def _marks(statement: str) -> list[str]:
    return [match["mark"] for match in _PLACEHOLDER.finditer(statement) if match["mark"]]


def _columns(statement: str) -> list[str]:
    """Return the column of each placeholder, "" where that is unknown; [] for an unusual insert."""
    insert = _INSERT.match(statement)
    if insert is not None:
        names = [name.strip(' \n\t"`[]') for name in insert["columns"].split(",")]
        return _by_value(statement, insert.end(), names)
    columns: list[str] = []
    column, end = "", 0
    for match in _PLACEHOLDER.finditer(statement):
        if not match["mark"]:
            continue
        before = _BEFORE.search(statement, max(end, match.start() - 200), match.start())
        if before is not None:
            column = before["column"]
        elif not _SAME_AGAIN.match(statement, end, match.start()):
            column = ""
        columns.append(column)
        end = match.end()
    return columns


def _by_value(statement: str, start: int, names: list[str]) -> list[str]:
    """Return the columns of an insert's placeholders, row after row."""
    columns: list[str] = []
    depth, index = 1, 0
    for match in re.finditer(r"'(?:[^']|'')*'|[(),]|(?P<mark>\?|%s|%\(\w+\)s|:\w+|\$\d+)", statement[start:]):
        sign = match[0]
        if match["mark"]:
            if depth == 0:
                return []  # beyond the rows: ON DUPLICATE KEY UPDATE and the like
            columns.append(names[index] if index < len(names) else "")
        elif sign == "(":
            depth += 1
            index = 0 if depth == 1 else index
        elif sign == ")":
            depth -= 1
        elif sign == "," and depth == 1:
            index += 1
    return columns
