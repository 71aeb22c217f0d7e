"""The boots of trace files added to a store, committed in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tracer import trace_file
from tracer.errors import TracerError
from tracer.fleet.batches import Batch
from tracer.fleet.rows import rows_of
from tracer.fleet.store import Store

#: Boots that are committed together: half a million rows.
_BATCH = 500


@dataclass(slots=True)
class Added:
    """The boots that were new to the store, those that it had, those without an instance, and the traces' errors."""

    new: int = 0
    known: int = 0
    without_instance: int = 0
    errors: list[str] = field(default_factory=list)


def add(
    store: Store,
    paths: Iterable[Path],
    traits: Mapping[str, str],
    by_boot: Mapping[str, Mapping[str, str]],
    doing: Callable[[Path], None],
) -> Added:
    """Add the boots of traces; ``by_boot`` has further traits by instance. A trace with an error is skipped."""
    added, batch = Added(), Batch()
    for path in paths:
        doing(path)
        try:
            trace = trace_file.read(path)
        except TracerError as error:
            added.errors.append(str(error))
            continue
        for boot in trace.boots:
            if boot.uuid:
                batch.add(rows_of(boot, str(path), {**traits, **by_boot.get(boot.uuid, {})}))
            else:
                added.without_instance += 1
        if len(batch.rows) >= _BATCH:
            _commit(store, batch, added)
    _commit(store, batch, added)
    return added


def _commit(store: Store, batch: Batch, added: Added) -> None:
    count = len(batch.rows)
    new = batch.commit(store)
    added.new += new
    added.known += count - new
