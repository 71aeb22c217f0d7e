"""The CPU that hooks add to a statement, a call, a log record, beside OpenTelemetry and osprofiler, in one process."""

from __future__ import annotations

import functools
import io
import json
import logging
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from tests.bench.row import Row

ROUNDS = 15
#: The workload of a contender: a folder -> a context manager of the work.
Work = Callable[[], object]
Contender = Callable[[Path], AbstractContextManager[Work]]


def run() -> Iterable[Row]:
    """Measure the contenders in turn, so that all meet the same machine; the best round of each counts."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        for what, budget, times, contenders in (
            ("SQL statement", 2.0, 1_000, STATEMENTS),
            ("function call", 1.0, 4_000, CALLS),
            ("log record", 2.0, 1_500, RECORDS),
        ):
            yield from _compared(what, budget, times, contenders, Path(folder))


def _compared(what: str, budget: float, times: int, contenders: dict[str, Contender], folder: Path) -> Iterator[Row]:
    best = dict.fromkeys(contenders, float("inf"))
    for number in range(ROUNDS):
        for name, contender in contenders.items():
            round_folder = folder / what / name / str(number)
            round_folder.mkdir(parents=True)
            with contender(round_folder) as work:
                best[name] = min(best[name], microseconds(work, times))
    bare = best.pop("bare")
    ours = best.pop("bootseq") - bare
    yield Row(f"{what}, bare", bare, "µs")
    yield Row(f"{what}: bootseq adds", ours, "µs", ours / budget, f"its budget of {budget:g} µs")
    for name, spent in best.items():
        yield Row(f"{what}: {name} adds", spent - bare, "µs", (spent - bare) / ours, "bootseq")


def microseconds(work: Work, times: int) -> float:
    """Return the CPU of the whole process for one piece of work, later work of a contender's threads included."""
    for _ in range(50):
        work()
    flush = getattr(work, "flush", None)
    began = time.process_time_ns()
    for _ in range(times):
        work()
    if flush is not None:
        flush()
    return (time.process_time_ns() - began) / times / 1_000


# bootseq


@contextmanager
def with_hooks(folder: Path, *hooks: str, points: Iterable[object] = ()) -> Iterator[None]:
    import patches

    options = {"segment_size": 64 << 20, "cap": 1 << 30, "hooks": list(hooks), "points": list(points), "ask": []}
    patches.install(str(folder), options)
    try:
        yield
    finally:
        patches.uninstall()
        for path in folder.rglob("*.seg"):
            path.unlink()


# OpenTelemetry: batches, written as JSON to a file as every tracer must in the end, or dropped


class _Flushing:
    """Work with a flush that waits for its batches."""

    def __init__(self, work: Work, flush: Callable[[], object]) -> None:
        self.work = work
        self.flush = flush

    def __call__(self) -> object:
        return self.work()


@contextmanager
def _spans(folder: Path, to_file: bool) -> Iterator[Any]:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    with (folder / "spans.json").open("w") as file:
        formatted: dict[str, Any] = {} if to_file else {"formatter": lambda span: ""}
        exporter = ConsoleSpanExporter(out=file if to_file else _Nowhere(), **formatted)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=1 << 20))
        yield provider
        provider.shutdown()


class _Nowhere(io.StringIO):
    """A file that drops its text."""

    def write(self, text: str) -> int:
        return len(text)


# osprofiler, to a JSON file


@contextmanager
def _profiled(folder: Path) -> Iterator[Any]:
    from osprofiler import notifier, profiler

    with (folder / "profile.json").open("w") as file:
        notifier.set(functools.partial(_write, file))
        profiler.init("key")
        yield profiler
        profiler.clean()
        notifier.set(lambda info: None)


def _write(file: io.TextIOBase, info: dict[str, Any]) -> None:
    file.write(json.dumps(info, default=str) + "\n")


# SQL


@contextmanager
def _engine() -> Iterator[tuple[Any, Work]]:
    import sqlalchemy as sa

    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    table = sa.table("instances", sa.column("id"), sa.column("uuid"), sa.column("user_data"))
    query = sa.select(table).where(table.c.id == 5, table.c.uuid == "c3b7e8a8-5555", table.c.user_data == "x")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE instances (id int, uuid text, user_data text)")
        yield engine, lambda: connection.execute(query).fetchall()
    engine.dispose()


@contextmanager
def _bare_sql(_: Path) -> Iterator[Work]:
    with _engine() as (_, work):
        yield work


@contextmanager
def _hooked_sql(folder: Path) -> Iterator[Work]:
    with with_hooks(folder, "sql"), _engine() as (_, work):
        yield work


def _traced_sql(to_file: bool) -> Contender:
    @contextmanager
    def contender(folder: Path) -> Iterator[Work]:
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

        with _spans(folder, to_file) as provider, _engine() as (engine, work):
            SQLAlchemyInstrumentor().instrument(engine=engine, tracer_provider=provider, skip_dep_check=True)
            try:
                yield _Flushing(work, provider.force_flush)
            finally:
                SQLAlchemyInstrumentor().uninstrument()

    return contender


@contextmanager
def _profiled_sql(folder: Path) -> Iterator[Work]:
    import osprofiler.sqlalchemy
    import sqlalchemy as sa

    with _profiled(folder), _engine() as (engine, work):
        osprofiler.sqlalchemy.add_tracing(sa, engine, "db")
        yield work


STATEMENTS: dict[str, Contender] = {
    "bare": _bare_sql,
    "bootseq": _hooked_sql,
    "OpenTelemetry, batches to a file": _traced_sql(to_file=True),
    "OpenTelemetry, batches to nowhere": _traced_sql(to_file=False),
    "osprofiler to a file": _profiled_sql,
}


# Function calls


class Api:
    """A class with the method that is called."""

    def create(self, name: str) -> str:
        """Return the name."""
        return name


@contextmanager
def _bare_call(_: Path) -> Iterator[Work]:
    api = Api()
    yield lambda: api.create("x")


@contextmanager
def _hooked_call(folder: Path) -> Iterator[Work]:
    api = Api()
    with with_hooks(folder, points=[[__name__, ["Api.create"], []]]):
        yield lambda: api.create("x")


def _traced_call(to_file: bool) -> Contender:
    @contextmanager
    def contender(folder: Path) -> Iterator[Work]:
        api = Api()
        with _spans(folder, to_file) as provider:
            create = provider.get_tracer("bench").start_as_current_span("create")(api.create)
            yield _Flushing(lambda: create("x"), provider.force_flush)

    return contender


@contextmanager
def _profiled_call(folder: Path) -> Iterator[Work]:
    api = Api()
    with _profiled(folder) as profiler:

        @profiler.trace("create")  # type: ignore[untyped-decorator]
        def create(name: str) -> str:
            return api.create(name)

        yield lambda: create("x")


CALLS: dict[str, Contender] = {
    "bare": _bare_call,
    "bootseq": _hooked_call,
    "OpenTelemetry, batches to a file": _traced_call(to_file=True),
    "OpenTelemetry, batches to nowhere": _traced_call(to_file=False),
    "osprofiler to a file": _profiled_call,
}


# Log records


@contextmanager
def _logger(*more: logging.Handler) -> Iterator[Work]:
    """Yield the work of a service's logger: a handler formats each record and writes it."""
    logger = logging.getLogger("nova.compute.manager")
    logger.setLevel(logging.INFO)
    logger.propagate, logger.handlers = False, []
    handler = logging.StreamHandler(_Nowhere())
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s %(message)s"))
    for handler_added in (handler, *more):
        logger.addHandler(handler_added)
    yield lambda: logger.info("Took %0.2f seconds to spawn the instance on the hypervisor %s.", 0.5, "c1")


@contextmanager
def _bare_log(_: Path) -> Iterator[Work]:
    with _logger() as work:
        yield work


@contextmanager
def _hooked_log(folder: Path) -> Iterator[Work]:
    with with_hooks(folder, "logs"), _logger() as work:
        yield work


@contextmanager
def _traced_log(folder: Path) -> Iterator[Work]:
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, ConsoleLogRecordExporter

    with (folder / "logs.json").open("w") as file:
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(
            BatchLogRecordProcessor(ConsoleLogRecordExporter(out=file), max_queue_size=1 << 20)
        )
        with _logger(LoggingHandler(logger_provider=provider)) as work:
            yield _Flushing(work, provider.force_flush)
        provider.shutdown()


RECORDS: dict[str, Contender] = {
    "bare": _bare_log,
    "bootseq": _hooked_log,
    "OpenTelemetry's handler, batches to a file": _traced_log,
}
