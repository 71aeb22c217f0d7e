"""A process of the cloud: started in its own session, identified by its pid file, ended with all it forked."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from examples.cloud.errors import CloudError
from examples.cloud.plan import Plan

STEP = 0.1
# The processes that this command has started, for which it must wait as their parent.
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Process:
    plan: Plan
    name: str

    @property
    def pid_file(self) -> Path:
        return self.plan.state / "pids" / self.name

    @property
    def output(self) -> Path:
        return self.plan.state / "logs" / f"{self.name}.out"

    @property
    def logs(self) -> str:
        """Return the paths of its own log, if it was opened, and of its output."""
        own = self.plan.log(self.name)
        return f"{own} and {self.output}" if own.exists() else str(self.output)

    def start(self, command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
        """Start the process unless it runs already."""
        if self.pid() is not None:
            return
        self.stop(signal.SIGKILL)
        private = {"XDG_CACHE_HOME": str(self.plan.state / "cache"), "HOME": str(self.plan.state / "home")}
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | private | dict(variables or {}),
                cwd=self.plan.state,
                start_new_session=True,
            )
        _CHILDREN[process.pid] = process
        self.pid_file.write_text(f"{process.pid} {_started(process.pid)}\n")

    @property
    def since(self) -> float:
        """Return its start in seconds since the epoch."""
        return self.pid_file.stat().st_mtime

    def pid(self) -> int | None:
        """Return the running process's pid; its start time distinguishes it from another process with the same pid."""
        noted = self._noted()
        if noted is None or _started(noted[0]) != noted[1]:
            return None
        return noted[0]

    def check(self) -> None:
        if self.pid() is None:
            raise CloudError(f"{self.name} ended; its output: {self.logs}")

    def wait(self, ready: Callable[[], bool], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise CloudError(f"{self.name} is not ready after {timeout:.0f} s; its output: {self.logs}")
            time.sleep(STEP)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Signal its whole group, including workers, to end. See `stop_all` for those that do not."""
        # Read once: a group that ends meanwhile must not become 0, which is our own.
        group = self._group()
        if group is not None:
            with suppress(ProcessLookupError):
                os.killpg(group, number)

    def _group(self) -> int | None:
        """Return its process group, None if no process of it remains."""
        noted = self._noted()
        if noted is None or _started(noted[0]) not in ("", noted[1]):
            return None
        return noted[0] if _members(noted[0]) else None

    def _noted(self) -> tuple[int, str] | None:
        try:
            number, started = self.pid_file.read_text().split()
            return int(number), started
        except (FileNotFoundError, ValueError):
            return None


def stop_all(processes: Iterable[Process], grace: float) -> None:
    """Terminate all, wait for them together, then kill the remaining ones."""
    left = list(processes)
    for process in left:
        process.stop()
    deadline = time.monotonic() + grace
    while left := [process for process in left if process._group() is not None]:
        if time.monotonic() > deadline:
            for process in left:
                process.stop(signal.SIGKILL)
        time.sleep(STEP)


def _started(pid: int) -> str:
    """Return its start time in clock ticks since the boot of the machine; "" if it is gone or a zombie."""
    if pid in _CHILDREN:
        _CHILDREN[pid].poll()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _members(group: int) -> list[int]:
    pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(ProcessLookupError):
                if os.getpgid(int(entry.name)) == group and _started(int(entry.name)):
                    pids.append(int(entry.name))
    return pids
