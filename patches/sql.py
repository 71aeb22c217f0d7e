"""SQL: every statement that SQLAlchemy hands to a database driver, with masked parameters, rows and duration.

The seam is ``DefaultDialect.do_execute`` and its siblings, on the class, so engines that exist are covered. Statements
are kept once a process, by number; parameters are masked by the names SQLAlchemy compiled them under.
"""

import functools

from . import hook, importing, record, replacing, steps, values

sql = hook.Hook("sql")

#: Parameters kept of one execution; of an executemany the first row stands for the others.
MAX_PARAMETERS = 80

#: statement -> for each position whether its parameter is kept
_plans = {}


def install():
    """Wrap the dialects' execute methods once SQLAlchemy is there."""
    importing.when_imported("sqlalchemy.engine.default", functools.partial(sql.guarded, _wrap_default))
    for dialect in ("mssql.pyodbc", "mysql.mysqldb", "postgresql.psycopg2"):
        importing.when_imported("sqlalchemy.dialects." + dialect, functools.partial(sql.guarded, _wrap_overrides))


def _wrap_default(module):
    _wrap_class(module.DefaultDialect)


def _wrap_overrides(module):
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            _wrap_class(value)


def _wrap_class(owner):
    for name, many in (("do_execute", False), ("do_executemany", True)):
        if name in vars(owner):
            replacing.replace(owner, name, _maker(many))
    if "do_execute_no_params" in vars(owner):
        replacing.replace(owner, "do_execute_no_params", _maker_without_parameters)


def _maker(many):
    def make(original):
        @functools.wraps(original)
        def wrapper(dialect, cursor, statement, parameters, context=None):
            if steps.recorder is None or not sql.enabled:
                return original(dialect, cursor, statement, parameters, context)
            start = steps.clock()
            try:
                result = original(dialect, cursor, statement, parameters, context)
            except BaseException as error:
                sql.guarded(_record, start, error, cursor, statement, parameters, context, many)
                raise
            sql.guarded(_record, start, None, cursor, statement, parameters, context, many)
            return result

        return wrapper

    return make


def _maker_without_parameters(original):
    @functools.wraps(original)
    def wrapper(dialect, cursor, statement, context=None):
        start = steps.clock()
        try:
            result = original(dialect, cursor, statement, context)
        except BaseException as error:
            sql.guarded(_record, start, error, cursor, statement, (), context, False)
            raise
        sql.guarded(_record, start, None, cursor, statement, (), context, False)
        return result

    return wrapper


def _record(start, error, cursor, statement, parameters, context, many):
    end = steps.clock()
    kept = parameters
    if many:
        kept = parameters[0] if parameters else ()
    # A drivers' cursor answers rowcount without asking the server; -1 says that it does not know.
    rows = cursor.rowcount
    steps.recorder.write(
        (
            record.SQL, steps.next_id(), steps.current.get(), steps.thread_id(), start, end,
            steps.names.get(statement) or steps.name_number(statement),
            None if error is None else values.error_text(error),
            rows if type(rows) is int else -1,
            _masked(statement, kept, context) if kept else (),
            _database(context),
            _request_ids(context),
        )
    )  # fmt: skip


def _masked(statement, parameters, context):
    """Parameters in the statement's order, or as name, value, name, value … where the driver takes them by name."""
    if type(parameters) is dict:
        flat = []
        for name in list(parameters)[:MAX_PARAMETERS]:
            flat.append(name)
            flat.append(values.keyed(name, parameters[name]))
        return ("{}",) + tuple(flat)
    plan = _plans.get(statement)
    if plan is None:
        plan = _plan(statement, context)
    if plan:
        return tuple([values.scalar(value) if keep else values.MASK for value, keep in zip(parameters, plan)])
    return tuple([values.scalar(value) for value in parameters[:MAX_PARAMETERS]])


def _plan(statement, context):
    """Which positions may be kept, by the compiled names; () where all may, or no names are known."""
    compiled = getattr(context, "compiled", None)
    names = getattr(compiled, "positiontup", None) or ()
    keep = [values.secret_key(name) is None for name in names]
    plan = () if all(keep) else tuple(keep[:MAX_PARAMETERS])
    # An IN list is expanded at run time: its names no longer stand at their positions, so a statement with both is masked whole.
    if plan and getattr(context, "isinsert", False) is False and len(getattr(context, "parameters", [()])[0]) != len(names):
        plan = (False,) * MAX_PARAMETERS
    if len(_plans) < steps.MAX_NAMES:
        _plans[statement] = plan
    return plan


def _database(context):
    """The engine's database name: which of Nova's databases (api, cell, placement) a statement went to."""
    connection = getattr(context, "root_connection", None)
    url = getattr(getattr(connection, "engine", None), "url", None)
    name = getattr(url, "database", None)
    return name if type(name) is str else None


def _request_ids(context):
    """The ids of the context the transaction was opened with: enginefacade keeps it with the connection."""
    fairy = getattr(getattr(context, "root_connection", None), "_dbapi_connection", None)
    info = getattr(fairy, "info", None)
    using = info.get("using_context") if info else None
    if using is None:
        return None
    own = getattr(using, "request_id", None)
    other = getattr(using, "global_request_id", None)
    return (own if type(own) is str else None, other if type(other) is str else None)
