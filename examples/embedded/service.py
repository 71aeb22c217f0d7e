"""A process of the embedded cloud: started in its own group, watched, and ended with everything it forked."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from examples.embedded.errors import EmbeddedError

# Nova 34's compute always waits 5 seconds before it ends.
GRACE = 2.0


@dataclass(frozen=True)
class Service:
    name: str
    process: subprocess.Popen[bytes]
    state: Path

    @classmethod
    def start(cls, name: str, command: Sequence[str], state: Path, environment: Mapping[str, str]) -> "Service":
        with (state / "logs" / f"{name}.out").open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=state,
                start_new_session=True,
            )
        (state / "pids" / name).write_text(f"{process.pid}\n")
        return cls(name, process, state)

    @property
    def log(self) -> str:
        """Return the paths of its own log, if it was opened, and of its output."""
        own = self.state / "logs" / f"{self.name}.log"
        return f"{own} and .out" if own.exists() else str(own.with_suffix(".out"))

    def check(self) -> None:
        code = self.process.poll()
        if code is not None:
            raise EmbeddedError(f"{self.name} ended with code {code}; its output: {self.log}")

    def wait(self, timeout: float) -> None:
        """Wait until the process ends by itself; EmbeddedError unless it succeeds in time."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise EmbeddedError(f"{self.name} has not ended after {timeout:.0f} s; its output: {self.log}") from None
        if code:
            raise EmbeddedError(f"{self.name} ended with code {code}; its output: {self.log}")

    def signal(self, number: int) -> None:
        """Send a signal to the whole group, which includes a master's workers."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def stop_all(services: Sequence[Service]) -> None:
    """Terminate all, wait for them together, then kill the remaining ones."""
    for service in services:
        service.signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    for service in services:
        with suppress(subprocess.TimeoutExpired):
            service.process.wait(max(0.0, deadline - time.monotonic()))
    for service in services:
        service.signal(signal.SIGKILL)
        service.process.wait()
        (service.state / "pids" / service.name).unlink(missing_ok=True)
