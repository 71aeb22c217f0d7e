"""The services of this machine, attached for one capture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tracer.attach import detach, processes
from tracer.attach.attach import Attachment
from tracer.attach.eligibility import ProcessReport
from tracer.attach.processes import Process
from tracer.events import Process as RecordedProcess


class LocalServices:
    """The services of this machine; ``on_report`` is called with the report on each that is attached to, or not."""

    def __init__(self, attachment: Attachment, on_report: Callable[[ProcessReport], object]) -> None:
        self._attachment = attachment
        self._on_report = on_report
        self._known: dict[tuple[int, int], Process] = {}

    @property
    def capture(self) -> Path:
        """The capture that they record into."""
        return self._attachment.capture

    def attach(self) -> list[ProcessReport]:
        """Attach to the services that started since the last call, all of them at first; return their reports."""
        fresh = {(process.pid, process.started): process for process in processes.services()}
        fresh = {key: process for key, process in fresh.items() if key not in self._known}
        self._known |= fresh
        return self._attachment.attach(list(fresh.values()), self._on_report) if fresh else []

    def detach(self) -> list[ProcessReport]:
        """Take the hooks out; return the reports."""
        return detach.detach(self.capture)

    def close(self) -> None:
        """Let the guard take out the hooks that are still in."""
        self._attachment.close()

    def lost(self) -> Sequence[object]:
        """Return nothing: this machine is not lost."""
        return ()

    def has_recorded(self, process: RecordedProcess) -> bool:
        """Return whether a process of the recording is one of these."""
        return process.pid in {pid for pid, _ in self._known}
