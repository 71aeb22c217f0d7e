"""SQL: every statement that SQLAlchemy hands to a database driver, with masked parameters, rows and duration.

The seam is ``DefaultDialect.do_execute`` and its siblings, on the class, so engines that exist are covered. Statements
are recorded once a process and referred to by number.
"""

from __future__ import annotations

import functools
import marshal
import sys
import zlib
from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, Callable
from weakref import ref

from . import (
    faults,
    hooks,
    import_hooks,
    lease,
    masking,
    patching,
    record_format,
    sql_parameters,
    values,
    wrapper_frames,
)
from . import recorder as patches_recorder
from .classes import MISSING, is_kind, lookup, module_of
from .host_fields import field, path
from .host_objects import dict_descriptor, stored

if TYPE_CHECKING:
    from types import ModuleType

    from . import segments
    from .hooks import Function, Maker

sql = hooks.Hook("sql")


#: The index of the database in SQLAlchemy's URL, a named tuple since 1.4.
_DATABASE = 5


class _Engine:
    """An engine's cache for one recorder, as long as its dialect lives: every engine has its own dialect."""

    __slots__ = ("alive", "context", "cursor", "database", "recorder", "rows", "statements")

    def __init__(self, recorder: segments.Segments, database: str | None) -> None:
        self.recorder = recorder
        self.database = database
        #: A reference that drops this when the dialect is gone.
        self.alive: Any = None
        #: The class of its cursors, and a function that reads the number of rows off a cursor.
        self.cursor: Any = None
        self.rows: Callable[[Any], Any] = _no_rows
        #: The class of the contexts that its transactions are opened with, and a function that reads their fields.
        self.context: tuple[Any, Callable[[Any], Any]] = (None, _no_fields)
        #: statement -> (its number, which of its parameters are masked)
        self.statements: dict[str, tuple[int | str, sql_parameters.Plan]] = {}


def _no_rows(cursor: Any) -> int:
    return -1


#: by the dialect's identity
_engines: dict[int, _Engine] = {}


def install() -> None:
    """Wrap the dialects' execute methods once SQLAlchemy is imported."""
    patching.undo(_engines.clear)
    import_hooks.when_imported("sqlalchemy.engine.default", functools.partial(sql.guarded, _wrap_default))
    import_hooks.when_imported("sqlalchemy.dialects.*", functools.partial(sql.guarded, _wrap_overrides))


def _wrap_default(module: ModuleType) -> None:
    _wrap_class(vars(module)["DefaultDialect"])


def _wrap_overrides(module: ModuleType) -> None:
    # By identity: each module names its dialect a second time, as ``dialect``.
    for value in {id(value): value for value in list(vars(module).values())}.values():
        if issubclass(type(value), type) and module_of(value) == module.__name__:
            _wrap_class(value)


def _wrap_class(owner: type) -> None:
    for name, make in _MAKERS.items():
        own = vars(owner).get(name)
        # An override that calls its base is recorded there.
        if own is not None and "super" not in getattr(getattr(own, "__code__", None), "co_names", ()):
            patching.replace(owner, name, make)


# Looked up once: this runs at every statement.
_dumps, _pack_frame, _crc32, _SQL = marshal.dumps, record_format.FRAME.pack, zlib.crc32, record_format.SQL
_masked = sql_parameters.masked
_clock, _next_id, _thread_id, _current = (
    patches_recorder.clock,
    patches_recorder.next_id,
    patches_recorder.thread_id,
    patches_recorder.current.get,
)


def _maker(many: bool) -> Maker:
    def make(_original: Function) -> Function:
        @functools.wraps(_original)
        def wrapper(self: Any, cursor: Any, statement: Any, parameters: Any, context: Any = None) -> Any:
            recorder = patches_recorder.recorder
            if recorder is None or not sql.enabled:
                return _original(self, cursor, statement, parameters, context)
            failure: BaseException | None = None
            start = _clock()
            try:
                return _original(self, cursor, statement, parameters, context)
            except BaseException as error:
                failure = error
                raise
            finally:
                # Inlined, Segments.write too: a function of its own would cost a tenth of what this may cost.
                try:
                    end = _clock()
                    if end >= lease.look_at:
                        lease.look(end)
                    # Of several rows the first is recorded.
                    row = parameters if not many else parameters[0] if parameters else ()
                    engine = _engines.get(id(self))
                    if engine is None or engine.recorder is not recorder:
                        engine = _engine(recorder, self, context)
                    number, plan = engine.statements.get(statement) or _statement(engine, statement, row, context)
                    rows = engine.rows(cursor) if type(cursor) is engine.cursor else _rows(engine, cursor)
                    fields = (
                        _SQL, _next_id(), _current(), _thread_id(), start, end, number,
                        None if failure is None else values.error_text(failure),
                        rows if type(rows) is int else -1,
                        _masked(row, plan) if row else (),
                        engine.database,
                        _request_ids(engine, context),
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
                    failure = None  # it refers to this frame, which must not refer to it

        return wrapper

    return make


def _make_without_parameters(_original: Function) -> Function:
    @wrapper_frames.hide
    def with_parameters(dialect: Any, cursor: Any, statement: Any, row: Any, context: Any = None) -> Any:
        return _original(dialect, cursor, statement, context)

    recorded = _maker(many=False)(with_parameters)

    @functools.wraps(_original)
    def wrapper(self: Any, cursor: Any, statement: Any, context: Any = None) -> Any:
        return recorded(self, cursor, statement, (), context)

    return wrapper


_MAKERS: dict[str, Maker] = {
    "do_execute": _maker(many=False),
    "do_executemany": _maker(many=True),
    "do_execute_no_params": _make_without_parameters,
}


def _engine(recorder: segments.Segments, dialect: Any, context: Any) -> _Engine:
    """Create the engine of a dialect; its database shows which of Nova's a statement went to."""
    url = path(context, "root_connection", "engine", "url")
    name = url[_DATABASE] if is_kind(type(url), tuple) and tuple.__len__(url) > _DATABASE else field(url, "database")
    engine = _Engine(recorder, name if type(name) is str else None)
    if url is not None:
        engine.alive = _forgetting(dialect)
        if engine.alive is not None:
            _engines[id(dialect)] = engine
    return engine


def _forgetting(dialect: Any) -> Any:
    """Return a reference that drops the dialect's engine at its end; None where there are no references to it."""
    key = id(dialect)
    try:
        return ref(dialect, lambda _: _engines.pop(key, None))
    except TypeError as error:
        faults.pass_on(error)
        return None


def _rows(engine: _Engine, cursor: Any) -> Any:
    """Return the number of rows that a statement changed, if the cursor stores it; -1 if it would compute it."""
    kind = type(cursor)
    rowcount = lookup(kind, "rowcount")
    engine.cursor, engine.rows = kind, _no_rows
    if type(rowcount) is MemberDescriptorType or (
        type(rowcount) is GetSetDescriptorType and rowcount.__objclass__ is _sqlite()
    ):
        engine.rows = rowcount.__get__
    elif (
        rowcount is MISSING
        and lookup(kind, "__getattribute__") is object.__getattribute__
        and "rowcount" in stored(cursor)
    ):
        engine.rows = _attribute
    return engine.rows(cursor)


def _sqlite() -> Any:
    return getattr(sys.modules.get("_sqlite3"), "Cursor", None)


def _attribute(cursor: Any) -> Any:
    return cursor.__dict__.get("rowcount")


def _statement(engine: _Engine, statement: str, row: Any, context: Any) -> tuple[int | str, sql_parameters.Plan]:
    """Return the statement's number (itself where there are too many) and its plan, cached."""
    number = patches_recorder.number_or_text(masking.without_secrets(statement))
    plan = sql_parameters.plan(statement, row, context)
    if type(number) is int:
        engine.statements[statement] = (number, plan)
    return number, plan


def _request_ids(engine: _Engine, context: Any) -> tuple[str | None, str | None] | None:
    """Return the ids of the transaction's context, which enginefacade stores in the connection's ``info``."""
    try:
        info = context.root_connection._dbapi_connection._connection_record.__dict__.get("info")
    except AttributeError as error:  # no context, or a connection that was taken out of its pool
        faults.pass_on(error)
        return None
    using = info.get("using_context") if type(info) is dict else None
    if using is None:
        return None
    kind, fields_of = engine.context
    if type(using) is not kind:
        fields_of = _fields_reader(type(using))
        engine.context = type(using), fields_of
    fields = fields_of(using)
    if type(fields) is dict:
        own, other = fields.get("request_id", MISSING), fields.get("global_request_id", MISSING)
    else:
        own = other = MISSING
    if own is MISSING or other is MISSING:
        own, other = field(using, "request_id"), field(using, "global_request_id")
    return (own if type(own) is str else None, other if type(other) is str else None)


def _fields_reader(kind: type) -> Callable[[Any], Any]:
    """Return a function that reads the dictionary of an instance, without a look at its class if that is ordinary."""
    descriptor = dict_descriptor(kind)
    return descriptor.__get__ if type(descriptor) is GetSetDescriptorType else _no_fields


def _no_fields(context: Any) -> dict[str, Any]:
    return {}
