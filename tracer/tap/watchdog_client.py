"""The tap's end of the watchdog: start it, send it signs of life and queues, ask it to switch off."""

from __future__ import annotations

import json
import select
import shlex
import subprocess
import sys
from typing import Any

from tracer.errors import TracerError
from tracer.tap import tracing_switch, watchdog

#: Seconds that the tap waits for it at the end, and when the broker is gone; it continues on its own.
GRACE = 30.0
SHORT_GRACE = 5.0
_DEAD: dict[str, Any] = {"error": "the watchdog process died"}


class WatchdogClient:
    """A running watchdog process; tracing stays on until `end` at the latest (see `tracer.tap.watchdog`)."""

    def __init__(self, request: dict[str, Any]) -> None:
        # -P: no module is imported from the current folder.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tracer.tap.watchdog"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0,
        )  # fmt: skip
        self._request = request
        self._vhost = request["vhost"]
        self._ended = False
        self._write(json.dumps(request).encode())
        answer = self._read()
        self.error: str | None = answer.get("error")
        #: Whether another tap takes copies too.
        self.others: bool = answer.get("others", False)
        #: Nodes where tracing was off before; empty if somebody else had switched it on.
        self.nodes: list[str] = answer.get("nodes", [])
        if self.error:
            self._close()

    @property
    def on(self) -> bool:
        """Return whether we switched tracing on and thus must switch it off."""
        return bool(self.nodes) and not self._ended

    def renew(self) -> None:
        """Send a sign of life; to be called about once a second."""
        if not self._write(b"") and self.on:
            raise TracerError("tracing was switched off meanwhile by the watchdog process; tap ended")

    def switch_on_again(self, queue: str) -> bool:
        """Report the new queue after the broker was away; return whether tracing was off, as after a restart."""
        answer = self._read() if self._write(queue.encode()) else _DEAD
        if "error" in answer:
            raise TracerError(f"tracing cannot be switched on again: {answer['error']}")
        self.nodes = answer["nodes"]
        return bool(answer["switched"])

    def ask_off(self) -> None:
        """Make the watchdog switch off; messages that still arrive may be recorded meanwhile."""
        if self._process.stdin:
            self._process.stdin.close()

    def has_answered(self, seconds: float = 0.0) -> bool:
        """Return whether the watchdog has reported the result, or has ended; wait for up to ``seconds``."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def end(self, grace: float = GRACE) -> str:
        """End the watchdog; return a line for people on the state of tracing, "" if it was not touched."""
        if self._ended or self.error:
            return ""
        was_on, self._ended = self.on, True
        self.ask_off()
        if not was_on:
            self._close()
            return ""
        pid, has_answered = self._process.pid, self.has_answered(grace)
        answer = self._read() if has_answered else {}
        if not has_answered or answer.get("left"):
            assert self._process.stdout is not None
            self._process.stdout.close()
        if not has_answered:
            return (
                f"tracing of vhost {self._vhost} could not be switched off yet; process {pid} keeps trying for "
                "5 minutes (a restarted broker no longer traces)"
            )
        if answer.get("left"):
            return f"another tap takes copies: process {pid} switches tracing of vhost {self._vhost} off after it"
        self._close()
        # If the watchdog was killed, its work is done here.
        if answer.get("off") or watchdog.switch_off(tracing_switch.make(self._request), self.nodes, grace):
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
