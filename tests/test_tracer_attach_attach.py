"""Hooks into processes that run already, and out again: recorded, bounded, refused with reasons, proved to be gone."""

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
    """A capture that nothing is recorded into yet."""
    return made(tmp_path / "capture")


def made(path: Path) -> Path:
    captures.make(path, points=[("victim_points", ["*"], [])], ask=["ask"], echo=False)
    return path


def attach(capture: Path, *victims: Victim, seconds: float = 60) -> list[ProcessReport]:
    """Attach to victims, by their processes as /proc tells of them."""
    return Attachment(capture, seconds).attach([_process(victim.pid) for victim in victims])


def attached(capture: Path, victim: Victim) -> ProcessReport:
    """Attach to one, which must succeed."""
    (result,) = attach(capture, victim)
    assert (result.state, result.reason) == ("attached", "")
    return result


def detached(capture: Path) -> ProcessReport:
    """Detach from the only one that is attached."""
    (result,) = detach.detach(capture)
    assert (result.state, result.reason) == ("detached", "")
    return result


def _process(pid: int) -> processes.Process:
    process = processes.read(pid)
    assert process is not None
    return process


def kinds(capture: Path) -> dict[str, int]:
    """How many events of which kind were recorded, but for the waits for a connection that a busy machine makes."""
    counts: dict[str, int] = {}
    for event in segments.read(capture).events:
        if event.name != "sqlalchemy.pool:checkout":
            counts[event.kind] = counts.get(event.kind, 0) + 1
    return counts


@pytest.mark.parametrize("mode", ["serve", "eventlet", "sleep", "lock", "calls"])
def test_records_what_a_running_service_does(mode: str, capture: Path) -> None:
    """Engines and loggers that exist are covered: what is hooked are their classes."""
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


#: A point whose call lasts until its lock is released.
LASTING = """
import types
points = types.ModuleType("victim_points")
exec("def stay(lock, entered): entered.set() or lock.acquire()", vars(points))
sys.modules["victim_points"] = points
lock, entered = threading.Lock(), threading.Event()
lock.acquire()
"""


@pytest.mark.slow
def test_a_call_in_flight_does_not_look_like_a_recording(capture: Path, tmp_path: Path) -> None:
    """It keeps the files of a recording mapped that is over; the next one may begin, and is the one that is found."""
    with Victim("serve") as victim:
        victim.ask(f"exec({LASTING!r}, globals())")
        attached(capture, victim)
        victim.ask("threading.Thread(target=lambda: points.stay(lock, entered)).start() or entered.wait()")
        detached(capture)
        assert str(capture) in Path(f"/proc/{victim.pid}/maps").read_text()
        assert discovery.recording(_process(victim.pid)) is None
        other = made(tmp_path / "other")
        attached(other, victim)
        recording = discovery.recording(_process(victim.pid))
        assert recording is not None
        assert recording.spool.inner == str(other)
        victim.ask("lock.release()")
        detached(other)


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_every_python(version: str, capture: Path) -> None:
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
def test_fifty_times_leave_nothing(mode: str, capture: Path) -> None:
    """Every attribute of every module and class is the object it was: told by the service, not by our bookkeeping."""
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
    """What the capture tells the hooks to do."""
    return Attachment(capture, 60).options()


@pytest.mark.slow
def test_the_first_time_leaves_standard_modules_alone(capture: Path) -> None:
    """What it loads of the standard library stays; what was there before is the same object."""
    with Victim() as victim:
        victim.ask("sql(1)")
        victim.ask("remember()")
        attached(capture, victim)
        proof = detached(capture)
        assert victim.ask("differences()") == []
    new = [change for change in proof.more["changes"] if not change.startswith("new module: ")]
    assert new == []


def test_a_second_attach_doubles_nothing(capture: Path) -> None:
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
        (refused,) = attach(made(tmp_path / "other"), victim)
        assert (refused.state, refused.fix) == ("cannot", f"bootseq detach {capture}")
        assert f"records into {capture} already" in refused.reason
        detached(capture)


@pytest.mark.slow
def test_another_release_takes_the_place_of_the_first(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_children_that_it_forks_are_recorded_and_detached(capture: Path) -> None:
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
def test_hooks_go_when_the_lease_has_run_out(capture: Path) -> None:
    with Victim() as victim:
        victim.ask("sql(1)")
        attached(capture, victim)
        victim.ask("sql(2)")
        os.utime(capture / spool_location.LEASE, (1, 1))
        time.sleep(1.1)  # it is looked at once a second
        victim.ask("sql(4)")
        assert victim.ask("leftovers()") == []
        (result,) = detach.detach(capture)
        assert (result.state, result.reason) == ("detached", "its hooks had removed themselves")
    assert sum(kinds(capture).values()) <= 3


@pytest.mark.slow
def test_a_lease_that_is_renewed_goes_on(capture: Path) -> None:
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
def test_kill_9_of_the_tool(moment: str, capture: Path) -> None:
    """Whatever it was doing: the service goes on, and a later detach finds it as it was before."""
    with Victim() as victim:
        victim.ask("sql(1)")
        victim.ask("remember()")
        for delay in (0.02, 0.04, 0.06) if moment != "attached" else (0.0,):
            _killed(moment, capture, victim, delay)
            assert victim.ask("sql(3)") == 3
        detach.detach(capture)
        assert discovery.recording(_process(victim.pid)) is None
        assert victim.ask("leftovers()") == []
        assert victim.ask("differences()") in ([], ["descriptors"])
        assert victim.alive()


def _killed(moment: str, capture: Path, victim: Victim, delay: float) -> None:
    """A process that attaches and detaches, and is killed at some moment of it."""
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
def test_several_at_once(capture: Path) -> None:
    with Victim() as one, Victim("eventlet") as two, Victim("lock") as three:
        victims = (one, two, three)
        for victim in victims:
            victim.ask("sql(1)")
        assert [result.state for result in attach(capture, *victims)] == ["attached"] * 3
        for victim in victims:
            victim.ask("sql(2)")
        assert {result.state for result in detach.detach(capture)} == {"detached"}
    assert kinds(capture) == {"sql": 6}


@contextmanager
def foreign(*before: str, **how: Any) -> Iterator[tuple[Victim, Path]]:
    """A victim that every user could have started, with a capture that is ours alone."""
    with open_folder() as folder:
        program = Path(shutil.copy(PROGRAM, folder))
        with Victim("serve", "/usr/bin/python3", *before, program=program, **how) as victim:
            yield victim, made(folder / "capture")


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
def test_what_records_apart_is_brought_in(before: tuple[str, ...], how: dict[str, Any]) -> None:
    """The capture stays its owner's alone; what a process wrote where it can comes into it with the detach."""
    with foreign(*before, **how) as (victim, capture):
        attached(capture, victim)
        victim.ask("log('from elsewhere')")
        (entry,) = registry.of(capture).entries
        detached(capture)
        assert victim.alive()
        assert capture.stat().st_mode & 0o777 == 0o700
        assert entry.spool.path == capture or not entry.spool.path.exists()
        assert kinds(capture) == {"log": 1}
