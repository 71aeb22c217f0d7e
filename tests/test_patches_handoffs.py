"""Hand-offs: work goes on below the step that passed it on, and no worker keeps anything of it."""

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
    """Recording of hand-offs."""
    with recording(tmp_path / "cap", "handoffs") as found:
        yield found


def here() -> int:
    """The current step, as the work sees it."""
    return recorder.current.get()


def failing() -> None:
    """Work that fails."""
    raise LookupError("own")


def futurist() -> Any:
    """futurist, which brings eventlet, which is deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("futurist")


def pools() -> list[Callable[[], Any]]:
    """The kinds of pools there are."""
    return [
        lambda: concurrent.futures.ThreadPoolExecutor(2),
        lambda: futurist().ThreadPoolExecutor(2),
        lambda: futurist().DynamicThreadPoolExecutor(2),
    ]


def passed_on(recorded: Recorded) -> list[Event]:
    """The hand-offs."""
    return recorded.events("handoff")


@pytest.mark.parametrize("make", pools(), ids=["concurrent.futures", "futurist", "dynamic"])
def test_a_pools_work_is_below_who_submitted_it(recorded: Recorded, make: Callable[[], Any]) -> None:
    """Its result comes back; which worker did it, and when it began, is told."""
    with make() as pool, inside_step() as step:
        seen = pool.submit(here).result()
    (handed,) = passed_on(recorded)
    assert (seen, handed.parent, handed.name) == (handed.number, step, f"{__name__}:here")
    assert handed.attributes["via"] in ("ThreadPoolExecutor", "DynamicThreadPoolExecutor")
    assert handed.attributes["worker"] != threading.get_ident()
    assert handed.end is not None
    assert handed.start <= int(str(handed.attributes["started"])) <= handed.end


def test_a_worker_that_is_used_again_inherits_nothing(recorded: Recorded) -> None:
    """Neither the step nor the context of its earlier work, and work from outside of a step is not wrapped."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with inside_step():
            recorder.context.set({"request_id": "req-1"})
            assert pool.submit(recorder.context.get).result() == {"request_id": "req-1"}
            with pytest.raises(LookupError):
                pool.submit(failing).result()
            recorder.context.set(None)
        assert pool.submit(here).result() == 0
        assert pool.submit(recorder.context.get).result() is None
    assert [handed.error for handed in passed_on(recorded)] == [None, "LookupError: own"]


def test_map_hands_over_each_item(recorded: Recorded) -> None:
    """It submits, and gives its results in order."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool, inside_step() as step:
        assert list(pool.map(abs, [-1, 2, -3])) == [1, 2, 3]
    assert [(handed.name, handed.parent) for handed in passed_on(recorded)] == [("builtins:abs", step)] * 3


def test_work_that_is_passed_on_again_nests(recorded: Recorded) -> None:
    """A pool's work submits more of it."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool, inside_step():
        inner = pool.submit(lambda: pool.submit(here).result()).result()
    outer, nested = passed_on(recorded)
    assert (nested.parent, inner) == (outer.number, nested.number)


def test_a_pool_that_refuses_closes_the_step(recorded: Recorded) -> None:
    """With the pool's own exception; nothing stays open."""
    pool = concurrent.futures.ThreadPoolExecutor(1)
    pool.shutdown()
    with inside_step(), pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(here)
    (handed,) = passed_on(recorded)
    assert handed.end is not None
    assert str(handed.error).startswith("RuntimeError")


def test_work_that_is_cancelled_closes_the_step(recorded: Recorded) -> None:
    """Nobody ever runs it."""
    gate = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(gate.wait)
        with inside_step():
            future = pool.submit(here)
            assert future.cancel()
            del future
        gate.set()
    gc.collect()
    (handed,) = passed_on(recorded)
    assert handed.end is not None
    assert handed.error is None


def test_a_thread_is_below_who_started_it(recorded: Recorded) -> None:
    """And afterwards has nothing of ours about it."""
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(here()))
    before = set(vars(thread))
    with inside_step() as step:
        thread.start()
        thread.join()
    (handed,) = passed_on(recorded)
    assert (handed.parent, seen) == (step, [handed.number])
    assert set(vars(thread)) <= before


def test_a_thread_with_a_run_of_its_own(recorded: Recorded) -> None:
    """A subclass, and one whose ``run`` was set from outside: both run, and theirs stays."""
    seen: list[int] = []

    class Own(threading.Thread):
        def run(self) -> None:
            seen.append(here())

    set_from_outside = threading.Thread()
    run = set_from_outside.run = lambda: seen.append(here())  # type: ignore[method-assign]
    with inside_step():
        for thread in (Own(), set_from_outside):
            thread.start()
            thread.join()
    assert seen == [handed.number for handed in passed_on(recorded)]
    assert set_from_outside.run is run


def test_a_thread_that_cannot_start_closes_the_step(recorded: Recorded) -> None:
    """A thread starts only once."""
    thread = threading.Thread(target=here)
    with inside_step():
        thread.start()
        thread.join()
        with pytest.raises(RuntimeError, match="once"):
            thread.start()
    assert all(handed.end is not None for handed in passed_on(recorded))
    assert "run" not in vars(thread)


def test_threads_that_serve_for_ever_are_left_alone(recorded: Recorded) -> None:
    """Those of pools, timers and libraries: what they will do is none of what started them."""
    with inside_step():
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(here)
        timer = threading.Timer(0, here)
        timer.start()
        timer.join()
    assert [handed.name for handed in passed_on(recorded)] == [f"{__name__}:here"]


class Events:
    """As Nova's handler of libvirt's events: a thread that serves all domains, started while the driver is."""

    def _native_thread(self) -> None:
        here()


def test_threads_with_news_of_all_instances_are_left_alone(recorded: Recorded) -> None:
    """What happens to a domain later is none of the driver's start, nor others' ports of the first one's request."""

    def synced_send() -> None:
        here()

    with inside_step():
        for target in (Events()._native_thread, synced_send, here):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert [handed.name for handed in passed_on(recorded)] == [f"{__name__}:here"]


def test_outside_of_a_step_nothing_is_wrapped(recorded: Recorded) -> None:
    """The pool gets the very function."""
    given: list[object] = []

    class Pool(concurrent.futures.ThreadPoolExecutor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            given.append(fn)
            return super().submit(fn, *args, **kwargs)

    with Pool(1) as pool:
        pool.submit(here)
    assert given == [here]
    assert passed_on(recorded) == []


def test_a_job_looks_like_what_it_carries(recorded: Recorded) -> None:
    """Whoever looks at the function it was given sees its names and attributes."""
    with inside_step():
        job = handoffs._job("test", here)
        assert job is not None
        assert (job.__name__, job.__qualname__, job.__module__, job.__wrapped__) == ("here", "here", __name__, here)
        with pytest.raises(AttributeError):
            _ = job.missing
        part = handoffs._job("test", functools.partial(here))
        assert part is not None
        assert part.func is here
        bound = handoffs._job("test", [].append)
        assert bound is not None
        assert bound.__self__ == []
        for each in (job, part, bound):
            each.refused(None)


class Strange:
    """A callable that minds being asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("injected")

    def __call__(self) -> int:
        return 3


@pytest.mark.parametrize("broken", ["begin", "note", "finish"])
def test_failures_of_ours_change_nothing(recorded: Recorded, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Results, exceptions, and what workers are left with."""

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("injected")

    with concurrent.futures.ThreadPoolExecutor(1) as pool, inside_step():
        with monkeypatch.context() as patched:
            patched.setattr(recorder, broken, fail)
            for _ in range(7):
                assert pool.submit(abs, -1).result() == 1
                with pytest.raises(LookupError, match="own"):
                    pool.submit(failing).result()
                thread = threading.Thread(target=here)
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
seen = {{}}
def work(name):
    eventlet.sleep(0)
    seen[name] = recorder.current.get()
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
failures = {{name: each.last_error for name, each in hooks.hooks.items() if each.failures}}
kept = patches.uninstall()
found = segments.read(Path(capture))
events = {{event.number: event for event in found.events}}
below = {{}}
for name, number in seen.items():
    below[name] = [events[number].attributes["via"], events[events[number].parent].name] if number else []
answer = {{
    "below": below, "failures": failures, "kept": kept, "warnings": found.warnings,
    "open": [event.name for event in found.events if event.end is None],
    "errors": [event.error for event in found.events if event.error],
}}
"""


@pytest.mark.parametrize("patched", [True, False])
def test_greenthreads_pools_and_native_threads_under_eventlet(tmp_path: Path, patched: bool) -> None:
    """Each kind of hand-off of eventlet's, monkey-patched or not; nothing stays open, and nobody inherits a step."""
    answer = elsewhere(_EVENTLET.format(patched=patched), tmp_path)
    assert (answer["failures"], answer["kept"], answer["warnings"], answer["open"]) == ({}, [], [], [])
    assert answer["errors"] == ["LookupError: own"]
    below = answer["below"]
    assert below.pop("outside") == []
    nested = below.pop("nested")
    assert nested[1].startswith("__main__:<lambda>")
    assert [name for name, how in below.items() if how[-1:] != ["around"]] == []
    assert sorted(below) == sorted(
        ["spawn", "spawn_n", "spawn_after", "greenthread", "pool", "pool_n", "tpool", "proxy", "thread"]
    )
