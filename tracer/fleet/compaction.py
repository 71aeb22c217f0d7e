"""Compaction and expiry: a day's segments merged into one, old days removed, while others add and read."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any

from tracer.fleet import schema, segments
from tracer.fleet.batches import write_boots, write_steps
from tracer.fleet.engine import connect, copied, duckdb
from tracer.fleet.segments import BOOTS, KEYS, STEPS, Segment
from tracer.fleet.store import REMNANT_AGE, Store

#: Files of keys that are not worth merging.
_FEW_KEY_FILES = 8


def compact_day(store: Store, day: date, memory: str) -> int:
    """Merge a day's segments; return how many there were, 0 if there was nothing to do.

    Another compaction may work on the same day: whichever comes later finds its segments gone and leaves the day as it
    is, or writes the same boots twice, of which readers take one.
    """
    old = store.segments(day)
    if len(old) < 2:
        return 0
    damaged = [segment for segment in old if _is_damaged(store, segment)]
    old = [segment for segment in old if segment not in damaged]
    if len(old) < 2:
        return 0
    with connect(memory) as connection:
        try:
            name = _merged(connection, store, day, old)
        except duckdb().IOException:
            return 0
        if set(old) - set(store.segments(day)):
            return 0  # the steps that were just written remain until they are old enough to be removed
        write_boots(connection, store, day, name, "boots")
    _remove(store, old)
    return len(old)


def _is_damaged(store: Store, segment: Segment) -> bool:
    return bool(store.fault(BOOTS, segment.boots, segment.day) or store.fault(STEPS, segment.steps, segment.day))


def _merged(connection: Any, store: Store, day: date, old: list[Segment]) -> str:
    """Write the steps of the last added copy of each boot; return the new segment's name."""
    boots = [store.file(BOOTS, segment.boots, day) for segment in old]
    steps = [store.file(STEPS, segment.steps, day) for segment in old]
    connection.execute(
        f"CREATE TABLE latest AS SELECT {', '.join(schema.BOOTS)} FROM read_parquet(?, union_by_name = true)"
        " QUALIFY row_number() OVER (PARTITION BY boot ORDER BY added DESC, part) = 1",
        [boots],
    )
    pairs = connection.execute("SELECT boot, part FROM latest ORDER BY boot").fetchall()
    content, nonce = segments.digest_of_text(repr(pairs)), secrets.token_hex(8)
    part = segments.part(content, nonce)
    connection.execute(f"CREATE VIEW boots AS SELECT * REPLACE ({part} AS part) FROM latest")
    listed = ", ".join(f"'{path}'" for path in steps)
    connection.execute(
        f"CREATE VIEW steps AS SELECT * REPLACE ({part} AS part) FROM ("
        f"SELECT {', '.join(schema.STEPS)} FROM read_parquet([{listed}], union_by_name = true)"
        " SEMI JOIN latest USING (boot, part))"
    )
    return write_steps(connection, store, day, f"{content}.{nonce}", "steps")


def _remove(store: Store, old: list[Segment]) -> None:
    for segment in old:
        store.remove(BOOTS, segment.boots, segment.day)
    for segment in old:
        store.remove(STEPS, segment.steps, segment.day)


def compact_keys(store: Store) -> int:
    """Merge the files of keys; return how many there were, 0 if they are few."""
    names = store.listing(lambda day: False).keys
    if len(names) <= _FEW_KEY_FILES or any(store.fault(KEYS, name) for name in names):
        return 0
    with connect() as connection:
        listed = ", ".join(f"'{store.file(KEYS, name)}'" for name in names)
        columns = ", ".join(schema.KEYS)
        query = f"SELECT DISTINCT {columns} FROM read_parquet([{listed}], union_by_name = true) ORDER BY key"
        try:
            with copied(connection, query) as (file, digest):
                merged = f"{digest}.parquet"
                store.write(KEYS, merged, file)
        except duckdb().IOException:
            return 0
    for name in names:
        if name != merged:
            store.remove(KEYS, name)
    return len(names)


def remove_remnants(store: Store) -> int:
    """Remove what interrupted commands left a day ago or earlier; return how many files."""
    old = [(folder, name) for folder, name, age in store.remnants() if age > REMNANT_AGE]
    for folder, name in old:
        kind, _, inner = folder.partition("/")
        store.remove(kind, name, segments.day_of(inner))
    return len(old)


def expire(store: Store, before: date) -> tuple[int, int]:
    """Remove the boots of the days before ``before``; return how many days and segments."""
    old = store.listing(lambda day: day < before).segments
    _remove(store, list(old))
    return len({segment.day for segment in old}), len(old)
