"""Exceptions that the host raises while a hook runs reach the host; the hooks swallow only their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.subprocess_python import elsewhere
from tests.test_patches_versions import VERSIONS, interpreter

_HOST = """
import ctypes, functools, json, logging, random, signal, sys, threading, time, types
import patches
from patches import hooks, recorder

class Timeout(Exception): pass
class Limit(ValueError): pass

raised = caught = 0
armed = False

def fire(kind):
    global raised, armed
    if armed:
        raised, armed = raised + 1, False
        raise kind("the host's")

class Handlers:
    def __init__(self, kind): self.kind = kind
    def plain(self, number, frame): fire(self.kind)
    def __call__(self, *arguments): fire(self.kind)
    def once(self, number, frame):
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        fire(self.kind)

def handler(kind, how):
    handlers = Handlers(kind)
    return {
        "method": handlers.plain, "object": handlers, "partial": functools.partial(Handlers.plain, handlers),
        "once": handlers.once,
        "function": lambda *arguments: fire(kind),
    }[how]

log = logging.getLogger("svc")
log.addHandler(logging.NullHandler())
log.setLevel(logging.INFO)
log.propagate = False
service = types.ModuleType("service")
exec("def works(value): return [value]", vars(service))
sys.modules["service"] = service
points = [["service", ["*"], []]]
record = logging.LogRecord("svc", 20, "file", 1, "token of %s: " + "x" * 100, (1,), None)
patches.install(sys.argv[1], {"segment_size": 1 << 14, "cap": 1 << 28, "ask": [], "points": points})
rnd = random.Random(1)

def work(number):
    log.callHandlers(record)  # handles no exception of its own
    service.works(number)

def run(kind, how, rounds):
    global armed, caught
    for number in range(rounds):
        signal.signal(signal.SIGALRM, handler(kind, how))
        before = raised
        try:
            armed = True
            signal.setitimer(signal.ITIMER_REAL, rnd.uniform(0.0001, 0.0003))
            stop = time.monotonic() + 1
            while raised == before and time.monotonic() < stop:
                work(number)
        except kind:
            caught += 1
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)

answer = {}
rounds = int(sys.argv[2])
for kind in (Timeout, Limit, TimeoutError, ValueError, IndexError, KeyError, AttributeError, FileExistsError):
    for how in ("function", "method", "object", "partial"):
        raised = caught = 0
        run(kind, how, rounds)
        answer["%s %s" % (kind.__name__, how)] = [raised, caught]
raised = caught = 0
run(Timeout, "once", rounds)
answer["Timeout once"] = [raised, caught]

# A trace function's error, at every line of the hooks in turn.
raised = caught = 0
for line in range(40):
    left = [line]
    def trace(frame, event, argument):
        global raised
        if frame.f_globals.get("__package__") == "patches" and event == "line":
            left[0] -= 1
            if left[0] == 0:
                raised += 1
                raise Limit("the tracer's")
        return trace
    sys.settrace(trace)
    try:
        work(line)
    except Limit:
        caught += 1
    finally:
        sys.settrace(None)
answer["tracer"] = [raised, caught]

# An interrupt of one thread by another, as timeouts of libraries do.
raised = caught = 0
def interrupted():
    global caught
    while True:
        try:
            while not stop:
                work(0)
            return
        except Timeout:
            caught += 1
stop = False
worker = threading.Thread(target=interrupted)
worker.start()
for number in range(rounds):
    before = caught
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(Timeout))
    raised += 1
    limit = time.monotonic() + 5
    while caught == before and time.monotonic() < limit:
        time.sleep(0.0002)
stop = True
worker.join()
answer["interrupt"] = [raised, caught]
answer["hooks"] = [hooks.hooks[name].failures for name in ("logs", "calls")], patches.uninstall()
"""


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_an_exception_of_the_hosts_inside_a_hook_reaches_the_host(tmp_path: Path, version: str) -> None:
    """From any kind of signal handler, trace function or interrupt, of any type, at any line of a hook."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    answer: dict[str, Any] = elsewhere(_HOST, tmp_path, 15, python=python, seconds=120)
    assert answer.pop("hooks") == [[0, 0], []]
    assert {name: counts for name, counts in answer.items() if counts[0] != counts[1]} == {}
    assert all(raised > 0 for raised, _ in answer.values())
