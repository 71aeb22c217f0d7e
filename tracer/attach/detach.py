"""Detaching: hooks taken out of processes, with the proof that each attribute is its original object again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tracer.attach import discovery, parallel_visits, registry, spool_location
from tracer.attach.eligibility import ProcessReport, of_process, report_of
from tracer.attach.injection import visits
from tracer.attach.injection.answers import Answer
from tracer.attach.processes import Process
from tracer.attach.registry import Entry, Registration
from tracer.attach.spool_location import Spool
from tracer.callbacks import ignore
from tracer.files import trust

_SHOWN = 3
_GONE = "its hooks had removed themselves"


@dataclass
class Attached:
    """A process with hooks, or one forked by such a process.

    ``capture`` is the capture it records for, None if that is not the caller's: then none of its files is trusted.
    ``entry`` is its entry in the caller's registry.
    """

    process: Process
    spool: Spool
    capture: Path | None
    entry: Entry | None = None
    forked: bool = False

    @property
    def about(self) -> dict[str, str]:
        """The user and the capture of the process, for a report."""
        return {"user": trust.user_name(self.process.uid), "capture": str(self.capture or self.spool.inner)}


def attached() -> list[Attached]:
    """Return all processes that record by their memory maps or the caller's registry, and those forked by them."""
    registered = registry.everything()
    captures = {(entry.inner, entry.uid): known.capture for known in registered for entry in known.entries}
    targets = {}
    for recording in discovery.all_recording():
        process, spool = recording.process, recording.spool
        targets[process.pid] = Attached(process, spool, captures.get((spool.inner, process.uid)) or _own(recording))
    for known in registered:
        for entry in known.entries:
            running = entry.process()
            if running is not None:
                targets[entry.pid] = Attached(running, entry.spool, known.capture, entry)
    own = {pid: target.process for pid, target in targets.items() if target.capture is not None}
    for parent, child in discovery.forked(own):
        targets[child.pid] = Attached(child, targets[parent.pid].spool, targets[parent.pid].capture, forked=True)
    return [targets[pid] for pid in sorted(targets)]


def _own(recording: discovery.Recording) -> Path | None:
    """Return the capture of a process of the caller's own, which ``bootseq run`` may have started."""
    return recording.spool.path if recording.spool.owner is None else None


def detach(capture: Path, on_report: Callable[[ProcessReport], object] = ignore) -> list[ProcessReport]:
    """Take the hooks out of all processes that record into a capture; ``on_report`` is called with each report."""
    with registry.locked(capture) as registration:
        return take_out(registration, on_report)


def detach_all(on_report: Callable[[ProcessReport], object] = ignore) -> list[ProcessReport]:
    """Take the hooks out of all processes that record into captures of the caller's."""
    captures = {target.capture for target in attached() if target.capture is not None}
    captures |= {known.capture for known in registry.everything()}
    return [result for capture in sorted(captures) for result in detach(capture, on_report)]


def others() -> list[Attached]:
    """Return the processes that record for other users."""
    return [target for target in attached() if target.capture is None]


def detach_others(on_report: Callable[[ProcessReport], object] = ignore) -> list[ProcessReport]:
    """Take the hooks out of processes that record for other users; their files are not touched."""
    return _visit_all(others(), on_report)


def take_out(registration: Registration, on_report: Callable[[ProcessReport], object] = ignore) -> list[ProcessReport]:
    """Take the hooks for one capture out, and copy what was recorded elsewhere into it."""
    targets = [target for target in attached() if target.capture == registration.capture]
    results = _visit_all(targets, on_report)
    # Only now, as the processes share the lease: hooks that could not be reached are silent from now on, and remove
    # themselves at the next event they would record.
    entries = registration.read().entries
    for spool in {target.spool for target in targets} | {entry.spool for entry in entries}:
        with contextlib.suppress(OSError):
            spool.end_lease()
    busy = {result.pid for result in results if result.state == "attached"}
    held = {target.spool.inner for target in targets if target.process.pid in busy}
    for (label, inner), spools in _by_folder(entries).items():
        _bring_in(registration.capture, spools, label, inner in held)
    for entry in entries:
        if entry.pid not in busy:
            registration.drop(entry)
    return results


def _visit_all(targets: list[Attached], on_report: Callable[[ProcessReport], object]) -> list[ProcessReport]:
    return list(
        parallel_visits.visit_all([(target.process, partial(_detach, target)) for target in targets], on_report)
    )


def _detach(target: Attached) -> ProcessReport | None:
    """Return a report; None for a forked child without one worth a line, since most have no hooks any more."""
    result = parallel_visits.outcome(target.process, partial(_visit, target))
    if result is None or (target.forked and (result.reason == _GONE or result.state == "cannot")):
        return None
    if result.state == "cannot":
        reason = f"{result.reason}; its hooks remove themselves at the next event they would record"
        result = replace(result, state="attached", reason=reason)
    return replace(result, more=result.more | target.about)


def _visit(target: Attached) -> ProcessReport | None:
    if not target.process.is_still():
        return None
    problem = of_process(target.process)
    if problem.state != "ready":
        return problem
    answer, visit = visits.ask(target.process, "detach", {})
    if answer["state"] == "free":
        return report_of(target.process, "detached", _GONE)
    if answer["state"] != "detached":
        return report_of(target.process, "left", answer["reason"] or answer["state"])
    return _judged(target, answer, [round(stop * 1000, 3) for stop in visit.stops])


def _judged(target: Attached, answer: Answer, stops: list[float]) -> ProcessReport:
    """Compare the attributes with those before the hooks were in, and report whether each is its original again."""
    then = dict(target.entry.attributes) if target.entry is not None else {}
    now = {text: (before, after) for text, before, after in answer["attributes"]}
    wrong = [text for text, (before, after) in now.items() if before != after or then.get(text, before) != before]
    wrong += [text for text in then if text not in now]
    left = [*answer["left"], *answer["kept"]]
    state, reason = "detached", ""
    if wrong or left:
        state, reason = "left", f"not as before: {', '.join([*wrong, *left][:_SHOWN])}"
    return report_of(
        target.process, state, reason, attributes=len(now), proved=state == "detached", wrong=wrong, left=left,
        changes=list(answer["changes"]), stops_ms=stops,
    )  # fmt: skip


def _by_folder(entries: Iterable[Entry]) -> dict[tuple[str, str], list[Spool]]:
    """Return the spools of each folder, the living processes' first: those that share one have each a path to it."""
    spools: dict[tuple[str, str], list[Spool]] = {}
    for entry in sorted(entries, key=lambda entry: entry.process() is None):
        spools.setdefault((entry.label, entry.inner), []).append(entry.spool)
    return spools


def _bring_in(capture: Path, spools: Iterable[Spool], label: str, held: bool) -> None:
    """Copy a folder into the capture by the first way to it; its file system may have gone with its container."""
    for spool in spools:
        with contextlib.suppress(OSError):
            spool_location.gather(capture, spool, label)
            if not held:
                spool.remove()
            return
