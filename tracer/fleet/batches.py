"""Rows of boots gathered in memory and committed to a store as a segment for each day."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from tracer.fleet import schema, segments
from tracer.fleet.engine import connect, copied
from tracer.fleet.keys import Key
from tracer.fleet.rows import BootRows, StepRow
from tracer.fleet.segments import BOOTS, KEYS, STEPS
from tracer.fleet.store import Store

_BY_STEP = "key, boot"
_BY_BOOT = "started, boot"


class Batch:
    """The rows of boots that are not in a store yet; of a boot that is added twice the last counts."""

    def __init__(self) -> None:
        self.rows: dict[int, BootRows] = {}

    def add(self, rows: BootRows) -> None:
        """Add a boot."""
        self.rows[rows.boot["boot"]] = rows

    def commit(self, store: Store) -> int:
        """Write the rows and return how many boots were new to the store; the batch is empty then."""
        if not self.rows:
            return 0
        write_keys(store, (key for rows in self.rows.values() for key in rows.keys.values()))
        days: defaultdict[date, list[BootRows]] = defaultdict(list)
        for rows in self.rows.values():
            days[segments.started_day(rows.boot["started"])].append(rows)
        written = sum(_commit_day(store, day, rows) for day, rows in sorted(days.items()))
        self.rows.clear()
        return written


def _commit_day(store: Store, day: date, rows: list[BootRows]) -> int:
    """Write a day's boots; return how many, 0 if this very segment is there."""
    content = segments.digest_of_text("".join(sorted(map(_content, rows))))
    if any(segment.content == content for segment in store.segments(day)):
        return 0
    nonce = secrets.token_hex(8)
    part = segments.part(content, nonce)
    with connect() as connection:
        connection.execute(f"CREATE TABLE steps ({schema.columns(schema.STEPS)})")
        connection.execute(f"CREATE TABLE boots ({schema.columns(schema.BOOTS)})")
        append(connection, "steps", [line for boot in rows for line in _step_lines(boot, part)])
        append(connection, "boots", [_boot_line(boot.boot, part) for boot in rows])
        name = write_steps(connection, store, day, f"{content}.{nonce}", "steps")
        write_boots(connection, store, day, name, "boots")
    return len(rows)


def write_steps(connection: Any, store: Store, day: date, name: str, table: str) -> str:
    """Write a segment's steps from a table of the engine; return the segment's name with the digest of the file."""
    with copied(connection, f"SELECT * FROM {table} ORDER BY {_BY_STEP}") as (file, digest):
        store.write(STEPS, f"{name}.{digest}.parquet", file, day)
        return f"{name}.{digest}"


def write_boots(connection: Any, store: Store, day: date, name: str, table: str) -> None:
    """Write a segment's boots: the commit."""
    with copied(connection, f"SELECT * FROM {table} ORDER BY {_BY_BOOT}") as (file, digest):
        store.write(BOOTS, f"{name}.{digest}.parquet", file, day)


def write_keys(store: Store, keys: Iterable[Key]) -> None:
    """Write those keys that the store does not have."""
    new = {key.number: key for key in keys}
    listing = store.listing(lambda day: False)
    with connect() as connection:
        files = [store.file(KEYS, name) for name in listing.keys]
        if files:
            stored = connection.execute("SELECT key FROM read_parquet(?)", [files]).fetchall()
            for (number,) in stored:
                new.pop(number, None)
        if not new:
            return
        connection.execute(f"CREATE TABLE keys ({schema.columns(schema.KEYS)})")
        lines = [(key.number, key.parent, key.kind, key.service, key.name, key.depth) for key in new.values()]
        append(connection, "keys", lines)
        with copied(connection, "SELECT * FROM keys ORDER BY key") as (file, digest):
            store.write(KEYS, f"{digest}.parquet", file)


def append(connection: Any, table: str, lines: list[tuple[Any, ...]]) -> None:
    """Append rows to a table of the engine."""
    appender = connection.appender(table)
    appender.append_rows(lines)
    appender.flush()


def _content(rows: BootRows) -> str:
    steps = [(key, *_values(rows.steps[key])) for key in sorted(rows.steps)]
    return segments.digest_of_text(repr((sorted(rows.boot.items()), steps)))


def _values(row: StepRow) -> tuple[int | None, ...]:
    longest = None if row.n == 1 else row.longest
    return row.n, row.total, row.alone, longest, row.first, row.errors, row.unfinished


def _step_lines(rows: BootRows, part: int) -> list[tuple[Any, ...]]:
    boot = rows.boot
    head = boot["boot"], part, boot["release"], boot["host"], boot["witnesses"]
    return [(key, *head, *_values(row)) for key, row in rows.steps.items()]


def _boot_line(boot: dict[str, Any], part: int) -> tuple[Any, ...]:
    now = datetime.now(UTC).replace(tzinfo=None)
    values = boot | {"part": part, "added": now, "started": _time(boot["started"])}
    return tuple(values[name] for name in schema.BOOTS)


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds // 10**6, UTC).replace(tzinfo=None, microsecond=microseconds % 10**6)
