"""The boots of a command on a running cloud, followed until they end, with the hooks in all services meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from tracer import gc_pause
from tracer.attach.eligibility import ProcessReport
from tracer.correlation.pipeline import correlate
from tracer.events import Process
from tracer.model import Request, Trace
from tracer.sources.hooks import segments

#: Seconds between two reads of the capture; a read that takes longer is followed by an equally long pause.
PACE = 1.0
#: Seconds for which the open steps of an ended boot are waited for.
SETTLE = 5.0


class Services(Protocol):
    """The services of one machine or of many, attached for one capture."""

    @property
    def capture(self) -> Path:
        """The capture that they record into."""

    def attach(self) -> list[ProcessReport]:
        """Attach to the services that started since the last call, all of them at first; return their reports."""

    def detach(self) -> list[ProcessReport]:
        """Take the hooks out; return the reports."""

    def close(self) -> None:
        """Have the hooks taken out that are still in."""

    def lost(self) -> Sequence[object]:
        """Return the hosts that were lost while they were recorded."""

    def has_recorded(self, process: Process) -> bool:
        """Return whether a process of the recording is one of these."""


class Following:
    """Services with hooks, and the boots that a command beside them requested."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._theirs: set[tuple[str, int]] = set()

    def trace(self) -> Trace:
        """Correlate the events recorded so far."""
        with gc_pause.paused():
            events = segments.read(self._services.capture)
            theirs = {(item.host, item.pid) for item in events.processes if self._services.has_recorded(item)}
            others = {(item.host, item.pid) for item in events.processes if not self._services.has_recorded(item)}
            self._theirs = theirs - others
            return correlate(events)

    def command_boots(self, trace: Trace) -> list[Request]:
        """Return the boots that begin outside of the services; all boots if the command itself was not traced."""
        mine = [boot for boot in trace.boots if (boot.chapters[0].host, boot.chapters[0].pid) not in self._theirs]
        return mine or trace.boots

    def wait(self, seconds: float, on_progress: Callable[[str], object]) -> bool:
        """Wait until the boots of the command have ended; return False if ``seconds`` pass first.

        A boot ends as active or error by the states that the hooks recorded: the cloud is not queried.
        """
        deadline = time.monotonic() + seconds
        settled = 0.0
        while time.monotonic() < deadline:
            begun = time.monotonic()
            boots = self.command_boots(self.trace())
            unfinished = [boot.server or "a server" for boot in boots if boot.outcome == "unfinished"]
            still_open = any(not step.finished for boot in boots for step in boot.walk())
            if not unfinished:
                settled = settled or begun
                if not still_open or begun - settled > SETTLE:
                    return True
            on_progress(f"waiting for {', '.join(unfinished) or 'steps that are still open'}")
            self._services.attach()
            time.sleep(max(PACE, time.monotonic() - begun))
        return False
