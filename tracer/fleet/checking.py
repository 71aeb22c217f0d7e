"""The verification of a store: every file against the digest in its name, and the rows against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tracer.fleet import segments
from tracer.fleet.engine import connect, duckdb, files
from tracer.fleet.segments import BOOTS, KEYS, STEPS, Segment
from tracer.fleet.store import REMNANT_AGE, Listing, Store

#: Files that differ by nothing but their columns' order or number are read as one table: those of later versions too.
_COUNTS = """
SELECT b.boot FROM read_parquet('{boots}') b
LEFT JOIN (SELECT boot, sum(n) AS n FROM read_parquet('{steps}') GROUP BY boot) s ON b.boot = s.boot
WHERE coalesce(s.n, 0) <> b.steps OR b.part <> {part}
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not as it should be: its path below the store, the reason, and whether boots are lost by it."""

    file: str
    reason: str
    harmless: bool = False


def check(store: Store, doing: Callable[[str, float | None], None]) -> list[Fault]:
    """Return the faults of a store: damaged and missing files first, then remnants of interrupted commands."""
    listing = store.listing()
    every = list(files(listing))
    faults = []
    for number, (kind, name, day) in enumerate(every):
        doing("verifying", number / len(every))
        if reason := store.fault(kind, name, day):
            if reason == "missing" and day and not any(s.boots == name or s.steps == name for s in store.segments(day)):
                continue  # compacted since it was listed
            faults.append(Fault(_path(kind, name, day), reason))
    damaged = {fault.file for fault in faults}
    faults += _inner_faults(store, listing, damaged)
    faults += [
        Fault(f"{folder}/{name}", "left by an interrupted command", harmless=True)
        for folder, name, age in store.remnants() if age > REMNANT_AGE
    ]  # fmt: skip
    return faults


def _path(kind: str, name: str, day: object) -> str:
    return f"{kind}/day={day}/{name}" if day else f"{kind}/{name}"


def _inner_faults(store: Store, listing: Listing, damaged: set[str]) -> Iterator[Fault]:
    """Yield faults of files whose bytes are right: rows that contradict each other, keys without a name."""
    with connect() as connection:
        for segment in listing.segments:
            names = _path(BOOTS, segment.boots, segment.day), _path(STEPS, segment.steps, segment.day)
            if damaged.isdisjoint(names):
                yield from _contradictions(connection, store, segment, names[0])
        if all(name not in damaged for name in (_path(KEYS, name, None) for name in listing.keys)):
            yield from _nameless(connection, store, listing, damaged)


def _contradictions(connection: Any, store: Store, segment: Segment, path: str) -> Iterator[Fault]:
    query = _COUNTS.format(
        boots=store.file(BOOTS, segment.boots, segment.day), steps=store.file(STEPS, segment.steps, segment.day),
        part=segments.part(segment.content, segment.nonce),
    )  # fmt: skip
    try:
        boots = connection.execute(query).fetchall()
    except duckdb().IOException:
        return  # compacted since it was listed
    except duckdb().Error as error:
        yield Fault(path, str(error).partition("\n")[0])
        return
    if boots:
        yield Fault(path, f"{len(boots)} boots without all of their steps")


def _nameless(connection: Any, store: Store, listing: Listing, damaged: set[str]) -> Iterator[Fault]:
    steps = [
        f"'{store.file(STEPS, segment.steps, segment.day)}'" for segment in listing.segments
        if _path(STEPS, segment.steps, segment.day) not in damaged
    ]  # fmt: skip
    if not steps:
        return
    keys = ", ".join(f"'{store.file(KEYS, name)}'" for name in listing.keys)
    known = f"SELECT key FROM read_parquet([{keys}])" if keys else "SELECT 0::BIGINT AS key WHERE false"
    query = f"SELECT count(DISTINCT key) FROM read_parquet([{', '.join(steps)}]) ANTI JOIN ({known}) USING (key)"
    try:
        ((count,),) = connection.execute(query).fetchall()
    except duckdb().IOException:
        return
    if count:
        yield Fault(KEYS, f"{count} keys without a name: a file of keys is missing")
