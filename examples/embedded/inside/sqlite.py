"""SQLite files with several writing processes: a writer takes the lock when its transaction begins."""

import sqlalchemy
from oslo_db.sqlalchemy import enginefacade

WRITER = {"embedded_writer": True}


def install():
    # A transaction that reads first and writes later fails at once if another process wrote in between ("database is
    # locked", without waiting): only BEGIN IMMEDIATE waits for its turn.
    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "begin", begin)
    factory = enginefacade._TransactionFactory
    factory._create_session = marked_session(factory._create_session)
    factory._create_connection = marked_connection(factory._create_connection)


def begin(connection):
    """Begin the transaction before oslo.db's own listener, which then finds it begun."""
    if "in_transaction" in connection.info:
        return
    writes = connection.get_execution_options().get("embedded_writer")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
    connection.info["in_transaction"] = True


def marked_session(create):
    def create_session(factory, mode, bind=None):
        session = create(factory, mode, bind)
        if mode is enginefacade._WRITER and bind is None:
            session.bind = session.bind.execution_options(**WRITER)
        return session

    return create_session


def marked_connection(create):
    def create_connection(factory, mode):
        connection = create(factory, mode)
        return connection.execution_options(**WRITER) if mode is enginefacade._WRITER else connection

    return create_connection
