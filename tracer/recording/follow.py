"""Following a command's boots on a running cloud: attached services kept attached, and how far the boots are."""

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

#: Seconds between two looks at what was recorded; a look that takes longer is followed by as long a pause.
PACE = 1.0
#: Seconds that a boot which is over is given for what it still has open.
SETTLE = 5.0


class Following:
    """The services of this machine under hooks, and the boots that a command started beside them asked for."""

    def __init__(self, attachment: Attachment, on_report: Callable[[ProcessReport], object]) -> None:
        self._attachment = attachment
        self._told = on_report
        self._known: dict[tuple[int, int], Process] = {}

    def attach(self) -> list[ProcessReport]:
        """Into the services that are new since the last time: all of them at first, later what they started."""
        fresh = {(each.pid, each.started): each for each in processes.services()}
        fresh = {key: each for key, each in fresh.items() if key not in self._known}
        self._known |= fresh
        return self._attachment.attach(list(fresh.values()), self._told) if fresh else []

    def close(self) -> None:
        """Let go of what is attached: its guard takes out what is still in."""
        self._attachment.close()

    def trace(self) -> Trace:
        """What the capture holds by now."""
        with gc_pause.paused():
            return correlate(segments.read(self._attachment.capture))

    def command_boots(self, trace: Trace) -> list[Request]:
        """The boots that the command asked for: those that begin outside of the services; all, if it was not traced."""
        services = {pid for pid, _ in self._known}
        mine = [boot for boot in trace.boots if boot.chapters[0].pid not in services]
        return mine or trace.boots

    def wait(self, seconds: float, doing: Callable[[str], object]) -> bool:
        """Until the boots that the command asked for are over; False where time ran out first.

        Over is active or error by the states that the hooks saw: nothing is asked of the cloud.
        """
        deadline = time.monotonic() + seconds
        settled = 0.0
        while time.monotonic() < deadline:
            begun = time.monotonic()
            boots = self.command_boots(self.trace())
            going_on = [boot.server or "a server" for boot in boots if boot.outcome == "unfinished"]
            still_open = any(not step.finished for boot in boots for step in boot.walk())
            if not going_on:
                settled = settled or begun
                if not still_open or begun - settled > SETTLE:
                    return True
            doing(f"waiting for {', '.join(going_on) or 'what is still going on'}")
            self.attach()
            time.sleep(max(PACE, time.monotonic() - begun))
        return False
