"""The tap's end of the keeper: start it, tell it that we live, ask it to switch off."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tracer.errors import TracerError
from tracer.tap import keeper, switch

#: Seconds that the tap waits for it at the end, also where the broker is gone; it goes on trying by itself.
GRACE = 30.0
SHORT_GRACE = 5.0


class Keeping:
    """Tracing is on from here to `end`, at the latest: see `tracer.tap.keeper`."""

    def __init__(self, request: dict[str, Any]) -> None:
        # -P: nothing of the folder that we were started in is taken for a module.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tracer.tap.keeper"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0,
        )  # fmt: skip
        self._request = request
        self._vhost = request["vhost"]
        self._write(json.dumps(request).encode() + b"\n")
        said = self._read()
        self.error: str | None = said.get("error")
        #: Where it was off before; empty where somebody else had switched it on.
        self.nodes: list[str] = said.get("switched", [])
        self.on = bool(self.nodes)
        if not self.on:
            self._close()

    def renew(self) -> None:
        """Every second or so."""
        if self.on and not self._write(b"."):
            raise TracerError("tracing was switched off meanwhile by the process that watches over it; ended")

    def ask_off(self) -> None:
        """From now on it switches off; what still comes may be taken meanwhile."""
        if self._process.stdin:
            self._process.stdin.close()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def end(self, grace: float = GRACE) -> str:
        """What became of tracing, for people."""
        if not self.on:
            return ""
        self.on = False
        self.ask_off()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            return (
                f"tracing of vhost {self._vhost} could not be switched off yet; process {self._process.pid} goes on "
                "trying for 5 minutes (a broker that was restarted traces no more)"
            )
        said = self._read()
        self._close()
        # Somebody has killed it: what it would have done is done here.
        if said.get("off") or keeper.switch_off(switch.make(self._request), self.nodes, grace):
            return f"tracing of vhost {self._vhost} is off again"
        return f"tracing of vhost {self._vhost} may still be on; switch it off: rabbitmqctl trace_off -p {self._vhost}"

    def _write(self, data: bytes) -> bool:
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(data)
        except OSError:
            return False
        return True

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline() or b'{"error": "the process that watches over tracing died"}')
        assert isinstance(said, dict)
        return said

    def _close(self) -> None:
        assert self._process.stdout is not None
        self.ask_off()
        self._process.wait()
        self._process.stdout.close()
