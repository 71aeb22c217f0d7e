"""Running text in running processes: whatever their main thread is doing, and even if the tool is killed."""

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

#: Its main thread never waits: every visit has to wait for the GIL, and many visits take seconds.
COMPUTE = pytest.param("compute", marks=pytest.mark.slow)


def run(victim: Victim, text: str, answer: Path, patience: float = 40.0) -> Visit:
    """Make the victim run ``text`` and write ``answer``."""
    answer.unlink(missing_ok=True)
    python = interpreters.find(victim.pid)
    try:
        return inject.run(python, f"{text}; open({str(answer)!r}, 'w').close()".encode(), answer.exists, patience)
    finally:
        python.close()


@pytest.mark.parametrize("mode", [*WAITING, *WORKING, "serve"])
def test_text_runs_in_the_main_thread_of_any_process(mode: str, tmp_path: Path) -> None:
    with Victim(mode) as victim:
        for number in range(3):
            run(victim, f"import __main__; __main__.events.append({number})", tmp_path / "answer")
        assert [entry for entry in victim.ask("events") if entry != "woken"] == [0, 1, 2]
        assert victim.alive()


@pytest.mark.parametrize("mode", ["sleep", "lock", "recv", "select", "epoll", "join"])
def test_a_blocking_call_of_the_main_thread_continues(mode: str, tmp_path: Path) -> None:
    """Python restarts an interrupted call (PEP 475): it does not return early."""
    with Victim(mode) as victim:
        for _ in range(3):
            assert run(victim, "pass", tmp_path / "answer").way == "blocked"
        assert victim.ask("events") == []


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["select", "calls"])
def test_text_runs_in_every_python(version: str, mode: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    with Victim(mode, python) as victim:
        run(victim, "import __main__; __main__.events.append(1)", tmp_path / "answer")
        assert 1 in victim.ask("events")
        assert victim.alive()


def test_text_runs_in_a_python_without_a_symbol_table(tmp_path: Path) -> None:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no python3 of the system's here")
    with Victim("select", "/usr/bin/python3") as victim:
        run(victim, "import __main__; __main__.events.append(1)", tmp_path / "answer")
        assert victim.ask("events") == [1]


@pytest.mark.slow
def test_memory_is_freed_after_a_visit(tmp_path: Path) -> None:
    with Victim("calls") as victim:
        run(victim, "pass", tmp_path / "answer")
        before = len(Path(f"/proc/{victim.pid}/maps").read_text().splitlines())
        for _ in range(5):
            visit = run(victim, "pass" + " " * 100_000, tmp_path / "answer")
            assert visit.text is None
        assert abs(len(Path(f"/proc/{victim.pid}/maps").read_text().splitlines()) - before) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["signal", "sleep", "calls"])
def test_a_signal_during_a_visit_is_handled(mode: str, tmp_path: Path) -> None:
    """Even if it arrives while the main thread runs our text; its own call is restarted afterwards."""
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
def test_a_pending_call_runs_once(version: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The main thread seems to run, and is mostly blocked when it should check for pending calls."""
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


def test_text_that_is_still_to_be_read_is_not_freed() -> None:
    """The answer precedes the pending call of the main thread, which still waits for the GIL."""
    with Victim("sleep") as victim:
        assert victim.alive()
        python = interpreters.find(victim.pid)
        visit = inject._Run(python, lambda: True, time.monotonic() + 40)
        try:
            visit._map(b"pass")
            position = blocking.blocked_at(victim.pid)
            assert position is not None
            with ThreadPoolExecutor(1) as pool:
                held = pool.submit(victim.ask, "__import__('ctypes').PyDLL(None).usleep(300_000)")
                time.sleep(0.1)
                visit._run_pending_blocked(position)
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
    """One at a time, after the previous one was handled, at any moment of the visits."""
    with Victim(mode) as victim:
        assert victim.alive()  # its handler is installed
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
    """Wait until this many signals are handled."""
    deadline = time.monotonic() + 5
    while victim.ask("events.count('SIGUSR1')") < handled and time.monotonic() < deadline:
        time.sleep(0.001)


@pytest.mark.slow
def test_registers_are_restored(tmp_path: Path) -> None:
    """Floating-point sums stay right while text runs between any two of their instructions."""
    with Victim("compute") as victim:
        for _ in range(20):
            run(victim, "import math; math.sin(0.5) ** 2.5", tmp_path / "answer")
        before = victim.ask("sums")
        time.sleep(0.05)
        assert victim.ask("sums") > before


def killed_at(victim: Victim, answer: Path, number: int, after: bool) -> bool:
    """Kill a visitor at its ``number``-th request to ptrace; return False if it had fewer to make."""
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
    count = 0

    def counted(*arguments: int) -> int:
        nonlocal count
        count += 1
        if count == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments)
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    ptrace._ptrace = counted  # type: ignore[assignment]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["select", "sleep", "calls", COMPUTE])
def test_a_process_survives_the_death_of_the_visitor_at_any_request(mode: str, tmp_path: Path) -> None:
    """kill -9 of the tool before or after its requests: the process goes on, and can be entered again."""
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
def test_a_visit_gives_up_if_the_main_thread_never_returns(tmp_path: Path) -> None:
    """It blocks with the GIL held, as C code may: no code can be run, and the process is unharmed."""
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
