"""SQL: every statement that SQLAlchemy hands to a database driver, with masked parameters, rows and duration.

The seam is ``DefaultDialect.do_execute`` and its siblings, on the class, so engines that exist are covered. Statements
are kept once a process, by number.
"""

from __future__ import annotations

import functools
import marshal
import zlib
from typing import TYPE_CHECKING, Any

from . import faults, hook, importing, lease, masking, parameters, record, replacing, steps, values

if TYPE_CHECKING:
    from types import ModuleType

    from . import segment
    from .hook import Function, Maker

sql = hook.Hook("sql")


class _Engine:
    """What is remembered of an engine for one recorder: each has a dialect of its own."""

    __slots__ = ("database", "recorder", "statements")

    def __init__(self, recorder: segment.Segments, database: str | None) -> None:
        self.recorder = recorder
        self.database = database
        #: statement -> (its number, what may be kept of its parameters)
        self.statements: dict[str, tuple[int | str, parameters.Plan]] = {}


_engines: dict[Any, _Engine] = {}
_MAX_ENGINES = 256


def install() -> None:
    """Wrap the dialects' execute methods once SQLAlchemy is there."""
    replacing.undo(_engines.clear)
    importing.when_imported("sqlalchemy.engine.default", functools.partial(sql.guarded, _wrap_default))
    importing.when_imported("sqlalchemy.dialects.*", functools.partial(sql.guarded, _wrap_overrides))


def _wrap_default(module: ModuleType) -> None:
    _wrap_class(vars(module)["DefaultDialect"])


def _wrap_overrides(module: ModuleType) -> None:
    # By identity: each module names its dialect a second time, as ``dialect``.
    for value in {id(value): value for value in list(vars(module).values())}.values():
        if issubclass(type(value), type) and value.__module__ == module.__name__:
            _wrap_class(value)


def _wrap_class(owner: type) -> None:
    for name, make in _MAKERS.items():
        own = vars(owner).get(name)
        # An override that asks its base is recorded there.
        if own is not None and "super" not in getattr(getattr(own, "__code__", None), "co_names", ()):
            replacing.replace(owner, name, make)


# Looked up once: this runs at every statement.
_dumps, _pack_frame, _crc32 = marshal.dumps, record.FRAME.pack, zlib.crc32
_clock, _next_id, _thread_id, _current = steps.clock, steps.next_id, steps.thread_id, steps.current.get


def _maker(many: bool) -> Maker:
    def make(original: Function) -> Function:
        @functools.wraps(original)
        def wrapper(dialect: Any, cursor: Any, statement: Any, given: Any, context: Any = None) -> Any:
            recorder = steps.recorder
            if recorder is None or not sql.enabled:
                return original(dialect, cursor, statement, given, context)
            failure: BaseException | None = None
            start = _clock()
            try:
                return original(dialect, cursor, statement, given, context)
            except BaseException as error:
                failure = error
                raise
            finally:
                # Written out here, Segments.write too: each function of its own would be a tenth of what this may cost.
                try:
                    end = _clock()
                    if end >= lease.look_at:
                        lease.look(end)
                    if many:
                        given = given[0] if given else ()  # the first row stands for the others
                    engine = _engines.get(dialect)
                    if engine is None or engine.recorder is not recorder:
                        engine = _engine(recorder, dialect, context)
                    number, plan = engine.statements.get(statement) or _statement(engine, statement, given, context)
                    # A driver's cursor answers rowcount without asking the server; -1 says that it does not know.
                    rows = cursor.rowcount
                    fields = (
                        record.SQL, _next_id(), _current(), _thread_id(), start, end, number,
                        None if failure is None else values.error_text(failure),
                        rows if type(rows) is int else -1,
                        parameters.kept(given, plan) if given else (),
                        engine.database,
                        _request_ids(context),
                    )  # fmt: skip
                    data = _dumps(fields, 2)
                    data = _pack_frame(len(data), _crc32(data)) + data
                    try:
                        recorder.append(data)
                    except ValueError as error:
                        faults.pass_on(error)
                        recorder.roll(data)
                except Exception as error:
                    sql.swallow(error, failure is None)
                finally:
                    failure = None  # it holds this frame, which must not hold it

        return wrapper

    return make


def _make_without_parameters(original: Function) -> Function:
    def with_parameters(dialect: Any, cursor: Any, statement: Any, given: Any, context: Any = None) -> Any:
        return original(dialect, cursor, statement, context)

    recorded = _maker(many=False)(with_parameters)

    @functools.wraps(original)
    def wrapper(dialect: Any, cursor: Any, statement: Any, context: Any = None) -> Any:
        return recorded(dialect, cursor, statement, (), context)

    return wrapper


_MAKERS: dict[str, Maker] = {
    "do_execute": _maker(many=False),
    "do_executemany": _maker(many=True),
    "do_execute_no_params": _make_without_parameters,
}


def _engine(recorder: segment.Segments, dialect: Any, context: Any) -> _Engine:
    """The engine whose dialect this is; its database tells which of Nova's a statement went to."""
    connection = getattr(context, "root_connection", None)
    url = getattr(getattr(connection, "engine", None), "url", None)
    name = getattr(url, "database", None)
    engine = _Engine(recorder, name if type(name) is str else None)
    if url is not None:
        if len(_engines) >= _MAX_ENGINES:
            _engines.clear()
        _engines[dialect] = engine
    return engine


def _statement(engine: _Engine, statement: str, given: Any, context: Any) -> tuple[int | str, parameters.Plan]:
    """The statement's number (itself where there are too many) and its plan, remembered."""
    number = steps.number_or_text(masking.without_secrets(statement))
    plan = parameters.plan(statement, given, context)
    if type(number) is int:
        engine.statements[statement] = (number, plan)
    return number, plan


def _request_ids(context: Any) -> tuple[str | None, str | None] | None:
    """The ids of the context the transaction was opened with: enginefacade keeps it in the connection's ``info``."""
    try:
        info = context.root_connection._dbapi_connection._connection_record.__dict__.get("info")
    except AttributeError:  # no context, or a connection that was taken out of its pool
        return None
    using = info.get("using_context") if info else None
    if using is None:
        return None
    own = getattr(using, "request_id", None)
    other = getattr(using, "global_request_id", None)
    return (own if type(own) is str else None, other if type(other) is str else None)
