"""The guard: it detaches, with proof, when the owner dies or the lease ends, also from idle services."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.victims import PROGRAM, Victim
from tests.support.waiting import children, wait_until
from tracer.attach import detach, discovery, guard, processes, registry, spool_location
from tracer.attach.attach import Attachment
from tracer.attach.eligibility import ProcessReport
from tracer.attach.processes import Process
from tracer.recording import capture as captures
from tracer.sources.hooks import segments

#: Idle services, and two busy ones.
MODES = ("serve", "eventlet", "sleep", "lock", "epoll", "recv", "join", "calls")


@pytest.fixture
def capture(tmp_path: Path) -> Iterator[Path]:
    """Yield a capture, and detach from it afterwards."""
    path = tmp_path / "capture"
    captures.make(path, points=[], ask=["ask"], echo=False)
    yield path
    detach.detach(path)


def process(victim: Victim) -> Process:
    read = processes.read(victim.pid)
    assert read is not None
    return read


def attach(capture: Path, *victims: Victim, seconds: float = 60) -> list[ProcessReport]:
    results = Attachment(capture, seconds).attach([process(victim) for victim in victims])
    assert [result.state for result in results] == ["attached"] * len(victims)
    return results


def has_hooks(victim: Victim) -> bool:
    return discovery.recording(process(victim)) is not None


def result(capture: Path) -> list[dict[str, Any]]:
    """Return the report that the guard wrote to the capture."""
    rows: list[dict[str, Any]] = json.loads((capture / guard.RESULT).read_text())
    return rows


def wait_for_guard(capture: Path) -> None:
    """Wait until the guard has ended, and the registry is empty."""
    wait_until(lambda: registry.changed_at(capture) == 0)


@contextmanager
def owner(capture: Path, *victims: Victim) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that has attached, as ``record`` does, and runs until it is killed."""
    code = """
import os, sys, time
from tests.support import confinement
confinement.confine(int(sys.argv[1]))
from pathlib import Path
from tracer.attach import processes
from tracer.attach.attach import Attachment
attachment = Attachment(Path(sys.argv[2]), 60, lasting=False)
results = attachment.attach([processes.read(int(pid)) for pid in sys.argv[3:]])
print(*(result.state for result in results), flush=True)
time.sleep(1000)
"""
    command = [sys.executable, "-c", code, str(os.getpid()), str(capture), *(str(victim.pid) for victim in victims)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as started:
        try:
            assert started.stdout is not None
            assert started.stdout.readline().split() == [b"attached"] * len(victims)
            yield started
        finally:
            started.kill()


@pytest.mark.slow
def test_kill_9_of_the_owner_detaches_idle_services(capture: Path) -> None:
    """With proof; the recording stays, and by a check inside the services everything is as before."""
    with ExitStack() as stack:
        victims = [stack.enter_context(Victim(mode)) for mode in MODES]
        for victim in victims:
            victim.ask("sql(1)")
            victim.ask("remember()")
        with owner(capture, *victims) as started:
            assert all(map(has_hooks, victims))
            victims[0].ask("log('while attached')")
            started.kill()
            wait_for_guard(capture)
        assert not any(map(has_hooks, victims))
        assert {(row["pid"], row["state"], row["proved"]) for row in result(capture)} == {
            (victim.pid, "detached", True) for victim in victims
        }
        for victim in victims:
            assert victim.ask("differences()") == []
            assert victim.ask("leftovers()") == []
    assert [event.kind for event in segments.read(capture).events] == ["log"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP])
def test_the_guard_has_a_session_of_its_own(number: signal.Signals, capture: Path) -> None:
    """Signals of the terminal reach the owner's group, and not the guard."""
    with Victim("sleep") as victim, owner(capture, victim):
        pid = registry.of(capture).guard
        assert os.getsid(pid) == pid != os.getsid(0)
        assert os.getpgid(pid) == pid
        assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
        files = {Path(f"/proc/{pid}/fd/{name}").readlink() for name in os.listdir(f"/proc/{pid}/fd")}
        assert {str(file).partition(":")[0] for file in files} <= {"pipe", "anon_inode", "/dev/null"}


@pytest.mark.slow
def test_the_guard_detaches_at_the_end_of_the_lease(capture: Path) -> None:
    """After ``attach`` the command has ended by then; a service that records nothing is detached too."""
    with Victim("sleep") as victim:
        attach(capture, victim, seconds=1.5)
        assert registry.of(capture).guard
        wait_for_guard(capture)
        assert not has_hooks(victim)
        (row,) = result(capture)
        assert (row["pid"], row["state"], row["proved"]) == (victim.pid, "detached", True)


@pytest.mark.slow
def test_a_second_attach_renews_through_the_same_guard(capture: Path) -> None:
    with Victim("sleep") as first, Victim("sleep") as second:
        attach(capture, first, seconds=2)
        pid = registry.of(capture).guard
        attach(capture, second, seconds=60)
        now = registry.of(capture)
        assert now.guard == pid
        assert 50 < now.seconds_left <= 60
        assert 50 < now.entries[0].spool.seconds_left() <= 60
        time.sleep(2.5)  # the first lease would have ended
        assert has_hooks(first)
        assert has_hooks(second)
        assert {report.state for report in detach.detach(capture)} == {"detached"}
        wait_for_guard(capture)
        assert not (capture / guard.RESULT).exists()


def test_the_guard_ends_with_the_last_process(capture: Path) -> None:
    with Victim("sleep") as victim:
        attach(capture, victim)
        victim.ask("log('x')")
    wait_for_guard(capture)
    assert [event.kind for event in segments.read(capture).events] == ["log"]


def test_the_guard_detaches_at_sigterm(capture: Path) -> None:
    with Victim("sleep") as victim:
        attach(capture, victim)
        os.kill(registry.of(capture).guard, signal.SIGTERM)
        wait_for_guard(capture)
        assert not has_hooks(victim)


@pytest.mark.slow
def test_kill_9_of_owner_and_guard_leaves_inert_hooks(capture: Path) -> None:
    """Nothing is recorded after the end of the lease; the hooks remove themselves at the next event."""
    with Victim("serve") as idle, Victim("serve") as busy:
        for victim in (idle, busy):
            victim.ask("sql(1)")
        with owner(capture, idle, busy) as started:
            kill(registry.of(capture).guard)
            started.kill()
            started.wait()
        now = registry.of(capture)
        assert (now.guard, len(now.entries)) == (0, 2)
        end(capture, 0.5)
        wait_until(lambda: not now.entries[0].spool.seconds_left())
        before = recorded(capture)
        assert has_hooks(idle)
        busy.ask("sql(3)")
        assert busy.ask("leftovers()") == []
        assert not has_hooks(busy)
        assert recorded(capture) == before
        assert {(report.pid, report.state) for report in detach.detach(capture)} == {
            (idle.pid, "detached"), (busy.pid, "detached"),
        }  # fmt: skip


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)


def wait_for_end(pid: int) -> None:
    wait_until(lambda: (read := processes.read(pid)) is None or read.state == "Z")


def end(capture: Path, seconds: float) -> None:
    """Make the lease end after these seconds."""
    until = time.time() + seconds
    os.utime(capture / spool_location.LEASE, (until, until))


def recorded(capture: Path) -> int:
    return len(segments.read(capture).events)


@pytest.mark.slow
def test_a_guard_that_was_killed_is_replaced(capture: Path) -> None:
    """By the next attach, with a full lease."""
    with Victim("sleep") as victim:
        attach(capture, victim)
        first = registry.of(capture).guard
        kill(first)
        attach(capture, victim, seconds=1.5)
        assert registry.of(capture).guard not in (0, first)
        wait_for_guard(capture)
        assert not has_hooks(victim)


@pytest.mark.slow
def test_two_simultaneous_attaches_share_one_guard(capture: Path) -> None:
    """Both processes are registered."""
    with Victim("sleep") as first, Victim("sleep") as second:
        children = [_forked(lambda victim=victim: attach(capture, victim)) for victim in (first, second)]
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
        now = registry.of(capture)
        assert {entry.pid for entry in now.entries} == {first.pid, second.pid}
        assert now.guard
        assert {report.state for report in detach.detach(capture)} == {"detached"}


@pytest.mark.slow
def test_a_detach_while_the_guard_detaches_leaves_no_hooks(capture: Path) -> None:
    """Both end, in any order."""
    with ExitStack() as stack:
        victims = [stack.enter_context(Victim("sleep")) for _ in range(4)]
        for _ in range(3):
            attach(capture, *victims)
            os.kill(registry.of(capture).guard, signal.SIGTERM)
            results = detach.detach(capture)
            assert {report.state for report in results} <= {"detached"}
            wait_for_guard(capture)
            assert not any(map(has_hooks, victims))


@pytest.mark.slow
@pytest.mark.parametrize("hooks_are_out", [False, True], ids=["at the signal", "once the hooks are out"])
def test_an_attach_while_the_guard_detaches_leaves_hooks_only_with_a_guard(capture: Path, hooks_are_out: bool) -> None:
    """A guard that ends takes out hooks that were attached before it did so; a later attach gets a new guard."""
    with Victim("sleep") as victim:
        for _ in range(3):
            attach(capture, victim)
            first = registry.of(capture).guard
            os.kill(first, signal.SIGTERM)
            if hooks_are_out:
                wait_until(lambda: not has_hooks(victim))
            attach(capture, victim)
            wait_for_end(first)
            second = registry.of(capture).guard
            assert second != first
            assert has_hooks(victim) == bool(second)
            assert second or not hooks_are_out


@pytest.mark.slow
def test_a_process_that_cannot_be_entered_does_not_keep_others_attached(
    capture: Path,
) -> None:
    """It is reported, tried again, and detached as soon as possible."""
    with Victim("sleep") as free, Victim("sleep") as blocked:
        attach(capture, free, blocked)
        with traced(blocked):
            assert {report.pid: report.state for report in detach.detach(capture)} == {
                free.pid: "detached",
                blocked.pid: "attached",
            }
            assert [entry.pid for entry in registry.of(capture).entries] == [blocked.pid]
        assert [report.state for report in detach.detach(capture)] == ["detached"]


@contextmanager
def traced(victim: Victim) -> Iterator[None]:
    """Trace the victim with another debugger."""
    seize = 0x4206
    code = f"""
import ctypes, sys
assert ctypes.CDLL(None).ptrace({seize}, {victim.pid}, None, None) == 0
print(flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tracer:
        assert tracer.stdout is not None
        assert tracer.stdout.readline()
        yield


def _forked(work: Any) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            work()
            code = 0
        os._exit(code)
    return child


@pytest.mark.slow
def test_kill_9_of_record_detaches_a_sleeping_service(tmp_path: Path) -> None:
    """The guard's report is in the capture that stays."""
    program = tmp_path / "nova-bootseq-test"
    program.write_text(PROGRAM.read_text())
    command = [
        sys.executable,
        "-m",
        "tests.support.confinement",
        str(os.getpid()),
        "record",
        "--keep",
        "-o",
        str(tmp_path / "x"),
    ]
    with Victim("sleep", program=program) as victim:
        victim.ask("remember()")
        with subprocess.Popen([*command, "--", "sleep", "1000"]) as record:
            capture = tmp_path / "x.capture"
            wait_until(lambda: has_hooks(victim) and _children(record.pid, "sleep"))
            sleeping = _children(record.pid, "sleep")
            record.kill()
            wait_until(lambda: not has_hooks(victim))
            wait_for_guard(capture)
            os.kill(sleeping[0], signal.SIGKILL)
        assert [(row["pid"], row["proved"]) for row in result(capture)] == [(victim.pid, True)]
        assert victim.ask("differences()") == []


def _children(pid: int, name: str) -> list[int]:
    return [child for child in children(pid) if (read := processes.read(child)) and read.argv[:1] == (name,)]


def test_the_guard_imports_only_the_standard_library() -> None:
    """It runs without site-packages."""
    root = Path(guard.__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import tracer.attach.guard"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, timeout=60)
