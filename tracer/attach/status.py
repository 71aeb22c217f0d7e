"""The state of this machine's processes: with hooks, their recordings; without, whether they can have some."""

from __future__ import annotations

import shlex
from dataclasses import replace

from tracer.attach import detach, discovery, parallel_visits, proc, processes, registry
from tracer.attach.detach import Attached
from tracer.attach.eligibility import ProcessReport, of_process, of_recordable, report_of
from tracer.attach.processes import Process

_INERT = "lease over, hooks inert: they record nothing until their next event removes them"
_UNGUARDED = "its guard was killed: when the lease is over, the hooks are inert until their next event removes them"
_MAX_ENVIRONMENT = 8 << 20


def readiness(process: Process) -> ProcessReport:
    """Report whether bootseq can attach to a process."""
    recording = discovery.recording(process)
    if recording is not None:
        return report_of(process, "attached", f"records into {recording.spool.inner}")
    return of_recordable(process)


def of_all() -> tuple[list[Attached], list[ProcessReport]]:
    """Return the processes with hooks, and the reports on these and on the services without hooks."""
    attached = [process for process in detach.attached() if not _has_left(process)]
    guarded = {entry.capture for entry in registry.everything() if entry.guard}
    reports = [_result(process, process.capture in guarded) for process in attached]
    pids = {process.process.pid for process in attached}
    reports += [_free(of_process(process)) for process in processes.services() if process.pid not in pids]
    return attached, reports


def _has_left(target: Attached) -> bool:
    """Return whether its hooks have removed themselves: a registered process records from the beginning."""
    return target.entry is not None and discovery.recording(target.process) is None


def _result(target: Attached, guarded: bool) -> ProcessReport:
    show = _other if target.capture is None else _own
    return parallel_visits.outcome(target.process, lambda: show(target, guarded)) or _other(target, guarded)


def _other(target: Attached, guarded: bool) -> ProcessReport:
    """Report another user's process by what the kernel shows: read no file of the recording."""
    return report_of(
        target.process, "attached", "for another user", "bootseq detach --all --everyone", **target.about, events=None,
        dropped=None, failures=None, hooks=[], attributes=None, seconds_left=None,
    )  # fmt: skip


def _own(target: Attached, guarded: bool) -> ProcessReport:
    counts = target.spool.tally(f"*-{target.process.inner_pid}-*")
    left = None if _was_run(target) else target.spool.seconds_left()
    state, reason, fix = "forked" if target.forked else "attached", "", ""
    if left is None:
        reason = "started by bootseq run"
    elif not left:
        state, reason = "inert", _INERT
    elif not guarded:
        reason = _UNGUARDED
    if left is not None and reason:
        fix = f"bootseq detach {shlex.quote(str(target.capture))}"
    hooks = target.entry.hooks if target.entry is not None else []
    attributes = len(target.entry.attributes) if target.entry is not None else None
    return report_of(
        target.process, state, reason, fix, **target.about, events=counts.events, dropped=counts.dropped,
        failures=counts.failures, hooks=hooks, attributes=attributes,
        seconds_left=None if left is None else round(left),
    )  # fmt: skip


def _was_run(target: Attached) -> bool:
    """Return whether bootseq run started it, so that its hooks have no lease."""
    try:
        return target.entry is None and b"BOOTSEQ_CAPTURE=" in proc.data(
            target.process.pid, "environ", _MAX_ENVIRONMENT
        )
    except OSError:
        return False


def _free(problem: ProcessReport) -> ProcessReport:
    """Report a service without hooks: free, or the reason why bootseq cannot attach."""
    return problem if problem.state == "cannot" else replace(problem, state="free")
