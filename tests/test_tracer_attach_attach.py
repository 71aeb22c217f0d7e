"""Attaching to and detaching from running processes: recording, lease, refusals, proof of the restored state."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.victims import PROGRAM, VERSIONS, Victim, interpreter, open_folder
from tracer.attach import detach, discovery, processes, registry, spool_location
from tracer.attach.attach import Attachment
from tracer.attach.eligibility import ProcessReport
from tracer.attach.injection import payload, visits
from tracer.recording import capture as captures
from tracer.sources.hooks import segments

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Return an empty capture."""
    return make_capture(tmp_path / "capture")


def make_capture(path: Path) -> Path:
    captures.make(path, points=[("victim_points", ["*"], [])], ask=["ask"], echo=False)
    return path


def attach(capture: Path, *victims: Victim, seconds: float = 60) -> list[ProcessReport]:
    """Attach to victims, whose processes are read from /proc."""
    return Attachment(capture, seconds).attach([_process(victim.pid) for victim in victims])


def attached(capture: Path, victim: Victim) -> ProcessReport:
    """Attach to one victim, which must succeed."""
    (result,) = attach(capture, victim)
    assert (result.state, result.reason) == ("attached", "")
    return result


def detached(capture: Path) -> ProcessReport:
    """Detach from the only attached process, which must succeed."""
    (result,) = detach.detach(capture)
    assert (result.state, result.reason) == ("detached", "")
    return result


def _process(pid: int) -> processes.Process:
    process = processes.read(pid)
    assert process is not None
    return process


def kinds(capture: Path) -> dict[str, int]:
    """Count the recorded events by kind, except for waits for a connection, which depend on the load."""
    counts: dict[str, int] = {}
    for event in segments.read(capture).events:
        if event.name != "sqlalchemy.pool:checkout":
            counts[event.kind] = counts.get(event.kind, 0) + 1
    return counts


@pytest.mark.parametrize("mode", ["serve", "eventlet", "sleep", "lock", "calls"])
def test_a_running_service_is_recorded_while_attached(mode: str, capture: Path) -> None:
    """Also by engines and loggers that exist already, as their classes are patched."""
    with Victim(mode) as victim:
        assert victim.ask("sql(3)") == 3
        attached(capture, victim)
        assert victim.ask("sql(5)") == 10
        victim.ask("log('while attached')")
        proof = detached(capture)
        assert proof.more["attributes"] > 3
        victim.ask("sql(7)")
        assert victim.alive()
    assert kinds(capture) == {"sql": 5, "log": 1}


#: Defines a call point whose call lasts until its lock is released.
LASTING = """
import types
points = types.ModuleType("victim_points")
exec("def stay(lock, entered): entered.set() or lock.acquire()", vars(points))
sys.modules["victim_points"] = points
lock, entered = threading.Lock(), threading.Event()
lock.acquire()
"""


@pytest.mark.slow
def test_a_call_in_flight_after_the_detach_is_no_recording(capture: Path, tmp_path: Path) -> None:
    """It keeps the files of the old recording mapped; a new one may begin, and is the one that is discovered."""
    with Victim("serve") as victim:
        victim.ask(f"exec({LASTING!r}, globals())")
        attached(capture, victim)
        victim.ask("threading.Thread(target=lambda: points.stay(lock, entered)).start() or entered.wait()")
        detached(capture)
        assert str(capture) in Path(f"/proc/{victim.pid}/maps").read_text()
        assert discovery.recording(_process(victim.pid)) is None
        other = make_capture(tmp_path / "other")
        attached(other, victim)
        recording = discovery.recording(_process(victim.pid))
        assert recording is not None
        assert recording.spool.inner == str(other)
        victim.ask("lock.release()")
        detached(other)


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_every_python_can_be_attached_to(version: str, capture: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    with Victim("serve", python) as victim:
        attached(capture, victim)
        victim.ask("log('while attached')")
        detached(capture)
        assert victim.alive()
    assert kinds(capture) == {"log": 1}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["serve", "eventlet"])
def test_fifty_attaches_leave_nothing(mode: str, capture: Path) -> None:
    """Every attribute of every module and class is the same object, as checked inside the service."""
    with Victim(mode) as victim:
        victim.ask("sql(1)")
        process = _process(victim.pid)
        attached(capture, victim)
        request = {"capture": str(capture), "lease": str(capture / spool_location.LEASE), "options": options(capture)}
        memory = []
        for number in range(50):
            visits.ask(process, "attach", request)
            victim.ask("sql(1)")
            visits.ask(process, "detach", {})
            if number == 0:
                assert victim.ask("remember()") > 10_000
            memory.append(victim.ask("resident()"))
        assert victim.ask("differences()") == []
        assert victim.ask("leftovers()") == []
        assert memory[-1] - memory[25] < 2_000  # kilobytes; malloc grows by 2,000 at once in the first twenty
    assert kinds(capture) == {"sql": 50}


def options(capture: Path) -> dict[str, Any]:
    """Return the capture's options for the hooks."""
    return captures.options(capture)


@pytest.mark.slow
def test_the_first_attach_changes_no_loaded_module(capture: Path) -> None:
    """Standard modules that it loads stay loaded; everything loaded before is the same object."""
    with Victim() as victim:
        victim.ask("sql(1)")
        victim.ask("remember()")
        attached(capture, victim)
        proof = detached(capture)
        assert victim.ask("differences()") == []
    new = [change for change in proof.more["changes"] if not change.startswith("new module: ")]
    assert new == []


def test_a_second_attach_does_not_record_twice(capture: Path) -> None:
    with Victim() as victim:
        victim.ask("sql(1)")
        first = attached(capture, victim)
        second = attached(capture, victim)
        assert first.more["attributes"] == second.more["attributes"]
        victim.ask("sql(2)")
        detached(capture)
    assert kinds(capture) == {"sql": 2}


@pytest.mark.slow
def test_another_capture_is_refused(capture: Path, tmp_path: Path) -> None:
    with Victim() as victim:
        attached(capture, victim)
        (refused,) = attach(make_capture(tmp_path / "other"), victim)
        assert (refused.state, refused.fix) == ("cannot", f"bootseq detach {capture}")
        assert f"records into {capture} already" in refused.reason
        detached(capture)


@pytest.mark.slow
def test_another_version_replaces_the_hooks(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Victim() as victim:
        victim.ask("sql(1)")
        attached(capture, victim)
        monkeypatch.setattr(payload, "version", lambda: "another")
        attached(capture, victim)
        victim.ask("sql(2)")
        assert victim.ask("sys.modules['_bootseq'].VERSION") == "another"
        detached(capture)
        assert victim.ask("leftovers()") == []
    assert kinds(capture) == {"sql": 2}


@pytest.mark.slow
def test_forked_children_are_recorded_and_detached(capture: Path) -> None:
    with Victim() as victim:
        victim.ask("sql(1)")
        attached(capture, victim)
        child = victim.ask("(lambda pid: pid or (sql(4), time.sleep(60)))(os.fork())")
        deadline = time.monotonic() + 10
        while kinds(capture) != {"sql": 4} and time.monotonic() < deadline:
            time.sleep(0.02)
        results = {result.pid: result.state for result in detach.detach(capture)}
        os.kill(child, signal.SIGKILL)
    assert len(results) == 2
    assert results[child] == "detached"
    assert kinds(capture) == {"sql": 4}


@pytest.mark.slow
def test_hooks_remove_themselves_at_the_end_of_the_lease(capture: Path) -> None:
    with Victim() as victim:
        victim.ask("sql(1)")
        attached(capture, victim)
        victim.ask("sql(2)")
        os.utime(capture / spool_location.LEASE, (1, 1))
        time.sleep(1.1)  # the hooks check it once a second
        victim.ask("sql(4)")
        assert victim.ask("leftovers()") == []
        (result,) = detach.detach(capture)
        assert (result.state, result.reason) == ("detached", "its hooks had removed themselves")
    assert sum(kinds(capture).values()) <= 3


@pytest.mark.slow
def test_a_renewed_lease_keeps_the_hooks(capture: Path) -> None:
    with Victim() as victim:
        victim.ask("sql(1)")
        attached(capture, victim)
        os.utime(capture / spool_location.LEASE, (1, 1))
        Attachment(capture, 60).renew()
        time.sleep(1.1)
        victim.ask("sql(4)")
        detached(capture)
    assert kinds(capture) == {"sql": 4}


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["attach", "attached", "detach"])
def test_kill_9_of_the_tool_leaves_a_service_that_can_be_detached(moment: str, capture: Path) -> None:
    """During attach or detach, or in between: the service goes on, and a later detach restores it."""
    with Victim() as victim:
        victim.ask("sql(1)")
        victim.ask("remember()")
        for delay in (0.02, 0.04, 0.06) if moment != "attached" else (0.0,):
            _kill_at(moment, capture, victim, delay)
            assert victim.ask("sql(3)") == 3
        detach.detach(capture)
        assert discovery.recording(_process(victim.pid)) is None
        assert victim.ask("leftovers()") == []
        assert victim.ask("differences()") in ([], ["descriptors"])
        assert victim.alive()


def _kill_at(moment: str, capture: Path, victim: Victim, delay: float) -> None:
    """Fork a process that attaches or detaches, and kill it after the delay."""
    process = _process(victim.pid)
    if moment == "detach":
        attached(capture, victim)
    child = os.fork()
    if child == 0:
        try:
            if moment != "detach":
                Attachment(capture, 60).attach([process])
            else:
                detach.detach(capture)
        finally:
            time.sleep(60)
    if moment == "attached":
        deadline = time.monotonic() + 10
        while not registry.of(capture).entries and time.monotonic() < deadline:
            time.sleep(0.01)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.slow
def test_several_processes_are_attached_at_once(capture: Path) -> None:
    with Victim() as first, Victim("eventlet") as second, Victim("lock") as third:
        victims = (first, second, third)
        for victim in victims:
            victim.ask("sql(1)")
        assert [result.state for result in attach(capture, *victims)] == ["attached"] * 3
        for victim in victims:
            victim.ask("sql(2)")
        assert {result.state for result in detach.detach(capture)} == {"detached"}
    assert kinds(capture) == {"sql": 6}


@contextmanager
def foreign(*before: str, **how: Any) -> Iterator[tuple[Victim, Path]]:
    """Yield a victim that any user could have started, and a private capture."""
    with open_folder() as folder:
        program = Path(shutil.copy(PROGRAM, folder))
        with Victim("serve", "/usr/bin/python3", *before, program=program, **how) as victim:
            yield victim, make_capture(folder / "capture")


_OWN_TMP = "mount -t tmpfs none /var/tmp"


@pytest.mark.slow
@needs_root
@pytest.mark.parametrize(
    ("before", "how"),
    [
        ((), {"user": 65534, "group": 65534, "extra_groups": ()}),
        (("unshare", "--mount", "sh", "-c", f'{_OWN_TMP} && exec "$@"', "-"), {}),
        (("unshare", "--mount", "--pid", "--fork", "--mount-proc"), {}),
        (("unshare", "--mount", "sh", "-c", f'{_OWN_TMP} && exec setpriv --reuid 65534 "$@"', "-"), {}),
    ],
    ids=["another user", "another mount namespace", "a container", "both"],
)
def test_a_recording_in_a_spool_is_collected(before: tuple[str, ...], how: dict[str, Any]) -> None:
    """The capture stays private; the detach collects the files that a process wrote to its spool."""
    with foreign(*before, **how) as (victim, capture):
        attached(capture, victim)
        victim.ask("log('from elsewhere')")
        (entry,) = registry.of(capture).entries
        detached(capture)
        assert victim.alive()
        assert capture.stat().st_mode & 0o777 == 0o700
        assert entry.spool.path == capture or not entry.spool.path.exists()
        assert kinds(capture) == {"log": 1}
