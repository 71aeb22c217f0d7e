"""Looping calls of oslo.service: runs are below the step that started the loop while that step waits for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.subprocess_python import elsewhere

_SCENARIOS = """
backend = sys.argv[2]
if backend == "eventlet":
    import eventlet
    eventlet.monkey_patch()
from oslo_service import backend as backends
backends.init_backend(backends.BackendType(backend))
import time, threading
from oslo_service import loopingcall
import patches
from patches import hooks, looping_calls, recorder

patches.install(sys.argv[1], {"segment_size": 1 << 20, "cap": 1 << 26, "hooks": ["handoffs"], "ask": []})
answer = {}

class Scenario:
    def __init__(self, name, kind, runs):
        self.steps, self.runs = [], runs
        self.call = kind(self.run)
        answer[name] = self.result = {"steps": self.steps}

    def run(self):
        self.steps.append(recorder.current.get())
        if len(self.steps) >= self.runs:
            raise loopingcall.LoopingCallDone("result")

    def start(self, **arguments):
        self.result["step"] = recorder.begin("call", "around")
        recorder.current.set(self.result["step"])
        return self.call.start(**arguments)

    def settle(self):
        while len(self.steps) < self.runs:
            time.sleep(0.01)
        time.sleep(0.02)
        recorder.current.set(0)

for kind, arguments in (
    (loopingcall.FixedIntervalLoopingCall, {"interval": 0.02}),
    (loopingcall.DynamicLoopingCall, {"periodic_interval_max": 0.02}),
):
    waited = Scenario("waited " + kind.__name__, kind, 4)
    waited.result["result"] = waited.start(**arguments).wait()
    recorder.current.set(0)

alone = Scenario("alone", loopingcall.FixedIntervalLoopingCall, 4)
alone.start(interval=0.02)
recorder.current.set(0)
alone.settle()

later = Scenario("later", loopingcall.FixedIntervalLoopingCall, 2)
later.start(interval=0.02, initial_delay=0.05)
later.settle()

outside = Scenario("outside", loopingcall.FixedIntervalLoopingCall, 2)
outside.call.start(interval=0.02).wait()
outside.call._thread = object()
try:
    outside.start(interval=1)
except RuntimeError as error:
    outside.result["error"] = str(error)
recorder.current.set(0)

answer["failures"] = {name: hook.last_error for name, hook in hooks.hooks.items() if hook.failures}
answer["remaining"] = patches.uninstall()
answer["loops"] = len(looping_calls._started)
"""


@pytest.fixture(scope="module", params=["threading", "eventlet"])
def answer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the loops under one backend, and return the current step of every run."""
    result: dict[str, Any] = elsewhere(_SCENARIOS, tmp_path_factory.mktemp("loops"), request.param)
    return result


def test_everything_is_restored(answer: dict[str, Any]) -> None:
    assert (answer["failures"], answer["remaining"], answer["loops"]) == ({}, [], 0)


@pytest.mark.parametrize("kind", ["FixedIntervalLoopingCall", "DynamicLoopingCall"])
def test_runs_are_below_the_step_that_waits_for_them(answer: dict[str, Any], kind: str) -> None:
    """Nova waits this way for a guest to boot."""
    loop = answer[f"waited {kind}"]
    assert loop["result"] == "result"
    assert loop["steps"] == [loop["step"]] * 4


def test_runs_without_a_waiter_are_below_no_step(answer: dict[str, Any]) -> None:
    """Heartbeats: only the first run, which may precede the wait, is below the starter."""
    loop = answer["alone"]
    assert loop["steps"] == [loop["step"], 0, 0, 0]


def test_a_delayed_first_run_is_below_no_step(answer: dict[str, Any]) -> None:
    """During the initial delay the starter could have begun to wait."""
    assert answer["later"]["steps"] == [0, 0]


def test_a_loop_started_outside_a_step_is_unchanged(answer: dict[str, Any]) -> None:
    """A start that fails raises its own error."""
    assert answer["outside"]["steps"] == [0, 0]
    assert "only run one function at a time" in answer["outside"]["error"]
