"""DuckDB, the embedded engine: a store's segments as tables, questions repeated if a compaction removes their files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from tracer.errors import TracerError
from tracer.files import folder as files_folder
from tracer.fleet import schema, store
from tracer.fleet.segments import BOOTS, KEYS, STEPS
from tracer.fleet.store import Listing, Store
from tracer.text import command

_Result = TypeVar("_Result")
#: Times that a question starts again because a compaction removed a file that it was to read.
_TRIES = 10
_PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 131072, USE_TMP_FILE false"
DEFAULT_MEMORY = "1GB"


def duckdb() -> Any:
    """Return the library; raise TracerError that names the extra if it is not installed."""
    try:
        import duckdb
    except ImportError:
        raise TracerError("bootseq fleet needs DuckDB: pip install 'bootseq[fleet]'") from None
    return duckdb


@contextmanager
def connect(memory: str = DEFAULT_MEMORY) -> Iterator[Any]:
    """Yield a connection to an empty database in memory, which loads nothing from the network."""
    library = duckdb()
    settings = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "memory_limit": memory}
    try:
        connection = library.connect(config=settings | {"temp_directory": ""})
    except library.Error as error:
        raise TracerError(f"--memory {memory}: {_first_line(error)}") from None
    with contextlib.closing(connection):
        connection.execute(
            "SET TimeZone = 'UTC'; SET preserve_insertion_order = false; SET enable_progress_bar = false"
        )
        yield connection


@contextmanager
def copied(connection: Any, query: str) -> Iterator[tuple[BinaryIO, str]]:
    """Yield a nameless Parquet file with the rows of a query, and the digest of its bytes."""
    from tracer.fleet.segments import digest_of_file

    with store.scratch() as file:
        try:
            connection.execute(f"COPY ({query}) TO '/proc/self/fd/{file.fileno()}' ({_PARQUET})")
        except duckdb().Error as error:
            raise TracerError(f"cannot write: {_first_line(error)}") from None
        yield file, digest_of_file(file)


def ask(
    opened: Store, question: Callable[[Any], _Result], *, memory: str = DEFAULT_MEMORY,
    days: Callable[[date], bool] = lambda day: True,
) -> _Result:  # fmt: skip
    """Return the answer to a question, which is called with a connection to the store's tables.

    Every file's bytes are verified first: of a damaged store no question is answered.
    """
    for _ in range(_TRIES):
        listing = opened.listing(days)
        try:
            _verify(opened, listing)
            with _spilling(memory) as connection:
                attach(connection, opened, listing)
                return question(connection)
        except duckdb().IOException as error:
            if opened.listing(days) == listing:
                raise TracerError(f"{opened.path}: {_first_line(error)}") from None
        except _GoneError as gone:
            if opened.listing(days) == listing:
                raise TracerError(str(gone)) from None
        except duckdb().OutOfMemoryException:
            raise TracerError(
                f"not enough memory within {memory}; pass --memory 4GB, or fewer boots: --where"
            ) from None
    raise TracerError(f"{opened.path}: its files do not stop changing; try again when the compaction has ended")


class _GoneError(Exception):
    """A file that is missing or damaged, unless a compaction has just replaced it."""


def _verify(opened: Store, listing: Listing) -> None:
    for kind, name, day in files(listing):
        if fault := opened.fault(kind, name, day):
            where = f"{opened.path}/{kind}/" + (f"day={day}/" if day else "") + name
            raise _GoneError(f"{where}: {fault}; see: {command('bootseq', 'fleet', 'check', opened.path)}")


def files(listing: Listing) -> Iterator[tuple[str, str, date | None]]:
    """Yield kind, name and day of every file of a listing."""
    for segment in listing.segments:
        yield BOOTS, segment.boots, segment.day
    for name, day in dict.fromkeys((segment.steps, segment.day) for segment in listing.segments):
        yield STEPS, name, day
    for name in listing.keys:
        yield KEYS, name, None


@contextmanager
def _spilling(memory: str) -> Iterator[Any]:
    """Yield a connection that may use a private folder on the disk for what does not fit in memory."""
    above = os.environ.get("TMPDIR") or "/var/tmp"
    with connect(memory) as connection:
        folder = None
        with contextlib.suppress(OSError):
            folder = files_folder.fresh(Path(above), "bootseq-fleet-")
        try:
            if folder is not None:
                connection.execute(f"SET temp_directory = '/proc/self/fd/{folder.descriptor}'")
            yield connection
        finally:
            if folder is not None:
                path = folder.path
                folder.close()
                files_folder.remove(path)


def attach(connection: Any, opened: Store, listing: Listing) -> None:
    """Create the views ``boots`` (a row a boot: the last that was added), ``steps`` and ``keys``."""
    boots = [opened.file(BOOTS, segment.boots, segment.day) for segment in listing.segments]
    steps = list(dict.fromkeys(opened.file(STEPS, segment.steps, segment.day) for segment in listing.segments))
    _view(connection, "all_boots", schema.BOOTS | {"day": "DATE"}, boots)
    _view(connection, "all_steps", schema.STEPS | {"day": "DATE"}, steps)
    _view(connection, "all_keys", schema.KEYS, [opened.file(KEYS, name) for name in listing.keys])
    connection.execute("CREATE VIEW keys AS SELECT DISTINCT * FROM all_keys")
    rows, distinct = connection.execute("SELECT count(*), count(DISTINCT boot) FROM all_boots").fetchall()[0]
    if rows == distinct:
        connection.execute("CREATE VIEW boots AS FROM all_boots; CREATE VIEW steps AS FROM all_steps")
        return
    # A boot that was added again, or that a compaction has just copied.
    connection.execute(
        "CREATE TABLE boots AS SELECT * FROM all_boots"
        " QUALIFY row_number() OVER (PARTITION BY boot ORDER BY added DESC, part) = 1;"
        "CREATE VIEW steps AS FROM all_steps SEMI JOIN boots USING (boot, part)"
    )


def _view(connection: Any, name: str, columns: dict[str, str], paths: list[str]) -> None:
    if not paths:
        empty = ", ".join(f"NULL::{kind} AS {column}" for column, kind in columns.items())
        connection.execute(f"CREATE VIEW {name} AS SELECT {empty} WHERE false")
        return
    listed = ", ".join(f"'{path}'" for path in paths)
    options = "union_by_name = true"
    if "day" in columns:
        options += ", hive_partitioning = true, hive_types = {'day': DATE}"
    connection.execute(f"CREATE VIEW {name} AS SELECT {', '.join(columns)} FROM read_parquet([{listed}], {options})")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def runner(connection: Any) -> Callable[[str], list[tuple[Any, ...]]]:
    """Return a function that runs a query and returns its rows."""

    def run(query: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = connection.execute(query).fetchall()
        return rows

    return run
