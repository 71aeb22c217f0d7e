"""Looping calls of oslo.service: runs stand below who started the loop for as long as somebody waits for it."""

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
        self.seen, self.runs = [], runs
        self.call = kind(self.run)
        answer[name] = self.told = {"seen": self.seen}

    def run(self):
        self.seen.append(recorder.current.get())
        if len(self.seen) >= self.runs:
            raise loopingcall.LoopingCallDone("result")

    def start(self, **arguments):
        self.told["step"] = recorder.begin("call", "around")
        recorder.current.set(self.told["step"])
        return self.call.start(**arguments)

    def settle(self):
        while len(self.seen) < self.runs:
            time.sleep(0.01)
        time.sleep(0.02)
        recorder.current.set(0)

for kind, arguments in (
    (loopingcall.FixedIntervalLoopingCall, {"interval": 0.02}),
    (loopingcall.DynamicLoopingCall, {"periodic_interval_max": 0.02}),
):
    waited = Scenario("waited " + kind.__name__, kind, 4)
    waited.told["result"] = waited.start(**arguments).wait()
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
    outside.told["error"] = str(error)
recorder.current.set(0)

answer["failures"] = {name: each.last_error for name, each in hooks.hooks.items() if each.failures}
answer["kept"] = patches.uninstall()
answer["left"] = len(looping_calls._started)
"""


@pytest.fixture(scope="module", params=["threading", "eventlet"])
def answer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each loop's runs saw as the current step, in a process of each backend."""
    found: dict[str, Any] = elsewhere(_SCENARIOS, tmp_path_factory.mktemp("loops"), request.param)
    return found


def test_nothing_failed_and_nothing_is_left(answer: dict[str, Any]) -> None:
    """All is put back, and no loop is waited for in vain."""
    assert (answer["failures"], answer["kept"], answer["left"]) == ({}, [], 0)


@pytest.mark.parametrize("kind", ["FixedIntervalLoopingCall", "DynamicLoopingCall"])
def test_runs_that_are_waited_for_are_below_who_waits(answer: dict[str, Any], kind: str) -> None:
    """As Nova waits for a guest to boot; the loop's result is its own."""
    told = answer[f"waited {kind}"]
    assert told["result"] == "result"
    assert told["seen"] == [told["step"]] * 4


def test_runs_that_nobody_waits_for_are_below_nothing(answer: dict[str, Any]) -> None:
    """Heartbeats: only the first run, which may come before anybody could have waited, is its starter's."""
    told = answer["alone"]
    assert told["seen"] == [told["step"], 0, 0, 0]


def test_a_first_run_that_comes_later_is_below_nothing_either(answer: dict[str, Any]) -> None:
    """With an initial delay there was time to wait."""
    assert answer["later"]["seen"] == [0, 0]


def test_a_loop_started_outside_of_a_step_is_left_alone(answer: dict[str, Any]) -> None:
    """And one whose start fails does so with its own error."""
    assert answer["outside"]["seen"] == [0, 0]
    assert "only run one function at a time" in answer["outside"]["error"]
