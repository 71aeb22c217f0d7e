"""Faults injected into every hook under real libraries: the host's results and exceptions stay the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.subprocess_python import elsewhere

pytestmark = pytest.mark.slow  # ten seconds: every hook forty times, several of them over RPC

_PROCESS = """
import concurrent.futures, functools, http.server, importlib, json, logging, threading, types
from kombu.transport.virtual import base
from collections import defaultdict
base.Channel.events = defaultdict(set)
import oslo_messaging, requests, sqlalchemy, webob.dec, futurist
from oslo_config import cfg
from oslo_concurrency import processutils
cfg.CONF([], default_config_files=[])
logging.disable(logging.ERROR - 1)
import patches
from patches import hooks, recorder, values

own = LookupError("own")

service = types.ModuleType("service")
exec('''
def works(value): return [value]
def fails(error): raise error
''', vars(service))
sys.modules["service"] = service

engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
connection = engine.connect()
pool = concurrent.futures.ThreadPoolExecutor(1)
future_pool = futurist.ThreadPoolExecutor(1)

class Endpoint:
    def works(self, context, value): return [value]
    def fails(self, context): raise own

servers = []
def client(url):
    transport = oslo_messaging.get_rpc_transport(cfg.CONF, url)
    target = oslo_messaging.Target(topic="t", server="s")
    server = oslo_messaging.get_rpc_server(transport, target, [Endpoint()], executor="threading")
    server.start()
    servers.append(server)
    return oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="t"))

fake, rabbit = client("fake://"), client("kombu+memory://")
notifying = oslo_messaging.get_notification_transport(cfg.CONF, "fake://")
notifier = oslo_messaging.Notifier(notifying, "p", driver="messaging", topics=["n"])

@webob.dec.wsgify
def application(request):
    if request.path == "/fails":
        raise own
    return "works"

def get(path):
    statuses = []
    environ = dict(webob.Request.blank(path).environ)
    return b"".join(application(environ, lambda status, headers, exc_info=None: statuses.append(status))), statuses

def pooled():
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        return connection.exec_driver_sql("SELECT 1").all()

def thread(function):
    results = []
    def run():
        try:
            results.append(function())
        except LookupError as error:
            results.append(error)
    worker = threading.Thread(target=run)
    worker.start()
    worker.join()
    return results

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *message):
        pass

web = http.server.HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=web.serve_forever, daemon=True).start()

class Handler(logging.Handler):
    messages = []
    def emit(self, record):
        self.messages.append(record.getMessage())

logger, ask = logging.getLogger("nova"), logging.getLogger("ask")
for named in (logger, ask):
    named.addHandler(Handler())

def logged(to, *message):
    to.error(*message)
    return Handler.messages[-1]

WORK = {
    "calls": lambda: service.works(3),
    "calls error": lambda: service.fails(own),
    "sql": lambda: connection.exec_driver_sql("SELECT ?, ?", (1, "x")).all(),
    "sql error": lambda: connection.exec_driver_sql("SELECT missing"),
    "pool": lambda: [engine.connect().close(), pooled()],
    "rpc fake": lambda: fake.call({"request_id": "r"}, "works", value={"a": 1}),
    "rpc fake error": lambda: fake.call({}, "fails"),
    "rpc": lambda: rabbit.call({"request_id": "r"}, "works", value={"a": 1}),
    "rpc error": lambda: rabbit.call({}, "fails"),
    "rpc cast": lambda: rabbit.cast({}, "works", value=1),
    "notification": lambda: notifier.info({}, "instance.create.end", {"nova_object.data": {"uuid": "u"}}),
    "http": lambda: requests.get("http://127.0.0.1:%d/x" % web.server_port, timeout=5),
    "http error": lambda: requests.get("http://127.0.0.1:1/x", timeout=1),
    "wsgi": lambda: get("/works"),
    "wsgi error": lambda: get("/fails"),
    "executor": lambda: pool.submit(service.works, 3).result(),
    "executor error": lambda: pool.submit(service.fails, own).result(),
    "futurist": lambda: future_pool.submit(service.works, 3).result(),
    "thread": lambda: thread(lambda: service.works(3)),
    "thread error": lambda: thread(lambda: service.fails(own)),
    "command": lambda: processutils.execute("echo", "x"),
    "command error": lambda: processutils.execute("false"),
    "log": lambda: logged(logger, "message %s", 3),
    "ask": lambda: logged(ask, "asked %s", 3),
}

def outcome(function):
    before = recorder.current.get()
    try:
        return "returned " + repr(function())
    except Exception as error:
        text = "" if isinstance(error, requests.ConnectionError) else str(error).splitlines()[0]
        return "raised %s %s %s" % (type(error).__name__, error is own, text)
    finally:
        assert recorder.current.get() == before, function
        assert recorder.context.get() is None, function

def everything():
    return {name: outcome(work) for name, work in WORK.items()}

def different(outcomes):
    return {name: (value, expected[name]) for name, value in outcomes.items() if value != expected[name]}

def fail(*args, **kwargs):
    raise RuntimeError("injected")

class Broken:
    era = property(fail)
    def __getattr__(self, name):
        return fail

def inject(broken):
    if broken == "write":
        recorder.recorder.write = recorder.recorder.append = fail
    elif broken == "recorder":
        recorder.recorder = Broken()
    elif broken == "values":
        for name in VALUES:
            setattr(values, name, fail)
    elif broken in STEPS:
        setattr(recorder, broken, fail)

VALUES = "scalar", "masked_text", "keyed", "tree", "error_text", "url_without_secrets", "path_without_secrets"
STEPS = "begin", "finish", "note", "happened", "name_number"
NAMES = [(values, name) for name in VALUES] + [(recorder, name) for name in STEPS]
originals = [(module, name, getattr(module, name)) for module, name in NAMES]

def run_broken(broken):
    options = {"segment_size": 1 << 20, "cap": 1 << 28, "points": [["service", ["*"], []]]}
    patches.install(sys.argv[1], options)
    step = recorder.begin("call", "around")
    inject(broken)
    recorder.current.set(step)
    differences = [different(everything()) for _ in range(5)]
    recorder.current.set(0)
    failures = {name: hook.failures for name, hook in hooks.hooks.items() if hook.failures}
    enabled = {name: hook.enabled for name, hook in hooks.hooks.items()}
    for module, name, value in originals:
        setattr(module, name, value)
    return {"different": differences, "failures": failures, "enabled": enabled, "remaining": patches.uninstall()}

expected = everything()
answer = {broken: run_broken(broken) for broken in sys.argv[2:]}
answer["expected"], answer["again"] = expected, different(everything())
for server in servers:
    server.stop()
    server.wait()
import os
print()
print(json.dumps(answer), flush=True)
os._exit(0)
"""

#: The broken part, and the hooks that then fail so often that they give up.
BROKEN = {
    "nothing": (),
    "write": ("calls", "sql", "rpc", "notifications", "http", "wsgi", "handoffs", "commands", "logs", "ask"),
    "recorder": ("calls", "sql", "rpc", "http", "wsgi", "handoffs", "commands", "logs", "ask"),
    "values": ("rpc", "http", "wsgi", "commands"),
    "begin": ("rpc", "http", "wsgi", "handoffs", "commands"),
    "finish": ("rpc", "http", "wsgi", "handoffs", "commands"),
    "note": ("wsgi", "handoffs"),
    "name_number": ("calls",),
}


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run all work without hooks, five times with every breakage, and without hooks again."""
    result: dict[str, Any] = elsewhere(_PROCESS, tmp_path_factory.mktemp("capture"), *BROKEN)
    return result


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_hook_does_not_affect_the_host(answer: dict[str, Any], broken: str) -> None:
    """Neither before nor after a hook has given up."""
    result = answer[broken]
    assert result["different"] == [{}] * 5
    assert result["remaining"] == []
    for name in BROKEN[broken]:
        assert result["failures"].get(name, 0) >= 5, name
        assert not result["enabled"][name]
    if broken == "nothing":
        assert result["failures"] == {}


def test_the_reference_without_hooks_is_right_and_repeatable(answer: dict[str, Any]) -> None:
    """Errors are the host's own objects."""
    assert answer["expected"]["calls error"] == "raised LookupError True own"
    assert answer["expected"]["sql"] == "returned [(1, 'x')]"
    assert answer["again"] == {}
