"""The boots of a command on a running cloud, followed until they end, with the hooks in all services meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

from tracer import gc_pause
from tracer.attach import processes
from tracer.attach.attach import Attachment
from tracer.attach.eligibility import ProcessReport
from tracer.attach.processes import Process
from tracer.correlation.pipeline import correlate
from tracer.model import Request, Trace
from tracer.sources.hooks import segments

#: Seconds between two reads of the capture; a read that takes longer is followed by an equally long pause.
PACE = 1.0
#: Seconds for which the open steps of an ended boot are waited for.
SETTLE = 5.0


class Following:
    """The services of this machine with hooks, and the boots that a command beside them requested."""

    def __init__(self, attachment: Attachment, on_report: Callable[[ProcessReport], object]) -> None:
        self._attachment = attachment
        self._on_report = on_report
        self._known: dict[tuple[int, int], Process] = {}

    def attach(self) -> list[ProcessReport]:
        """Attach to the services that started since the last call, all of them at first; return their reports."""
        fresh = {(process.pid, process.started): process for process in processes.services()}
        fresh = {key: process for key, process in fresh.items() if key not in self._known}
        self._known |= fresh
        return self._attachment.attach(list(fresh.values()), self._on_report) if fresh else []

    def close(self) -> None:
        """Let the guard take out the hooks that are still in."""
        self._attachment.close()

    def trace(self) -> Trace:
        """Correlate the events recorded so far."""
        with gc_pause.paused():
            return correlate(segments.read(self._attachment.capture))

    def command_boots(self, trace: Trace) -> list[Request]:
        """Return the boots that begin outside of the services; all boots if the command itself was not traced."""
        services = {pid for pid, _ in self._known}
        mine = [boot for boot in trace.boots if boot.chapters[0].pid not in services]
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
            self.attach()
            time.sleep(max(PACE, time.monotonic() - begun))
        return False
