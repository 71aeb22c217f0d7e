"""SQL as SQLAlchemy echoes it: the statement, its parameters, and, with rows, its result."""

from __future__ import annotations

import re
from functools import lru_cache

from patches import masking, sql_parameters
from tracer.events import Event
from tracer.model import Value
from tracer.sources import values as sources_values
from tracer.sources.logs.memo import Memo
from tracer.sources.logs.process_log import ProcessLog
from tracer.sources.logs.records import Ids, Record

_PARAMETERS = re.compile(
    r"(?:\[(?:generated in|cached since|no key|caching disabled|raw sql|dialect)[^\]]*\]\s*)?"
    r"(?P<values>[(\[{].*)?\Z",
    re.DOTALL,
)
#: Lines that are not statements. A BEGIN that a program sends itself is one: parameters ``[raw sql] ()`` follow it.
#: Parameters without a known statement are skipped: two threads of a request may write at the same time.
_TRANSACTION = re.compile(
    rb"BEGIN \(|COMMIT|ROLLBACK(?! TO)|PREPARE|XA |\[(?:cached|generated|raw sql|no key|caching disabled|dialect)",
    re.IGNORECASE,
)
#: How parameters begin, and how lines of a result begin.
_OPENS = (b"(", b"[", b"{")
_RESULT = (b"Col (", b"Row (")


class SqlParser:
    """The parser of one process's SQL statements."""

    def __init__(self, log: ProcessLog) -> None:
        self._log = log
        #: the last statement of each request: parameters and rows are records of their own
        self._last: dict[Ids, Event] = {}
        self._waits: set[int] = set()
        #: statements recur often: each text is stored once
        self._texts: Memo[str, str] = Memo(masking.without_secrets)

    def take(self, record: Record) -> bool:
        """Parse a record; return True: every record of this logger belongs to a statement."""
        ids = record.ids
        last = self._last.get(ids)
        opening = record.opening
        if opening.startswith(_RESULT):
            if last is not None:
                self._add_row(last, record)
            return True
        if last is not None and last.number in self._waits and self._take_parameters(last, record):
            return True
        if _TRANSACTION.match(opening) is None:
            event = self._log.add("sql", "", record, statement=self._texts[record.message])
            event.end = record.time
            self._last[ids] = event
            self._waits.add(event.number)
        return True

    def _take_parameters(self, event: Event, record: Record) -> bool:
        match = _PARAMETERS.match(record.message) if record.opening.startswith(_OPENS) else None
        if match is None:
            return False
        self._waits.discard(event.number)
        event.end = max(record.time, event.start)
        written, statement = match["values"] or "()", str(event.attributes["statement"])
        values = sources_values.parse_literal(written)
        event.attributes["parameters"] = _unread(statement, written) if values is None else _masked(statement, values)
        return True

    def _add_row(self, event: Event, record: Record) -> None:
        event.end = max(record.time, event.start)
        if record.opening.startswith(b"Row"):
            rows = event.attributes.get("rows")
            event.attributes["rows"] = (rows if isinstance(rows, int) else 0) + 1
        else:
            event.attributes.setdefault("rows", 0)


def _masked(statement: str, values: Value) -> Value:
    """Mask secret parameters, known by their names and by the columns they are assigned to or compared with."""
    rows = (
        values if isinstance(values, list) and values and all(isinstance(row, (list, dict)) for row in values) else None
    )
    if rows is not None:  # several executions of one statement
        return [_masked(statement, row) for row in rows[: sources_values.MAX_ITEMS]]
    if isinstance(values, dict):
        secret = _plan(statement, tuple(values))
        return sources_values.masked(
            {name: _hidden(value) if name in secret else value for name, value in values.items()}
        )
    if not isinstance(values, list):
        return sources_values.masked(values)
    secret_indexes = _plan(statement, len(values))
    return [
        _hidden(value) if index in secret_indexes else sources_values.masked(value)
        for index, value in enumerate(values[: sources_values.MAX_ITEMS])
    ]


def _hidden(value: Value) -> Value:
    return masking.MASK if masking.may_be_secret(value) else value


@lru_cache(maxsize=4096)
def _plan(statement: str, parameters: int | tuple[str, ...]) -> frozenset[int | str]:
    """Return the indexes or names of secret parameters, given their number or names; cached, as statements recur."""
    values = (None,) * parameters if isinstance(parameters, int) else dict.fromkeys(parameters)
    return frozenset(sql_parameters.plan(statement, values, None) or ())


def _unread(statement: str, written: str) -> str:
    """Return parameters that are not a Python literal, being too long or cut off, as text without secrets."""
    return masking.MASK if masking.names_secret(statement) else sources_values.text(written)
