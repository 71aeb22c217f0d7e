"""Text run in processes that run already: whatever their main thread does, and whatever becomes of us meanwhile."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.victims import VERSIONS, WAITING, WORKING, Victim, interpreter
from tracer.attach.injection import blocking, inject, ptrace
from tracer.attach.injection import interpreter as interpreters
from tracer.attach.injection.inject import Visit
from tracer.attach.injection.ptrace import BusyError

#: Whose main thread never waits: each visit takes its turn with it, many of them take seconds.
COMPUTE = pytest.param("compute", marks=pytest.mark.slow)


def run(victim: Victim, text: str, answer: Path, patience: float = 40.0) -> Visit:
    """Have the victim run ``text`` and write ``answer``."""
    answer.unlink(missing_ok=True)
    python = interpreters.find(victim.pid)
    try:
        return inject.run(python, f"{text}; open({str(answer)!r}, 'w').close()".encode(), answer.exists, patience)
    finally:
        python.close()


@pytest.mark.parametrize("mode", [*WAITING, *WORKING, "serve"])
def test_runs_in_the_main_thread_whatever_that_does(mode: str, tmp_path: Path) -> None:
    with Victim(mode) as victim:
        for number in range(3):
            run(victim, f"import __main__; __main__.events.append({number})", tmp_path / "answer")
        assert [each for each in victim.ask("events") if each != "woken"] == [0, 1, 2]
        assert victim.alive()


@pytest.mark.parametrize("mode", ["sleep", "lock", "recv", "select", "epoll", "join"])
def test_what_the_main_thread_waits_for_goes_on(mode: str, tmp_path: Path) -> None:
    """Python makes an interrupted call again (PEP 475): nothing comes back early."""
    with Victim(mode) as victim:
        for _ in range(3):
            assert run(victim, "pass", tmp_path / "answer").way == "blocked"
        assert victim.ask("events") == []


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["select", "calls"])
def test_every_python(version: str, mode: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    with Victim(mode, python) as victim:
        run(victim, "import __main__; __main__.events.append(1)", tmp_path / "answer")
        assert 1 in victim.ask("events")
        assert victim.alive()


def test_the_systems_own_python_without_its_symbol_table(tmp_path: Path) -> None:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no python3 of the system's here")
    with Victim("select", "/usr/bin/python3") as victim:
        run(victim, "import __main__; __main__.events.append(1)", tmp_path / "answer")
        assert victim.ask("events") == [1]


@pytest.mark.slow
def test_memory_is_given_back(tmp_path: Path) -> None:
    with Victim("calls") as victim:
        run(victim, "pass", tmp_path / "answer")
        before = len(Path(f"/proc/{victim.pid}/maps").read_text().splitlines())
        for _ in range(5):
            visit = run(victim, "pass" + " " * 100_000, tmp_path / "answer")
            assert visit.text is None
        assert abs(len(Path(f"/proc/{victim.pid}/maps").read_text().splitlines()) - before) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["signal", "sleep", "calls"])
def test_a_signal_that_comes_meanwhile_is_handled(mode: str, tmp_path: Path) -> None:
    """Even where it came while the main thread was at work for us, and its own call is made again afterwards."""
    with Victim(mode) as victim:
        text = "import os, time; os.kill(os.getpid(), 10); time.sleep(0.01)"
        for number in range(1, 4):
            run(victim, text, tmp_path / "answer")
            deadline = time.monotonic() + 5
            while victim.ask("events").count("SIGUSR1") < number and time.monotonic() < deadline:
                time.sleep(0.01)
        assert victim.ask("events").count("SIGUSR1") == 3


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["sleep", "lock"])
def test_what_was_pending_runs_once(version: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its main thread seems to move, and is mostly blocked by the time that it should look for pending calls."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    monkeypatch.setattr(blocking, "blocked_at", lambda pid: None)
    with Victim(mode, python) as victim:
        for number in range(1, 4):
            visit = run(victim, "import __main__; __main__.events.append(1)", tmp_path / "answer")
            assert visit.text is None
            time.sleep(0.05)
            assert victim.ask("events") == [1] * number
        assert victim.alive()


def test_what_is_still_to_be_read_is_not_taken_away() -> None:
    """Answered before its main thread, sent to make the pending call, could even begin: it waits for the GIL."""
    with Victim("sleep") as victim:
        assert victim.alive()
        python = interpreters.find(victim.pid)
        visit = inject._Run(python, lambda: True, time.monotonic() + 40)
        try:
            visit._map(b"pass")
            place = blocking.blocked_at(victim.pid)
            assert place is not None
            with ThreadPoolExecutor(1) as pool:
                held = pool.submit(victim.ask, "__import__('ctypes').PyDLL(None).usleep(300_000)")
                time.sleep(0.1)
                visit._run_pending_blocked(place)
                visit._free()
                assert held.result() == 0
            assert visit._visit.text is None
        finally:
            visit._loans.close()
            python.close()
        assert victim.alive()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["naps", "calls", COMPUTE])
def test_signals_from_outside_are_handled_once(mode: str, tmp_path: Path) -> None:
    """One at a time, each when the one before was handled, at whatever moment of the visits."""
    with Victim(mode) as victim:
        assert victim.alive()  # and has its handler
        sent = 0
        for _ in range(30):
            with ThreadPoolExecutor(1) as pool:
                visit = pool.submit(run, victim, "pass", tmp_path / "answer")
                while not visit.done():
                    os.kill(victim.pid, signal.SIGUSR1)
                    sent += 1
                    _await(victim, sent)
                visit.result()
        assert victim.ask("events.count('SIGUSR1')") == sent
        assert victim.alive()


def _await(victim: Victim, handled: int) -> None:
    """Until it has handled so many."""
    deadline = time.monotonic() + 5
    while victim.ask("events.count('SIGUSR1')") < handled and time.monotonic() < deadline:
        time.sleep(0.001)


@pytest.mark.slow
def test_registers_are_put_back(tmp_path: Path) -> None:
    """Sums go on right while text is run between any two instructions of them."""
    with Victim("compute") as victim:
        for _ in range(20):
            run(victim, "import math; math.sin(0.5) ** 2.5", tmp_path / "answer")
        before = victim.ask("sums")
        time.sleep(0.05)
        assert victim.ask("sums") > before


def killed_at(victim: Victim, answer: Path, number: int, after: bool) -> bool:
    """Whether a process that is killed at its ``number``-th request to ptrace had so many to make."""
    child = os.fork()
    if child == 0:
        _die_at(number, after)
        try:
            run(victim, "pass", answer)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _die_at(number: int, after: bool) -> None:
    real: Callable[..., int] = ptrace._ptrace
    made = 0

    def counted(*arguments: int) -> int:
        nonlocal made
        made += 1
        if made == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments)
        if made == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    ptrace._ptrace = counted  # type: ignore[assignment]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["select", "sleep", "calls", COMPUTE])
def test_lives_on_wherever_we_are_killed(mode: str, tmp_path: Path) -> None:
    """kill -9 of the tool before and after each of its requests: the process goes on, and can be entered again."""
    with Victim(mode) as victim:
        number = 1
        while killed_at(victim, tmp_path / "answer", number, after=number % 2 == 0):
            assert victim.process.poll() is None, f"died of our death at request {number}"
            number += 1
        assert number > 15
        run(victim, "import __main__; __main__.events.append('last')", tmp_path / "answer")
        assert "last" in victim.ask("events")
        assert victim.alive()


@pytest.mark.slow
def test_gives_up_where_the_main_thread_never_comes_back(tmp_path: Path) -> None:
    """It waits with the interpreter's lock held, as C code may: nothing can be run there, nothing is harmed."""
    program = "import ctypes; print(1, flush=True); ctypes.PyDLL(None).pause()"
    import subprocess

    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        python = interpreters.find(process.pid)
        try:
            with pytest.raises(BusyError, match="does not return"):
                inject.run(python, b"pass", (tmp_path / "never").exists, 0.5)
            assert process.poll() is None
        finally:
            python.close()
            process.kill()
