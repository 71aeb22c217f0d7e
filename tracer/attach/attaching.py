"""Attaching: the hooks into processes, several at once, and what came of it, process by process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracer import capture as captures
from tracer.attach import asking, checks, found, journal, lease, parts, payload, ptrace, visits
from tracer.attach.checks import Finding, finding
from tracer.attach.parts import Part
from tracer.attach.processes import Process
from tracer.attach.ptrace import BusyError, RefusedError

#: At once. Most of the time of each goes into waiting.
_AT_ONCE = 8
#: A stopped process must not wait while other threads of ours are at work.
_SWITCH = 0.0005


@dataclass(frozen=True)
class Attachment:
    """What to attach for: the capture, and for how long in seconds."""

    capture: Path
    seconds: float

    def options(self) -> dict[str, Any]:
        """What the capture tells the hooks to do."""
        options: dict[str, Any] = json.loads((self.capture / captures.OPTIONS).read_text())
        return options

    def attach(self, processes: list[Process], told: Callable[[Finding], object] = id) -> list[Finding]:
        """Put the hooks into them, for the whole time of the lease; ``told`` hears of each as it is done."""
        sys.setswitchinterval(_SWITCH)
        options = self.options()
        journal.know(self.capture)
        payload.prepare()
        results = []
        with ThreadPoolExecutor(_AT_ONCE, initializer=ptrace.hurry) as pool:
            for one in [pool.submit(self._attach, process, options) for process in processes]:
                results.append(one.result())
                told(results[-1])
        return results

    def _attach(self, process: Process, options: dict[str, Any]) -> Finding:
        problem = checks.of_process(process)
        if problem.state != "ready":
            return problem
        try:
            return self._visit(process, options)
        except (RefusedError, BusyError) as error:
            return finding(process, "cannot", str(error), _again(error))
        except OSError as error:
            return finding(process, "cannot", f"{error.filename or 'it'}: {error.strerror}")

    def _visit(self, process: Process, options: dict[str, Any]) -> Finding:
        elsewhere = found.recording(process)
        if elsewhere is not None and not parts.belongs(self.capture, elsewhere.part):
            where = elsewhere.part.inner
            return finding(process, "cannot", f"it records into {where} already", f"bootseq detach {where}")
        part = parts.of(self.capture, process)
        lease.grant(part, max(lease.FIRST, lease.left(part)))
        options = options | {"asks": asking.meant_for(process, captures.asks(self.capture))}
        request = {"capture": part.inner, "lease": f"{part.inner}/{parts.LEASE}", "options": options}
        answer, visit = visits.ask(process, "attach", request)
        if answer["state"] != "attached":
            return finding(process, "cannot", str(answer.get("reason", answer["state"])))
        journal.write(self.capture, journal.entry(process, part, answer, visit.stops))
        lease.grant(part, self.seconds)
        return finding(
            process, "attached", capture=str(self.capture), attributes=len(answer["attributes"]),
            off=list(answer["off"]), work_ms=round(answer["seconds"] * 1000, 1),
            stops_ms=[round(stop * 1000, 3) for stop in visit.stops], way=visit.way,
        )  # fmt: skip

    def renew(self) -> None:
        """Let those who are attached record for the whole time again, from now on."""
        for part in _parts(self.capture):
            lease.grant(part, self.seconds)


def _parts(capture: Path) -> set[Part]:
    return {entry.part for entry in journal.read(capture) if found.alive(entry.pid, entry.started)}


def _again(error: Exception) -> str:
    return "the same command again" if isinstance(error, BusyError) else ""
