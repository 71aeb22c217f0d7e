"""One process of the embedded cloud: started in a group of its own, watched, and ended with everything it forked."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from examples.embedded.errors import EmbeddedError

# Nova 34's compute waits 5 seconds before it ends, whatever there is to do.
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
        """Its own log, if it came so far, and what it printed."""
        own = self.state / "logs" / f"{self.name}.log"
        return f"{own} and .out" if own.exists() else str(own.with_suffix(".out"))

    def check(self) -> None:
        code = self.process.poll()
        if code is not None:
            raise EmbeddedError(f"{self.name} ended with code {code}; what it said: {self.log}")

    def wait(self, timeout: float) -> None:
        """For one that ends by itself, and well."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise EmbeddedError(f"{self.name} has not ended after {timeout:.0f} s; what it said: {self.log}") from None
        if code:
            raise EmbeddedError(f"{self.name} ended with code {code}; what it said: {self.log}")

    def signal(self, number: int) -> None:
        """To the whole group: a master's workers too."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def stop_all(services: Sequence[Service]) -> None:
    """Ask all, wait for them together, then kill what is left."""
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
