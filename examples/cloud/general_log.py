"""MariaDB's general log: what it says of each connection, and statements cut into a text and its literals."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_ENTRY = re.compile(r"(?:(\d{6} +\d+:\d\d:\d\d)\t|\t\t) *(\d+) (Connect|Query|Quit|Init DB|Prepare|Execute|Ping)\t(.*)")
_USER = re.compile(r"([^@\s]+)@\S* (?:as \S+ )?on ")
#: What drivers send by themselves, below SQLAlchemy's statements: named, by the words it begins with.
_BELOW = re.compile(r"(COMMIT|ROLLBACK(?! TO)|BEGIN|START TRANSACTION|SET NAMES|SET AUTOCOMMIT)\b", re.IGNORECASE)
#: What SQLAlchemy and oslo.db ask of a fresh connection, by the driver's bare cursor.
_CONNECTING = re.compile(r"SET SESSION |SHOW VARIABLES LIKE |SELECT VERSION\(\)|SELECT @@\w*(tx|transaction)_isolation")

_TOKEN = re.compile(
    r"""(?P<literal>(?:_binary\s*|\bx)?'(?:[^'\\]|\\.|'')*'|(?<![\w.`])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.`])
    |\bNULL\b|\btrue\b|\bfalse\b)|(?P<space>\s+)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_MARK = re.compile(r"%%|%s|%\((?P<name>\w+)\)s")
_ROWS = re.compile(r"(\(\?(?:, ?\?)*\))(?:, ?\(\?(?:, ?\?)*\))+")
_ESCAPES = {"n": "\n", "r": "\r", "0": "\0", "Z": "\x1a"}
#: What a hook leaves of a value that it does not keep: masked, cut, or of a type that it does not show.
_KEPT_BACK = re.compile(r"\*\*\*|… \(\d+ characters\)|<[^>]*>$")


@dataclass(frozen=True)
class Logged:
    """`at` in seconds of the epoch, the log has no finer; `user` is "" for a connection that nobody named."""

    at: int
    connection: int
    user: str
    command: str
    statement: str

    @property
    def below(self) -> str:
        """The name of what a driver sends by itself; "" for a statement."""
        if self.command != "Query":
            return self.command
        if _CONNECTING.match(self.statement):
            return "questions to a fresh connection"
        found = _BELOW.match(self.statement)
        return found[1].upper() if found else ""


def logged(text: str, connections: str) -> Iterator[Logged]:
    """`connections` are lines "id, user, host" of those that were open before the log was switched on."""
    users = {}
    for line in connections.splitlines():
        number, user, _ = line.split("\t")
        users[int(number)] = user
    at = 0
    for stamp, number, command, said in _entries(text):
        if stamp:
            at = int(datetime.strptime(stamp, "%y%m%d %H:%M:%S").astimezone().timestamp())
        if command == "Connect" and (found := _USER.match(said)):
            users[int(number)] = found[1]
        yield Logged(at, int(number), users.get(int(number), ""), command, said)


def _entries(text: str) -> Iterator[tuple[str, str, str, str]]:
    """A statement's further lines stand by themselves; the head that each start of the server writes is no entry."""
    entry: list[str] = []
    for line in text.splitlines():
        found = _ENTRY.match(line)
        if found:
            if entry:
                yield entry[0], entry[1], entry[2], entry[3]
            entry = [found[1] or "", found[2], found[3], found[4]]
        elif line.startswith(("Tcp port:", "Time\t")) or ", Version: " in line:
            continue
        elif entry:
            entry[3] += "\n" + line
    if entry:
        yield entry[0], entry[1], entry[2], entry[3]


def cut(statement: str) -> tuple[str, tuple[str, ...]]:
    """The text with a ? for each literal, rows of an INSERT beyond the first left out; and the literals as they are."""
    literals: list[str] = []

    def mark(found: re.Match[str]) -> str:
        if found["space"]:
            return " "
        literals.append(_plain(found["literal"]))
        return "?"

    # A list without values is written in ways of its own, so both sides have all the others' marks.
    return _ROWS.sub(r"\1", _TOKEN.sub(mark, statement).strip()), tuple(literals)


def _plain(literal: str) -> str:
    """A literal's value as text: what both sides agree on, however each writes it."""
    if not literal.endswith("'"):
        return {"true": "1", "false": "0", "null": "NULL"}.get(literal.lower(), literal)
    inner = literal[literal.index("'") + 1 : -1].replace("''", "'")
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), inner, flags=re.DOTALL)


def rendered(statement: str, parameters: Any) -> str:
    """A statement of SQLAlchemy's with its parameters put in as PyMySQL does, so that both can be cut alike."""
    if not parameters:
        return statement
    positions = iter(parameters if isinstance(parameters, list) else ())

    def fill(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        if isinstance(parameters, Mapping):
            return _literal(parameters.get(found["name"], "***"))
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
    """Whether literals agree, as far as ours were kept: times differ in how they are written, secrets are masked."""
    # Of several rows the hooks keep the first.
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
