"""Attaching: hooks put into several processes at once, with a report for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tracer.attach import (
    ask_points,
    discovery,
    eligibility,
    guard_client,
    parallel_visits,
    registry,
    spool_location,
)
from tracer.attach.eligibility import ProcessReport, report_of
from tracer.attach.guard_client import GuardClient
from tracer.attach.injection import payload, visits
from tracer.attach.processes import Process
from tracer.attach.registry import Registration
from tracer.attach.spool_location import Spool
from tracer.callbacks import ignore
from tracer.recording import capture as captures

#: Seconds for which hooks may record until the attachment has succeeded.
_FIRST_LEASE = 30.0


@dataclass
class Attachment:
    """An attachment to a capture for some seconds; unless ``lasting``, it ends with this process."""

    capture: Path
    seconds: float
    lasting: bool = True
    _guard: GuardClient | None = None
    #: Spools of processes that could not be attached to.
    _unused: set[Spool] = field(default_factory=set)

    def attach(
        self, processes: list[Process], on_report: Callable[[ProcessReport], object] = ignore
    ) -> list[ProcessReport]:
        """Put the hooks into the processes for the whole lease; ``on_report`` is called with each report."""
        options = captures.options(self.capture)
        payload.prepare()
        with registry.locked(self.capture) as registration, self._guarded(registration):
            visits = [(process, partial(self._attach, registration, process, options)) for process in processes]
            results = list(parallel_visits.visit_all(visits, on_report))
            self._remove_unused(registration)
            self._renew(registration)
        return results

    def renew(self) -> None:
        """Start the lease of the attached processes again, for its whole time."""
        with registry.locked(self.capture) as registration:
            self._renew(registration)

    def close(self) -> None:
        """End the guard, which takes out the hooks that are still in."""
        if self._guard is not None:
            self._guard.end()

    @contextmanager
    def _guarded(self, registration: Registration) -> Iterator[None]:
        """Have a guard watch the capture from the start, since this process may die at any moment."""
        registration.renew(max(_FIRST_LEASE, registration.read().seconds_left))
        self._guard = guard_client.ensure(registration) or self._guard
        yield
        if self._guard is not None and self.lasting:
            self._guard.stay()
            self._guard = None

    def _attach(self, registration: Registration, process: Process, options: dict[str, Any]) -> ProcessReport:
        problem = eligibility.of_process(process)
        if problem.state != "ready":
            return problem
        before = discovery.recording(process)
        if before is None:
            return self._visit_first(registration, process, options)
        if spool_location.belongs(self.capture, before.spool):
            return self._visit(registration, process, options)
        where = before.spool.inner
        return report_of(
            process, "cannot", f"it records into {where} already", eligibility.command("bootseq", "detach", where)
        )

    def _visit_first(self, registration: Registration, process: Process, options: dict[str, Any]) -> ProcessReport:
        """Register the process before its hooks are in: if this process dies meanwhile, the guard removes them."""
        spool = spool_location.of(self.capture, process)
        entry = registry.entry(process, spool, {}, [])
        registration.add(entry)
        state = ""
        try:
            result = self._visit(registration, process, options)
            state = result.state
        finally:
            if state != "attached":
                registration.drop(entry)
                self._unused.add(spool)
        return result

    def _remove_unused(self, registration: Registration) -> None:
        """Remove the spools that no process records into, after all visits: processes may share one."""
        used = {entry.spool.inner for entry in registration.read().entries}
        for spool in self._unused:
            if spool.inner not in used:
                with suppress(OSError):
                    spool.remove()
        self._unused.clear()

    def _visit(self, registration: Registration, process: Process, options: dict[str, Any]) -> ProcessReport:
        spool = spool_location.of(self.capture, process)
        spool.grant(max(_FIRST_LEASE, spool.seconds_left()))
        asks = ask_points.meant_for(process, captures.asks(self.capture))
        options = options | {"asks": asks, "cap": spool.bounded(options["cap"])}
        request = {"capture": spool.inner, "lease": f"{spool.inner}/{spool_location.LEASE}", "options": options}
        answer, visit = visits.ask(process, "attach", request)
        if answer["state"] != "attached":
            return report_of(process, "cannot", str(answer.get("reason", answer["state"])))
        registration.add(registry.entry(process, spool, answer, visit.stops))
        return report_of(
            process, "attached", capture=str(self.capture), attributes=len(answer["attributes"]),
            off=list(answer["off"]), work_ms=round(answer["seconds"] * 1000, 1),
            stops_ms=[round(stop * 1000, 3) for stop in visit.stops], way=visit.way,
        )  # fmt: skip

    def _renew(self, registration: Registration) -> None:
        registration.renew(self.seconds)
        for spool in {entry.spool for entry in registration.read().entries if entry.process() is not None}:
            with suppress(OSError):  # removed with its container
                spool.grant(self.seconds)
