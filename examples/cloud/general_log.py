"""MariaDB's general log: the entries of each connection, and statements split into a text and its literals."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_ENTRY = re.compile(r"(?:(\d{6} +\d+:\d\d:\d\d)\t|\t\t) *(\d+) (Connect|Query|Quit|Init DB|Prepare|Execute|Ping)\t(.*)")
_USER = re.compile(r"([^@\s]+)@\S* (?:as \S+ )?on ")
#: Statements that drivers send by themselves, below SQLAlchemy's, by their first words.
_BELOW = re.compile(r"(COMMIT|ROLLBACK(?! TO)|BEGIN|START TRANSACTION|SET NAMES|SET AUTOCOMMIT)\b", re.IGNORECASE)
#: Queries of SQLAlchemy and oslo.db on a new connection, by the driver's bare cursor.
_CONNECTING = re.compile(r"SET SESSION |SHOW VARIABLES LIKE |SELECT VERSION\(\)|SELECT @@\w*(tx|transaction)_isolation")

_TOKEN = re.compile(
    r"""(?P<literal>(?:_binary\s*|\bx)?'(?:[^'\\]|\\.|'')*'|(?<![\w.`])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.`])
    |\bNULL\b|\btrue\b|\bfalse\b)|(?P<space>\s+)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_MARK = re.compile(r"%%|%s|%\((?P<name>\w+)\)s")
_ROWS = re.compile(r"(\(\?(?:, ?\?)*\))(?:, ?\(\?(?:, ?\?)*\))+")
_ESCAPES = {"n": "\n", "r": "\r", "0": "\0", "Z": "\x1a"}
#: A hook's replacement of a value: masked, cut, or of a type that it does not show.
_KEPT_BACK = re.compile(r"\*\*\*|… \(\d+ characters\)|<[^>]*>$")


@dataclass(frozen=True)
class Logged:
    """An entry; `time` is in seconds since the epoch, as the log is, `user` is "" for an unnamed connection."""

    time: int
    connection: int
    user: str
    command: str
    statement: str

    @property
    def below(self) -> str:
        """Return the name of a driver's own statement; "" for any other."""
        if self.command != "Query":
            return self.command
        if _CONNECTING.match(self.statement):
            return "questions to a fresh connection"
        match = _BELOW.match(self.statement)
        return match[1].upper() if match else ""


def logged(text: str, connections: str) -> Iterator[Logged]:
    """Yield the entries; `connections` are lines "id, user, host" of the connections opened before the log was on."""
    users = {}
    for line in connections.splitlines():
        number, user, _ = line.split("\t")
        users[int(number)] = user
    time = 0
    for stamp, number, command, argument in _entries(text):
        if stamp:
            time = int(datetime.strptime(stamp, "%y%m%d %H:%M:%S").astimezone().timestamp())
        if command == "Connect" and (match := _USER.match(argument)):
            users[int(number)] = match[1]
        yield Logged(time, int(number), users.get(int(number), ""), command, argument)


def _entries(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield the raw entries: further lines of a statement are joined, the head of each server start is skipped."""
    entry: list[str] = []
    for line in text.splitlines():
        match = _ENTRY.match(line)
        if match:
            if entry:
                yield entry[0], entry[1], entry[2], entry[3]
            entry = [match[1] or "", match[2], match[3], match[4]]
        elif line.startswith(("Tcp port:", "Time\t")) or ", Version: " in line:
            continue
        elif entry:
            entry[3] += "\n" + line
    if entry:
        yield entry[0], entry[1], entry[2], entry[3]


def cut(statement: str) -> tuple[str, tuple[str, ...]]:
    """Return the text with a ? for each literal, without an INSERT's rows beyond the first, and the literals."""
    literals: list[str] = []

    def mark(match: re.Match[str]) -> str:
        if match["space"]:
            return " "
        literals.append(_plain(match["literal"]))
        return "?"

    # Both sides write a list without values in several ways, which are unified here.
    return _ROWS.sub(r"\1", _TOKEN.sub(mark, statement).strip()), tuple(literals)


def _plain(literal: str) -> str:
    """Return a literal's value as text, the same for each way of writing it."""
    if not literal.endswith("'"):
        return {"true": "1", "false": "0", "null": "NULL"}.get(literal.lower(), literal)
    inner = literal[literal.index("'") + 1 : -1].replace("''", "'")
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), inner, flags=re.DOTALL)


def rendered(statement: str, parameters: Any) -> str:
    """Return SQLAlchemy's statement with its parameters filled in as PyMySQL does, so that both are split alike."""
    if not parameters:
        return statement
    positions = iter(parameters if isinstance(parameters, list) else ())

    def fill(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        if isinstance(parameters, Mapping):
            return _literal(parameters.get(match["name"], "***"))
        return _literal(next(positions, "***"))

    return _MARK.sub(fill, statement)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def same(theirs: tuple[str, ...], ours: tuple[str, ...]) -> bool:
    """Return whether literals agree, as far as ours were recorded: times vary in form, secrets are masked."""
    # The hooks record the first of several rows.
    return len(theirs) >= len(ours) and all(map(_same, theirs, ours))


def _same(theirs: str, ours: str) -> bool:
    if theirs == ours or _KEPT_BACK.search(ours):
        return True
    times = [value.replace("T", " ", 1) for value in (theirs, ours)]
    if times[0].startswith(times[1]) and times[0][len(times[1]) :].strip(".0") == "":
        return True
    try:
        return float(theirs) == float(ours)
    except ValueError:
        return False
