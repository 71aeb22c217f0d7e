"""Ask points at lines: on every Python, in threads and greenthreads, beside other trace functions."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from patches import ask_points
from tests.support.ask_service import added, ask_messages, line_of, module, point
from tests.support.recording import recording
from tests.support.subprocess_python import elsewhere
from tests.test_patches_versions import VERSIONS, interpreter

__all__ = ["module"]


@pytest.mark.parametrize("version", VERSIONS)
def test_lines_on_every_python(version: str) -> None:
    """By sys.monitoring, or beside an existing trace function; both are restored afterwards."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    answer = elsewhere(_LINES, python=python)
    first, traced = answer.pop("lines"), answer.pop("traced")
    assert first == ["service:f line 5 n=2 i=0", "service:f line 5 n=2 i=1", "service:f line 7 result=99"]
    assert answer == {"remaining": [], "same": True, "tracer": True, "tools": []}
    assert traced > 5


_LINES = """
import tempfile, types
import patches
from patches import ask_points, recorder

module = types.ModuleType("service")
source = '''
def f(n):
    total = 0
    for i in range(n):
        total += i
    result = 99
    return result
'''
exec(compile(source, "/service.py", "exec"), vars(module))
sys.modules["service"] = module
capture = tempfile.mkdtemp()
before = module.f
events = []

def tracer(frame, event, argument):
    if frame.f_code is before.__code__:
        events.append(event)
    return tracer

patches.install(capture, {"segment_size": 1 << 16, "cap": 1 << 26, "hooks": []})
def add(key, line, *names):
    expressions = [[name, name, [name]] for name in names]
    point = {"key": key, "where": "service:f", "when": line, "expressions": expressions}
    assert ask_points.add(point).state == "added"
add("1", 5, "n", "i")
sys.settrace(tracer)
module.f(2)
ask_points.remove("1")
add("2", 7, "result")
module.f(2)
sys.settrace(sys.gettrace())
remaining = patches.uninstall()
same_tracer = sys.gettrace() is tracer
sys.settrace(None)
module.f(2)
lines = open(capture + "/ask.log").read().splitlines()
monitoring = getattr(sys, "monitoring", None)
answer = {
    "lines": [line.partition("] ")[2].rpartition(" f ")[0] for line in lines], "remaining": remaining,
    "traced": len(events),
    "same": module.f is before, "tracer": same_tracer,
    "tools": [monitoring.get_tool(number) for number in (3, 4) if monitoring.get_tool(number)] if monitoring else [],
}
"""


def test_threads_at_lines_do_not_disturb_each_other(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path) as recorded:
        added("service:API.create", "name, total", when=line_of("return total"))
        threads = [threading.Thread(target=module.API().create, args=(n, n)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(ask_messages(recorded)) == sorted(
            f"service:API.create line {line_of('return total')} name={n} total={n + 1}" for n in range(20)
        )
        assert sys.gettrace() is None


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.monitoring sees them")
def test_lines_of_generators_need_monitoring(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path):
        ask_point = ask_points.add(point("service:API.generate", when=line_of("yield 1")))
        assert ask_point.state == "lines of generators and coroutines can be watched from Python 3.12 on"


_GREEN = """
import eventlet
eventlet.monkey_patch()
import tempfile, types
import patches
from patches import ask_points

module = types.ModuleType("service")
source = '''import eventlet
def f(n):
    for _ in range(n):
        eventlet.sleep(0)
    n = n * 2
    return n
'''
exec(compile(source, "s.py", "exec"), vars(module))
sys.modules["service"] = module
capture = tempfile.mkdtemp()
patches.install(capture, {"segment_size": 1 << 16, "cap": 1 << 26, "hooks": []})
for key, when in (("1", "entry"), ("2", 6), ("3", "return")):
    point = {"key": key, "where": "service:f", "when": when, "expressions": [["n", "n", ["n"]]]}
    assert ask_points.add(point).state == "added"
pool = eventlet.GreenPool()
results = list(pool.imap(module.f, [3, 1, 2]))
remaining = patches.uninstall()
lines = [line.partition("] ")[2].split(" ") for line in open(capture + "/ask.log").read().splitlines()]
answer = {"results": results, "remaining": remaining, "tracer": sys.gettrace(), "lines": [line[1:-2] for line in lines]}
"""


def test_interleaved_greenthreads_log_their_own_values() -> None:
    """The first to enter is the last to leave; no trace function stays in the thread."""
    pytest.importorskip("eventlet")
    answer = elsewhere(_GREEN)
    assert (answer["results"], answer["remaining"], answer["tracer"]) == ([6, 2, 4], [], None)
    assert answer["lines"] == [
        ["n=3"], ["n=1"], ["n=2"],
        *[words for n in (1, 2, 3) for words in (["line", "6", f"n={2 * n}"], ["returned", f"n={n}"])],
    ]  # fmt: skip
