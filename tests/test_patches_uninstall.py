"""All hooks on the real libraries at once: uninstall restores every object."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.subprocess_python import elsewhere

_PROCESS = """
import gc, importlib, threading, types, urllib.parse
green, late, cycles = sys.argv[2] == "eventlet", sys.argv[3] == "late", int(sys.argv[4])
if green:
    import eventlet
    eventlet.monkey_patch()
import logging, os
LIBRARIES = (
    "oslo_messaging oslo_messaging.rpc.server oslo_messaging._drivers.impl_rabbit oslo_messaging.notify.notifier "
    "sqlalchemy sqlalchemy.pool sqlalchemy.dialects.mysql.mysqldb sqlalchemy.dialects.postgresql.psycopg2 "
    "oslo_db.sqlalchemy.enginefacade requests webob.dec keystoneauth1.session futurist oslo_concurrency.processutils "
    "oslo_service.loopingcall oslo_utils.timeutils oslo_utils.strutils oslo_log.log oslo_config.cfg "
    "concurrent.futures.thread json.decoder"
).split()
if green:
    LIBRARIES += ["eventlet.greenpool", "eventlet.tpool", "eventlet.green.threading"]

def load():
    for name in LIBRARIES:
        importlib.import_module(name)
    from oslo_service import backend
    if backend._cached_components is None:
        backend.init_backend(backend.BackendType("eventlet" if green else "threading"))

def attributes():
    values_by_name = {}
    for module in list(sys.modules.values()):
        if not isinstance(module, types.ModuleType) or module.__name__.split(".")[0] in ("patches", "__main__"):
            continue
        for name, value in list(vars(module).items()):
            values_by_name[module.__name__, name] = value
            if isinstance(value, type):
                for attribute, raw in list(vars(value).items()):
                    values_by_name[value, attribute] = raw
    return values_by_name

def leftovers():
    def file(value):
        return getattr(getattr(getattr(value, "__func__", value), "__code__", None), "co_filename", "")
    return sorted(
        str(where) for where, value in attributes().items()
        if file(value).startswith("<bootseq")
        and getattr(value, "__module__", "").split(".")[0] != "patches"
    )

def use():
    import sqlalchemy, requests, concurrent.futures, json
    from patches import recorder
    step = recorder.begin("call", "use")
    recorder.current.set(step)
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    engine.dispose()
    try:
        requests.get("http://127.0.0.1:1/")
    except requests.ConnectionError:
        pass
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(json.loads, "[1]").result()
    logging.getLogger("nova").warning("logged")
    from oslo_concurrency import processutils
    processutils.execute("true")
    recorder.current.set(0)
    recorder.finish(step)

import patches
from patches import hooks, patching, values
values.scalar("warm")
urllib.parse.unquote("%20")  # its first call fills an internal table
if not late:
    load()
before, meta_path, threads = attributes(), list(sys.meta_path), threading.active_count()
handlers = list(logging.root.handlers)
levels = {name: logging.getLogger(name).level for name in ("", "sqlalchemy.engine", "ask")}
points = [[name, ["*"], []] for name in ("oslo_utils.*", "json.*", "sqlalchemy.engine.base")]
for cycle in range(cycles):
    options = {"segment_size": 1 << 20, "cap": 1 << 26, "points": points, "echo": True}
    patches.install(sys.argv[1] + "/" + str(cycle), options)
    if late:
        load()
    use()
    touched = sorted("%s.%s" % (owner.__name__, name) for owner, name, _, _ in patching.replaced)
    wrappers = len(leftovers())
    failures = {name: hook.last_error for name, hook in hooks.hooks.items() if hook.failures}
    remaining = patches.uninstall()
after = attributes()
answer = {
    "touched": touched, "wrappers": wrappers, "remaining": remaining, "failures": failures, "leftovers": leftovers(),
    "changed": [str(where) for where, value in before.items() if where in after and after[where] is not value],
    "gone": [str(where) for where in before if where not in after],
    "meta_path": sys.meta_path == meta_path, "installed": list(patches.installed()),
    "levels": {name: logging.getLogger(name).level for name in levels} == levels,
    "handlers": logging.root.handlers == handlers,
    "modules": sorted(name for name in sys.modules if "bootseq" in name),
}
"""


_SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("native late", "eventlet early", "eventlet late")]


@pytest.fixture(scope="module", params=["native early", *_SLOW])
def answer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Install, use and uninstall the hooks twice, with libraries imported before or after the hooks."""

    result: dict[str, Any] = elsewhere(_PROCESS, tmp_path_factory.mktemp("rounds"), *request.param.split(), 2)
    return result | {"late": "late" in request.param, "green": "eventlet" in request.param}


def test_uninstall_restores_every_object(answer: dict[str, Any]) -> None:
    """Every attribute of every module and class; libraries imported late may change each other."""
    assert answer["failures"] == {}
    assert (answer["remaining"], answer["leftovers"], answer["installed"], answer["modules"]) == ([], [], [], [])
    assert answer["changed"] == [] or answer["late"]
    assert answer["gone"] == [] or answer["late"]
    assert answer["meta_path"]
    assert answer["handlers"]
    assert answer["levels"]


def test_every_hook_was_installed(answer: dict[str, Any]) -> None:
    """Otherwise the test above would pass with hooks that do nothing."""
    assert answer["wrappers"] >= len(set(answer["touched"]))
    names = [
        "DefaultDialect.do_execute", "MySQLDialect_mysqldb.do_executemany", "PGDialect_psycopg2.do_executemany",
        "Transport._send", "RPCServer._process_incoming", "RPCDispatcher.dispatch", "AMQPIncomingMessage._send_reply",
        "oslo_messaging._drivers.amqp._add_unique_id", "Session.send", "wsgify.__call__", "Thread.start",
        "ThreadPoolExecutor.submit", "GreenThreadPoolExecutor.submit", "LoopingCallBase._start",
        "LoopingCallBase._sleep",
        "Pool.connect", "oslo_concurrency.processutils.execute", "Logger.callHandlers", "Logger.setLevel",
        "Notifier._notify", "oslo_utils.timeutils.utcnow", "Connection.execute",
    ]  # fmt: skip
    green = ["eventlet.spawn", "eventlet.greenthread.spawn_n", "GreenPool.spawn", "eventlet.tpool.execute"]
    for name in names + (green if answer["green"] else []):
        assert name in answer["touched"]
