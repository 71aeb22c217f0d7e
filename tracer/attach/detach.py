"""Detaching: the hooks out of processes again, with the proof that each attribute is the very object that it was."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tracer.attach import discovery, lease, parallel_visits, registry, spool_location
from tracer.attach.eligibility import ProcessReport, of_process, report_of
from tracer.attach.injection import visits
from tracer.attach.injection.answers import Answer
from tracer.attach.processes import Process
from tracer.attach.registry import Entry, Registration
from tracer.attach.spool_location import Spool
from tracer.callbacks import ignore
from tracer.files import trust

_SHOWN = 3
_GONE = "its hooks had gone by themselves"


@dataclass
class Attached:
    """A process that has hooks in, or was forked by one.

    ``capture`` is where its recording belongs; None where that is nothing of the caller's: then no file of it is
    believed. ``entry`` is what the caller's registry has of the process.
    """

    process: Process
    spool: Spool
    capture: Path | None
    entry: Entry | None = None
    forked: bool = False

    @property
    def about(self) -> dict[str, str]:
        """Whose it is and where it records to, for a report."""
        return {"user": trust.user_name(self.process.uid), "capture": str(self.capture or self.spool.inner)}


def attached() -> list[Attached]:
    """All processes that the kernel shows recording, that the caller's registry has, and what these have forked."""
    registered = registry.everything()
    spools = {(entry.inner, entry.uid): each.capture for each in registered for entry in each.entries}
    wanted = {
        each.process.pid: Attached(
            each.process, each.spool, spools.get((each.spool.inner, each.process.uid)) or _own(each)
        )
        for each in discovery.all_recording()
    }
    for each in registered:
        for entry in each.entries:
            process = entry.process()
            if process is not None:
                wanted[entry.pid] = Attached(process, entry.spool, each.capture, entry)
    own = {pid: each.process for pid, each in wanted.items() if each.capture is not None}
    for parent, child in discovery.forked(own):
        wanted[child.pid] = Attached(child, wanted[parent.pid].spool, wanted[parent.pid].capture, forked=True)
    return [wanted[pid] for pid in sorted(wanted)]


def _own(recording: discovery.Recording) -> Path | None:
    """The capture of a process of the caller's own, which ``bootseq run`` may have started."""
    return recording.spool.path if recording.spool.owner is None else None


def detach(capture: Path, on_report: Callable[[ProcessReport], object] = ignore) -> list[ProcessReport]:
    """Take the hooks out of all processes that record into a capture; ``on_report`` is called with each result."""
    with registry.locked(capture) as registration:
        return take_out(registration, on_report)


def detach_all(on_report: Callable[[ProcessReport], object] = ignore) -> list[ProcessReport]:
    """The same for all of the caller's captures."""
    captures = {each.capture for each in attached() if each.capture is not None}
    captures |= {each.capture for each in registry.everything()}
    return [result for capture in sorted(captures) for result in detach(capture, on_report)]


def others() -> list[Attached]:
    """Processes that record for somebody else."""
    return [each for each in attached() if each.capture is None]


def detach_others(on_report: Callable[[ProcessReport], object] = ignore) -> list[ProcessReport]:
    """Take the hooks out of these too; nothing but the processes themselves is touched."""
    return _visit_all(others(), on_report)


def take_out(registration: Registration, on_report: Callable[[ProcessReport], object] = ignore) -> list[ProcessReport]:
    """Take out what is attached for one capture, and bring in what was recorded for it elsewhere."""
    wanted = [each for each in attached() if each.capture == registration.capture]
    results = _visit_all(wanted, on_report)
    # Only now, as they share it: those that could not be asked are silent, and go at the next thing they would record.
    entries = registration.read().entries
    for spool in {each.spool for each in wanted} | {entry.spool for entry in entries}:
        with contextlib.suppress(OSError):
            lease.end(spool)
    busy = {result.pid for result in results if result.state == "attached"}
    held = {each.spool for each in wanted if each.process.pid in busy}
    for spool, label in {(entry.spool, entry.label) for entry in entries}:
        _bring_in(registration.capture, spool, label, spool in held)
    for entry in entries:
        if entry.pid not in busy:
            registration.drop(entry)
    return results


def _visit_all(wanted: list[Attached], on_report: Callable[[ProcessReport], object]) -> list[ProcessReport]:
    return list(parallel_visits.visit_all([(each.process, partial(_detach, each)) for each in wanted], on_report))


def _detach(each: Attached) -> ProcessReport | None:
    """What came of it; of a forked child only what is worth a line, since most have no hooks any more."""
    result = parallel_visits.outcome(each.process, partial(_visit, each))
    if result is None or (each.forked and (result.reason == _GONE or result.state == "cannot")):
        return None
    if result.state == "cannot":
        reason = f"{result.reason}; its hooks go when they next would record"
        result = replace(result, state="attached", reason=reason)
    return replace(result, more=result.more | each.about)


def _visit(each: Attached) -> ProcessReport | None:
    if not each.process.is_still():
        return None
    problem = of_process(each.process)
    if problem.state != "ready":
        return problem
    answer, visit = visits.ask(each.process, "detach", {})
    if answer["state"] == "free":
        return report_of(each.process, "detached", _GONE)
    if answer["state"] != "detached":
        return report_of(each.process, "left", answer["reason"] or answer["state"])
    return _judged(each, answer, [round(stop * 1000, 3) for stop in visit.stops])


def _judged(each: Attached, answer: Answer, stops: list[float]) -> ProcessReport:
    """Whether everything is as it was: what the process answers now, against its answer when the hooks came."""
    then = dict(each.entry.attributes) if each.entry is not None else {}
    now = {text: (before, after) for text, before, after in answer["attributes"]}
    wrong = [text for text, (before, after) in now.items() if before != after or then.get(text, before) != before]
    wrong += [text for text in then if text not in now]
    left = [*answer["left"], *answer["kept"]]
    state, reason = "detached", ""
    if wrong or left:
        state, reason = "left", f"not as before: {', '.join([*wrong, *left][:_SHOWN])}"
    return report_of(
        each.process, state, reason, attributes=len(now), proved=state == "detached", wrong=wrong, left=left,
        changes=list(answer["changes"]), stops_ms=stops,
    )  # fmt: skip


def _bring_in(capture: Path, spool: Spool, label: str, held: bool) -> None:
    """What was recorded apart, into the capture; where its file system has gone with its container there is nothing."""
    with contextlib.suppress(OSError):
        spool_location.gather(capture, spool, label)
        if not held:
            spool.remove()
