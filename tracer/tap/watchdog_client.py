"""The tap's end of the keeper: start it, tell it that we live and where, ask it to switch off."""

from __future__ import annotations

import json
import select
import shlex
import subprocess
import sys
from typing import Any

from tracer.errors import TracerError
from tracer.tap import tracing_switch, watchdog

#: Seconds that the tap waits for it at the end, also where the broker is gone; it goes on trying by itself.
GRACE = 30.0
SHORT_GRACE = 5.0
_DEAD: dict[str, Any] = {"error": "the process that watches over tracing died"}


class Keeping:
    """Tracing is on from here to `end`, at the latest: see `tracer.tap.watchdog`."""

    def __init__(self, request: dict[str, Any]) -> None:
        # -P: nothing of the folder that we were started in is taken for a module.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tracer.tap.watchdog"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0,
        )  # fmt: skip
        self._request = request
        self._vhost = request["vhost"]
        self._ended = False
        self._write(json.dumps(request).encode())
        said = self._read()
        self.error: str | None = said.get("error")
        #: Whether another tap takes copies too.
        self.others: bool = said.get("others", False)
        #: Where it was off before; empty where somebody else had switched it on.
        self.nodes: list[str] = said.get("nodes", [])
        if self.error:
            self._close()

    @property
    def on(self) -> bool:
        """Whether we have switched it on, and must see to it that it goes off."""
        return bool(self.nodes) and not self._ended

    def renew(self) -> None:
        """Every second or so."""
        if not self._write(b"") and self.on:
            raise TracerError("tracing was switched off meanwhile by the process that watches over it; ended")

    def again(self, queue: str) -> bool:
        """Copies now come into that queue, after the broker was away. Whether tracing was off, as after a restart."""
        said = self._read() if self._write(queue.encode()) else _DEAD
        if "error" in said:
            raise TracerError(f"tracing cannot be switched on again: {said['error']}")
        self.nodes = said["nodes"]
        return bool(said["switched"])

    def ask_off(self) -> None:
        """From now on it switches off; what still comes may be taken meanwhile."""
        if self._process.stdin:
            self._process.stdin.close()

    def answered(self, seconds: float = 0.0) -> bool:
        """Whether it has said what became of that, or has ended."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def end(self, grace: float = GRACE) -> str:
        """What became of tracing, for people."""
        if self._ended or self.error:
            return ""
        was_on, self._ended = self.on, True
        self.ask_off()
        if not was_on:
            self._close()
            return ""
        number, answered = self._process.pid, self.answered(grace)
        said = self._read() if answered else {}
        if not answered or said.get("left"):
            assert self._process.stdout is not None
            self._process.stdout.close()
        if not answered:
            return (
                f"tracing of vhost {self._vhost} could not be switched off yet; process {number} goes on trying for "
                "5 minutes (a broker that was restarted traces no more)"
            )
        if said.get("left"):
            return f"another tap takes copies: process {number} switches tracing of vhost {self._vhost} off after it"
        self._close()
        # Somebody has killed it: what it would have done is done here.
        if said.get("off") or watchdog.switch_off(tracing_switch.make(self._request), self.nodes, grace):
            return f"tracing of vhost {self._vhost} is off again"
        vhost = shlex.quote(self._vhost)
        return f"tracing of vhost {self._vhost} may still be on; switch it off: rabbitmqctl trace_off -p {vhost}"

    def _write(self, line: bytes) -> bool:
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(line + b"\n")
        except OSError:
            return False
        return True

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return dict(json.loads(line)) if line else _DEAD

    def _close(self) -> None:
        assert self._process.stdout is not None
        self.ask_off()
        self._process.wait()
        self._process.stdout.close()
