"""Calls of nested functions that call points name: recorded where a loop, a pool or a thread runs them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.subprocess_python import elsewhere

_SCENARIOS = """
if sys.argv[2] == "eventlet":
    import eventlet
    eventlet.monkey_patch()
from oslo_service import backend as backends
backends.init_backend(backends.BackendType(sys.argv[2]))
import functools, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from oslo_service import loopingcall
import patches
from patches import hooks, looping_calls, nested_calls, recorder
from tests.support.recording import Recorded

answer = {"wrapped": []}

class Driver:
    def spawn(self, runs):
        def _wait():
            '''Wait.'''
            answer["wrapped"].append(timer.f is not own)
            nonlocal runs
            runs -= 1
            if not runs:
                raise loopingcall.LoopingCallDone(_wait.__doc__)
        def other():
            raise loopingcall.LoopingCallDone()
        loopingcall.FixedIntervalLoopingCall(other).start(interval=0.01).wait()
        own = _wait
        timer = loopingcall.FixedIntervalLoopingCall(_wait)
        result = timer.start(interval=0.01).wait()
        while timer.f is not own:  # which the loop's thread restores as it ends
            time.sleep(0.001)
        return result

    def pool(self):
        def work(number, *, by):
            return number * by
        def lazy():
            yield 1
        with ThreadPoolExecutor(1) as pool:
            answer["pool"] = [
                pool.submit(work, 2, by=3).result(), pool.submit(functools.partial(work, by=4), 5).result()
            ]
            answer["lazy"] = next(pool.submit(lazy).result())

    def thread(self):
        def target(value):
            answer["thread"] = value
        def fails():
            pass
        running = threading.Thread(target=target, args=(7,))
        running.start()
        running.join()
        unable = threading.Thread(target=fails)
        unable._started.set()
        try:
            unable.start()
        except RuntimeError:
            answer["unable"] = unable._target is fails

    def direct(self):
        def call():
            return 1
        return call()

def outer():
    def inner():
        return "inner"
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(inner).result()

names = ["Driver.*", "Driver.spawn.<locals>._wait since 29", "Driver.*.<locals>.*", "outer.<locals>.inner"]
patches.install(sys.argv[1], {
    "segment_size": 1 << 20, "cap": 1 << 26, "hooks": ["handoffs"], "ask": [],
    "points": [["__main__", names, ["Driver.spawn.<locals>.other"]], ["elsewhere", ["*.<locals>.*"], []]],
})
driver = Driver()
answer["result"] = driver.spawn(2)
recorder.current.set(recorder.begin("call", "around"))
driver.pool()
driver.thread()
driver.direct()
answer["outer"] = outer()
recorder.current.set(0)
outer()
answer["failures"] = {name: hook.last_error for name, hook in hooks.hooks.items() if hook.failures}
answer["remaining"] = patches.uninstall()
answer["left"] = len(nested_calls._points) + len(looping_calls._recorded)
Driver().spawn(1)
answer["events"] = [
    (event.kind, event.name, event.number, event.parent, event.attributes.get("class"))
    for event in Recorded(Path(sys.argv[1])).events() if event.kind in ("call", "handoff")
]
"""


@pytest.fixture(scope="module", params=["threading", "eventlet"])
def answer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run a driver's nested functions, and return their results and what was recorded."""
    capture = tmp_path_factory.mktemp("nested")
    result: dict[str, Any] = elsewhere(_SCENARIOS, capture, request.param)
    return result


def calls(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return kind and name of the parent, and name, of every call of a nested function."""
    steps = {number: (kind, name) for kind, name, number, *_ in answer["events"]}
    prefix = "__main__:"
    return [
        (steps[parent][0], steps[parent][1].removeprefix(prefix), name.removeprefix(prefix))
        for kind, name, _, parent, _ in answer["events"]
        if kind == "call" and ".<locals>." in name
    ]


def test_a_function_is_recorded_where_a_loop_a_pool_or_a_thread_runs_it(answer: dict[str, Any]) -> None:
    """Each run of a loop; functions within a partial too; no excluded ones, no generators, none called directly."""
    work, target, inner = "Driver.pool.<locals>.work", "Driver.thread.<locals>.target", "outer.<locals>.inner"
    assert calls(answer) == [
        ("call", "Driver.spawn", "Driver.spawn.<locals>._wait"),
        ("call", "Driver.spawn", "Driver.spawn.<locals>._wait"),
        ("handoff", work, work), ("handoff", work, work), ("handoff", target, target), ("handoff", inner, inner),
    ]  # fmt: skip
    owners = {owner for kind, name, _, _, owner in answer["events"] if kind == "call" and ".<locals>." in name}
    assert owners == {"Driver.spawn", "Driver.pool", "Driver.thread", "outer"}


def test_results_are_those_without_hooks(answer: dict[str, Any]) -> None:
    assert answer["result"] == "Wait."
    assert (answer["pool"], answer["lazy"], answer["thread"], answer["outer"]) == ([6, 20], 1, 7, "inner")


def test_a_looping_call_has_its_own_function_again(answer: dict[str, Any]) -> None:
    """While it runs under hooks it has ours; the scenario waits for its own after that."""
    assert answer["wrapped"] == [True, True, False]


def test_a_thread_that_cannot_start_keeps_its_target(answer: dict[str, Any]) -> None:
    assert answer["unable"]


def test_nothing_is_left(answer: dict[str, Any]) -> None:
    assert (answer["failures"], answer["remaining"], answer["left"]) == ({}, [], 0)
