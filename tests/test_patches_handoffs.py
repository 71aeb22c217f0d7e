"""Hand-offs: work in pools and threads is below the step that passed it on; workers keep no state of it."""

from __future__ import annotations

import concurrent.futures
import functools
import gc
import importlib
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from patches import handoffs, recorder
from tests.support.recording import Recorded, inside_step, recording
from tests.support.subprocess_python import elsewhere
from tracer.events import Event

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    """Yield a recording of hand-offs."""
    with recording(tmp_path / "cap", "handoffs") as recording_:
        yield recording_


def current_step() -> int:
    """Return the current step, as the work sees it."""
    return recorder.current.get()


def failing() -> None:
    """Fail."""
    raise LookupError("own")


def futurist() -> Any:
    """Return futurist, whose import of eventlet raises deprecation warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("futurist")


def pools() -> list[Callable[[], Any]]:
    """Return a maker for every kind of pool."""
    return [
        lambda: concurrent.futures.ThreadPoolExecutor(2),
        lambda: futurist().ThreadPoolExecutor(2),
        lambda: futurist().DynamicThreadPoolExecutor(2),
    ]


def handoffs_of(recorded: Recorded) -> list[Event]:
    """Return the recorded hand-offs."""
    return recorded.events("handoff")


@pytest.mark.parametrize("make", pools(), ids=["concurrent.futures", "futurist", "dynamic"])
def test_a_pools_work_is_below_the_step_that_submitted_it(recorded: Recorded, make: Callable[[], Any]) -> None:
    """The hand-off has the worker and the time at which the work began."""
    with make() as pool, inside_step() as step:
        result = pool.submit(current_step).result()
    (handed,) = handoffs_of(recorded)
    assert (result, handed.parent, handed.name) == (handed.number, step, f"{__name__}:current_step")
    assert handed.attributes["via"] in ("ThreadPoolExecutor", "DynamicThreadPoolExecutor")
    assert handed.attributes["worker"] != threading.get_ident()
    assert handed.end is not None
    assert handed.start <= int(str(handed.attributes["started"])) <= handed.end


def test_a_reused_worker_inherits_nothing(recorded: Recorded) -> None:
    """Neither the step nor the context of earlier work; work submitted outside a step is not wrapped."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with inside_step():
            recorder.context.set({"request_id": "req-1"})
            assert pool.submit(recorder.context.get).result() == {"request_id": "req-1"}
            with pytest.raises(LookupError):
                pool.submit(failing).result()
            recorder.context.set(None)
        assert pool.submit(current_step).result() == 0
        assert pool.submit(recorder.context.get).result() is None
    assert [handed.error for handed in handoffs_of(recorded)] == [None, "LookupError: own"]


def test_every_item_of_map_is_a_hand_off(recorded: Recorded) -> None:
    """The results stay in order."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool, inside_step() as step:
        assert list(pool.map(abs, [-1, 2, -3])) == [1, 2, 3]
    assert [(handed.name, handed.parent) for handed in handoffs_of(recorded)] == [("builtins:abs", step)] * 3


def test_nested_hand_offs_nest(recorded: Recorded) -> None:
    """A pool's work submits more work."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool, inside_step():
        inner = pool.submit(lambda: pool.submit(current_step).result()).result()
    outer, nested = handoffs_of(recorded)
    assert (nested.parent, inner) == (outer.number, nested.number)


def test_a_hand_off_to_a_closed_pool_is_closed_with_the_error(recorded: Recorded) -> None:
    pool = concurrent.futures.ThreadPoolExecutor(1)
    pool.shutdown()
    with inside_step(), pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(current_step)
    (handed,) = handoffs_of(recorded)
    assert handed.end is not None
    assert str(handed.error).startswith("RuntimeError")


def test_a_cancelled_hand_off_is_closed(recorded: Recorded) -> None:
    gate = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(gate.wait)
        with inside_step():
            future = pool.submit(current_step)
            assert future.cancel()
            del future
        gate.set()
    gc.collect()
    (handed,) = handoffs_of(recorded)
    assert handed.end is not None
    assert handed.error is None


def test_a_thread_is_below_the_step_that_started_it(recorded: Recorded) -> None:
    """No attribute of the hook stays on the thread object."""
    steps: list[int] = []
    thread = threading.Thread(target=lambda: steps.append(current_step()))
    before = set(vars(thread))
    with inside_step() as step:
        thread.start()
        thread.join()
    (handed,) = handoffs_of(recorded)
    assert (handed.parent, steps) == (step, [handed.number])
    assert set(vars(thread)) <= before


def test_a_thread_with_its_own_run_is_handed_off_and_keeps_it(recorded: Recorded) -> None:
    """A subclass, and a thread whose ``run`` was assigned."""
    steps: list[int] = []

    class Own(threading.Thread):
        def run(self) -> None:
            steps.append(current_step())

    set_from_outside = threading.Thread()
    run = set_from_outside.run = lambda: steps.append(current_step())  # type: ignore[method-assign]
    with inside_step():
        for thread in (Own(), set_from_outside):
            thread.start()
            thread.join()
    assert steps == [handed.number for handed in handoffs_of(recorded)]
    assert set_from_outside.run is run


def test_a_hand_off_to_a_thread_that_cannot_start_is_closed(recorded: Recorded) -> None:
    """A thread starts only once."""
    thread = threading.Thread(target=current_step)
    with inside_step():
        thread.start()
        thread.join()
        with pytest.raises(RuntimeError, match="once"):
            thread.start()
    assert all(handed.end is not None for handed in handoffs_of(recorded))
    assert "run" not in vars(thread)


def test_workers_and_timers_are_no_hand_offs(recorded: Recorded) -> None:
    """Their later work does not belong to the step that started them."""
    with inside_step():
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(current_step)
        timer = threading.Timer(0, current_step)
        timer.start()
        timer.join()
    assert [handed.name for handed in handoffs_of(recorded)] == [f"{__name__}:current_step"]


class Events:
    """Nova's handler of libvirt events: a thread for all domains, started together with the driver."""

    def _native_thread(self) -> None:
        current_step()


def test_event_threads_for_all_instances_are_no_hand_offs(recorded: Recorded) -> None:
    """Later events of other instances do not belong to the request that started the thread."""

    def synced_send() -> None:
        current_step()

    with inside_step():
        for target in (Events()._native_thread, synced_send, current_step):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert [handed.name for handed in handoffs_of(recorded)] == [f"{__name__}:current_step"]


def test_work_submitted_outside_a_step_is_not_wrapped(recorded: Recorded) -> None:
    """The pool receives the original function."""
    submitted: list[object] = []

    class Pool(concurrent.futures.ThreadPoolExecutor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            submitted.append(fn)
            return super().submit(fn, *args, **kwargs)

    with Pool(1) as pool:
        pool.submit(current_step)
    assert submitted == [current_step]
    assert handoffs_of(recorded) == []


def test_a_wrapped_job_has_the_attributes_of_its_function(recorded: Recorded) -> None:
    """Pools may read the names and attributes of a function."""
    with inside_step():
        job = handoffs._job("test", current_step)
        assert job is not None
        assert (job.__name__, job.__qualname__, job.__module__, job.__wrapped__) == (
            "current_step",
            "current_step",
            __name__,
            current_step,
        )
        with pytest.raises(AttributeError):
            _ = job.missing
        part = handoffs._job("test", functools.partial(current_step))
        assert part is not None
        assert part.func is current_step
        bound = handoffs._job("test", [].append)
        assert bound is not None
        assert bound.__self__ == []
        for wrapped in (job, part, bound):
            wrapped.refused(None)


class Strange:
    """A callable that raises at every missing attribute."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("injected")

    def __call__(self) -> int:
        return 3


@pytest.mark.parametrize("broken", ["begin", "note", "finish"])
def test_the_hooks_own_failures_do_not_reach_the_host(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Results, exceptions and thread objects are unchanged."""

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("injected")

    with concurrent.futures.ThreadPoolExecutor(1) as pool, inside_step():
        with monkeypatch.context() as patched:
            patched.setattr(recorder, broken, fail)
            for _ in range(7):
                assert pool.submit(abs, -1).result() == 1
                with pytest.raises(LookupError, match="own"):
                    pool.submit(failing).result()
                thread = threading.Thread(target=current_step)
                thread.start()
                thread.join()
                assert "run" not in vars(thread)
        assert pool.submit(Strange()).result() == 3
    assert not handoffs.handoffs.enabled
    handoffs.handoffs.failures, handoffs.handoffs.enabled = 0, True


_EVENTLET = """
import eventlet
if {patched}:
    eventlet.monkey_patch()
import patches, threading, time
from eventlet import greenpool, tpool, event, greenthread
from patches import recorder, hooks
from tracer.sources.hooks import segments
from pathlib import Path

capture = sys.argv[1]
patches.install(capture, {{"segment_size": 1 << 20, "cap": 1 << 26, "hooks": ["handoffs"], "ask": []}})
steps = {{}}
def work(name):
    eventlet.sleep(0)
    steps[name] = recorder.current.get()
    return name
def failing():
    raise LookupError("own")

step = recorder.begin("call", "around")
recorder.current.set(step)
assert eventlet.spawn(work, "spawn").wait() == "spawn"
done = event.Event()
eventlet.spawn_n(lambda: done.send(work("spawn_n")))
done.wait()
assert eventlet.spawn_after(0, work, "spawn_after").wait() == "spawn_after"
assert greenthread.spawn(work, "greenthread").wait() == "greenthread"
pool = greenpool.GreenPool(1)
assert pool.spawn(work, "pool").wait() == "pool"
pool.spawn_n(work, "pool_n")
pool.waitall()
assert tpool.execute(work, "tpool") == "tpool"
class Stranger:
    def method(self): return work("proxy")
assert tpool.Proxy(Stranger()).method() == "proxy"
nested = eventlet.spawn(lambda: eventlet.spawn(work, "nested").wait())
nested.wait()
thread = threading.Thread(target=work, args=("thread",))
thread.start()
thread.join()
try:
    eventlet.spawn(failing).wait()
except LookupError as error:
    assert error.args == ("own",)
killed = eventlet.spawn(work, "killed")
killed.kill()
assert recorder.current.get() == step
recorder.current.set(0)
assert eventlet.spawn(work, "outside").wait() == "outside"
recorder.finish(step)
eventlet.sleep(0.01)
del killed
import gc; gc.collect()
failures = {{name: hook.last_error for name, hook in hooks.hooks.items() if hook.failures}}
remaining = patches.uninstall()
contents = segments.read(Path(capture))
events = {{event.number: event for event in contents.events}}
below = {{}}
for name, number in steps.items():
    below[name] = [events[number].attributes["via"], events[events[number].parent].name] if number else []
answer = {{
    "below": below, "failures": failures, "remaining": remaining, "warnings": contents.warnings,
    "open": [event.name for event in contents.events if event.end is None],
    "errors": [event.error for event in contents.events if event.error],
}}
"""


@pytest.mark.parametrize("patched", [True, False])
def test_greenthreads_pools_and_native_threads_under_eventlet(tmp_path: Path, patched: bool) -> None:
    """Every kind of hand-off in eventlet, monkey-patched or not; no step stays open or is inherited."""
    answer = elsewhere(_EVENTLET.format(patched=patched), tmp_path)
    assert (answer["failures"], answer["remaining"], answer["warnings"], answer["open"]) == ({}, [], [], [])
    assert answer["errors"] == ["LookupError: own"]
    below = answer["below"]
    assert below.pop("outside") == []
    nested = below.pop("nested")
    assert nested[1].startswith("__main__:<lambda>")
    assert [name for name, how in below.items() if how[-1:] != ["around"]] == []
    assert sorted(below) == sorted(
        ["spawn", "spawn_n", "spawn_after", "greenthread", "pool", "pool_n", "tpool", "proxy", "thread"]
    )
