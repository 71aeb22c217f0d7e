"""The owner's side of a capture's guard: it is started if none runs, made to stay, or ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tracer.attach import guard, processes, registry, runtime_folder
from tracer.attach.registry import Registration
from tracer.errors import TracerError

#: Isolated and without site: a small process, independent of the environment and the working directory.
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from tracer.attach.guard import main; main()"
_ROOT = Path(__file__).parents[2]
#: Seconds that an owner waits for its guard, which may be trying to enter a process.
_GRACE = 10.0
#: Guards that outlive this process: without a reference, subprocess would warn that they still run.
_staying: list[subprocess.Popen[bytes]] = []


def _ours() -> tuple[int, ...]:
    """Return the descriptor of the archive in memory that our modules come from, on other hosts."""
    return (int(_ROOT.name),) if str(_ROOT.parent) == "/proc/self/fd" else ()


class GuardClient:
    """A guard that this process has started: it takes the hooks out when this process ends or calls ``end``."""

    def __init__(self, capture: Path) -> None:
        command = [sys.executable, "-I", "-S", "-c", _PROGRAM, str(_ROOT), "bootseq guard"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env={}, start_new_session=True, bufsize=0,
            pass_fds=_ours(),
        )  # fmt: skip
        self.pid = self._process.pid
        self._write(json.dumps({"home": str(runtime_folder.path()), "capture": os.fspath(capture)}).encode() + b"\n")
        self._wait_ready()

    def stay(self) -> None:
        """Make it stay until the lease is over, beyond this process."""
        self._write(guard.STAY)
        self._close()
        _staying.append(self._process)

    def end(self) -> None:
        """Make it take out the hooks that are still in, and end."""
        self._close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)

    def _wait_ready(self) -> None:
        """Wait until it watches: no hook is put in before."""
        assert self._process.stdout is not None
        with self._process.stdout as answer:
            ready = answer.readline()
        if not ready:
            self._close()
            raise TracerError(f"the guard ended at once (exit code {self._process.wait()}); nothing is attached")

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it was killed: the lease remains
            self._process.stdin.write(line)

    def _close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()


def ensure(registration: Registration) -> GuardClient | None:
    """Start a guard for the capture, if none runs yet."""
    if registration.read().guard:
        return None
    started = GuardClient(registration.capture)
    registration.set_guard(processes.read(started.pid))
    return started


def keep(capture: Path) -> None:
    """Make a guard watch over the capture, if anything is attached, until its lease is over."""
    if registry.of(capture).entries:
        with registry.locked(capture) as registration:
            started = ensure(registration)
        if started is not None:
            started.stay()
