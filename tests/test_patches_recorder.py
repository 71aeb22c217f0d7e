"""Recording steps: names by number, forks, and processes that are killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import patches
from patches import calls, record_format, recorder
from tests.support.raw_segments import read_all
from tests.support.recording import Recorded, recording, standing_in
from tracer.sources.hooks import segments

#: pytest's own threads; none of them runs in the children.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    """Yield a recording without any hook."""
    with recording(tmp_path / "cap") as recording_:
        yield recording_


def in_child(work: Callable[[], object]) -> None:
    """Run a function in a forked child, which exits without pytest's cleanup."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def names(recorded: Recorded) -> list[tuple[int, str]]:
    """Return (pid, name) of every event."""
    return [(event.process.pid, event.name) for event in recorded.events()]


def test_without_a_recorder_steps_are_ignored() -> None:
    assert recorder.recorder is None
    step = recorder.begin("call", "x")
    recorder.note(step, ("a", 1))
    recorder.finish(step)
    recorder.happened("log", "x")
    assert step == 0


def test_a_step_has_its_parent_notes_and_error(recorded: Recorded) -> None:
    """All records of a step are read back as one event."""
    outer = recorder.begin("call", "outer")
    step = recorder.begin("rpc", "name", ("a", 1), parent=outer)
    recorder.note(step, ("b", "two"))
    recorder.finish(step, ValueError("bad"), ("c", 3.5))
    event = next(event for event in recorded.events() if event.name == "name")
    assert (event.parent, event.kind, event.error) == (outer, "rpc", "ValueError: bad")
    assert event.attributes == {"a": 1, "b": "two", "c": 3.5}
    assert event.end is not None
    assert event.end >= event.start


def test_concurrent_naming_gives_every_text_its_own_number(recorded: Recorded) -> None:
    start = threading.Barrier(6)

    def name(thread: int) -> None:
        start.wait()
        for number in range(400):
            recorder.name_number(f"text {number % 40 if thread % 2 else number}")

    workers = [threading.Thread(target=name, args=(thread,)) for thread in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    written = [payload for payload in read_all(recorded.capture / "segments") if payload[0] == record_format.NAME]
    by_number = {number: text for _, number, text, _ in written}
    assert len(by_number) == len(written)
    assert {by_number[number] for number in recorder.names.values()} == set(recorder.names)
    assert all(by_number[number] == text for text, number in recorder.names.items())


def test_a_name_that_could_not_be_written_is_written_at_its_next_use(recorded: Recorded) -> None:
    """Otherwise later records would refer to a missing text."""
    unwritable: Any = (object(),)
    with pytest.raises(ValueError, match="unmarshallable"):
        recorder.name_number("text", unwritable)
    number = recorder.name_number("text")
    assert (record_format.NAME, number, "text", ()) in read_all(recorded.capture / "segments")


@pytest.mark.usefixtures("recorded")
def test_many_texts_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limits a text is written literally; function names, which are few, always get a number."""
    monkeypatch.setattr(recorder, "MAX_NAMES", 2)
    assert [type(recorder.number_or_text(text)) for text in ("a", "b", "c", "a")] == [int, int, str, int]
    assert type(recorder.name_number("function")) is int
    long = recorder.number_or_text("x" * (recorder.MAX_NAME + 1))
    assert type(long) is str
    assert len(long) < recorder.MAX_NAME + 50


@pytest.mark.usefixtures("recorded")
def test_long_texts_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The total number of characters is limited too."""
    monkeypatch.setattr(recorder, "MAX_NAMED_CHARACTERS", 10)
    assert [type(recorder.number_or_text(text)) for text in ("x" * 9, "yy", "z")] == [int, str, int]


def test_folders_and_files_are_private(tmp_path: Path) -> None:
    """0700 and 0600."""
    with recording(tmp_path / "cap") as recorded:
        recorder.happened("log", "x")
        folder = recorded.capture / "segments"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_parent_and_child_of_a_fork_are_both_recorded(recorded: Recorded) -> None:
    """They write separate files."""
    recorder.happened("log", "before")

    def child() -> None:
        for number in range(100):
            recorder.happened("log", f"child {number}")

    in_child(child)
    for number in range(100):
        recorder.happened("log", f"parent {number}")
    events = names(recorded)
    ours = [name for pid, name in events if pid == os.getpid()]
    theirs = [name for pid, name in events if pid != os.getpid()]
    assert ours == ["before"] + [f"parent {number}" for number in range(100)]
    assert theirs == [f"child {number}" for number in range(100)]


def test_a_child_that_records_nothing_leaves_no_files(recorded: Recorded) -> None:
    """Most children exec at once: a preexec_fn runs the fork handlers too."""
    before = set((recorded.capture / "segments").iterdir())
    in_child(lambda: None)
    subprocess.run([sys.executable, "-c", ""], preexec_fn=lambda: None, check=True)
    assert set((recorded.capture / "segments").iterdir()) == before


def test_a_step_that_is_open_at_a_fork_belongs_to_the_parent(recorded: Recorded) -> None:
    """The child closes no step of the parent, and its own steps are below none of them."""
    step = recorder.begin("call", "forking")
    recorder.current.set(step)

    def child() -> None:
        recorder.happened("log", "child")
        recorder.note(step, ("by", "child"))
        recorder.finish(step)

    in_child(child)
    recorder.current.set(0)
    recorder.finish(step, None, ("by", "parent"))
    events = {event.name: event for event in recorded.events()}
    assert events["forking"].attributes == {"by": "parent"}
    assert events["child"].parent == 0


def test_a_step_that_is_open_at_uninstall_is_not_in_the_next_recording(tmp_path: Path) -> None:
    """Its end would have no beginning, and its number would be an unknown parent."""
    with recording(tmp_path / "one"):
        step = recorder.begin("rpc", "going on")
    with recording(tmp_path / "two") as second:
        recorder.current.set(step)
        inner = recorder.begin("rpc", "inner")
        recorder.finish(inner)
        recorder.current.set(0)
        recorder.note(step, ("late", 1))
        recorder.finish(step)
        assert [(event.name, event.parent) for event in second.events()] == [("inner", 0)]


def test_a_call_that_forks_ends_once(tmp_path: Path) -> None:
    """The wrapper also returns in the child, where it must not touch the parent's records or slot."""

    def forking() -> int:
        return os.fork()

    with (
        standing_in("forking_module", forking=forking) as module,
        recording(tmp_path / "cap", points=[["forking_module", ["*"], []]]) as recorded,
    ):
        child = module.forking()
        if child == 0:
            recorder.happened("log", "child")
            os._exit(0)
        os.waitpid(child, 0)
        recorder.happened("log", "parent")
        events = recorded.events()
    assert sorted((event.kind, event.name) for event in events) == [
        ("call", "forking_module:forking"),
        ("log", "child"),
        ("log", "parent"),
    ]
    assert all(event.end is not None for event in events)
    assert calls.calls.failures == 0


_KILLED = """
import os, sys, types
sys.path.insert(0, sys.argv[1])
import patches
from patches import recorder

module = types.ModuleType("service")
exec('''
def quick(): pass
def spawn(): inner()
def inner():
    for number in range(5000): quick()
    print("ready", flush=True)
    import time; time.sleep(60)
''', vars(module))
sys.modules["service"] = module
patches.install(sys.argv[2], {"segment_size": 1 << 16, "cap": 1 << 26, "ask": [], "points": [["service", ["*"], []]]})
module.spawn()
"""


def test_kill_9_loses_no_event(tmp_path: Path) -> None:
    """Over several segments; the calls that were running are open."""
    script = tmp_path / "service.py"
    script.write_text(_KILLED)
    (tmp_path / "cap").mkdir()
    root = str(Path(patches.__file__).parent.parent)
    with subprocess.Popen([sys.executable, script, root, tmp_path / "cap"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
    contents = segments.read(tmp_path / "cap")
    assert contents.warnings == []
    ended = [event for event in contents.events if event.end is not None]
    opened = sorted((event for event in contents.events if event.end is None), key=lambda event: event.number)
    assert [event.name for event in ended] == ["service:quick"] * 5_000
    assert [event.name for event in opened] == ["service:spawn", "service:inner"]
    assert opened[1].parent == opened[0].number
    assert {event.parent for event in ended} == {opened[1].number}
