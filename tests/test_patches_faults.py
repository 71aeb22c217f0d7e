"""Every hook that the real libraries reach, broken in every way: results and exceptions are what they were."""

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

def asked(path):
    said = []
    environ = dict(webob.Request.blank(path).environ)
    return b"".join(application(environ, lambda status, headers, exc_info=None: said.append(status))), said

def pooled():
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        return connection.exec_driver_sql("SELECT 1").all()

def thread(function):
    seen = []
    def run():
        try:
            seen.append(function())
        except LookupError as error:
            seen.append(error)
    worker = threading.Thread(target=run)
    worker.start()
    worker.join()
    return seen

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *message):
        pass

web = http.server.HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=web.serve_forever, daemon=True).start()

class Handler(logging.Handler):
    seen = []
    def emit(self, record):
        self.seen.append(record.getMessage())

logger, asking = logging.getLogger("nova"), logging.getLogger("ask")
for each in (logger, asking):
    each.addHandler(Handler())

def logged(to, *message):
    to.error(*message)
    return Handler.seen[-1]

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
    "wsgi": lambda: asked("/works"),
    "wsgi error": lambda: asked("/fails"),
    "executor": lambda: pool.submit(service.works, 3).result(),
    "executor error": lambda: pool.submit(service.fails, own).result(),
    "futurist": lambda: future_pool.submit(service.works, 3).result(),
    "thread": lambda: thread(lambda: service.works(3)),
    "thread error": lambda: thread(lambda: service.fails(own)),
    "command": lambda: processutils.execute("echo", "x"),
    "command error": lambda: processutils.execute("false"),
    "log": lambda: logged(logger, "message %s", 3),
    "ask": lambda: logged(asking, "asked %s", 3),
}

def outcome(function):
    before = recorder.current.get()
    try:
        return "gave " + repr(function())
    except Exception as error:
        text = "" if isinstance(error, requests.ConnectionError) else str(error).splitlines()[0]
        return "raised %s %s %s" % (type(error).__name__, error is own, text)
    finally:
        assert recorder.current.get() == before, function
        assert recorder.context.get() is None, function

def everything():
    return {name: outcome(work) for name, work in WORK.items()}

def different(got):
    return {name: (value, expected[name]) for name, value in got.items() if value != expected[name]}

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
kept = [(module, name, getattr(module, name)) for module, name in NAMES]

def told(broken):
    options = {"segment_size": 1 << 20, "cap": 1 << 28, "points": [["service", ["*"], []]]}
    patches.install(sys.argv[1], options)
    step = recorder.begin("call", "around")
    inject(broken)
    recorder.current.set(step)
    found = [different(everything()) for _ in range(5)]
    recorder.current.set(0)
    failures = {name: each.failures for name, each in hooks.hooks.items() if each.failures}
    enabled = {name: each.enabled for name, each in hooks.hooks.items()}
    for module, name, value in kept:
        setattr(module, name, value)
    return {"different": found, "failures": failures, "enabled": enabled, "kept": patches.uninstall()}

expected = everything()
answer = {broken: told(broken) for broken in sys.argv[2:]}
answer["expected"], answer["again"] = expected, different(everything())
for server in servers:
    server.stop()
    server.wait()
import os
print()
print(json.dumps(answer), flush=True)
os._exit(0)
"""

#: What is broken, and which hooks have to notice so often that they give up.
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
    """A process that does all of it without hooks, five times with each breakage, and without hooks again."""
    found: dict[str, Any] = elsewhere(_PROCESS, tmp_path_factory.mktemp("capture"), *BROKEN)
    return found


@pytest.mark.parametrize("broken", BROKEN)
def test_the_host_notices_nothing(answer: dict[str, Any], broken: str) -> None:
    """Not before, nor after, a hook has failed so often that it gave up."""
    told = answer[broken]
    assert told["different"] == [{}] * 5
    assert told["kept"] == []
    for name in BROKEN[broken]:
        assert told["failures"].get(name, 0) >= 5, name
        assert not told["enabled"][name]
    if broken == "nothing":
        assert told["failures"] == {}


def test_what_is_compared_is_what_the_host_does(answer: dict[str, Any]) -> None:
    """Errors are the host's very own; and without hooks all is as it was."""
    assert answer["expected"]["calls error"] == "raised LookupError True own"
    assert answer["expected"]["sql"] == "gave [(1, 'x')]"
    assert answer["again"] == {}
