"""``bootseq status``: the attached processes and their recordings."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import click

from tracer.attach import detach, discovery, parallel_visits, processes, registry
from tracer.attach.detach import Attached
from tracer.attach.eligibility import ProcessReport, of_process, report_of
from tracer.commands import printing, process_reports
from tracer.text import plural

_INERT = "lease over, hooks inert: they record nothing until their next event removes them"
_UNGUARDED = "its guard was killed: when the lease is over, the hooks are inert until their next event removes them"


@click.command()
@process_reports.json_option
def status(as_json: bool) -> None:
    """Show the processes with hooks, their events recorded and dropped so far, and the services without hooks.

    Call points that match nothing in the packages of these processes are shown too, with the nearest name.

    \b
    Example:
      bootseq status
    """
    attached = [process for process in detach.attached() if not _has_left(process)]
    guarded = {entry.capture for entry in registry.everything() if entry.guard}
    results = [_result(process, process.capture in guarded) for process in attached]
    pids = {process.process.pid for process in attached}
    results += [_free(of_process(process)) for process in processes.services() if process.pid not in pids]
    results += process_reports.of_captured_points(_by_capture(attached))
    if as_json:
        process_reports.as_json(results)
        return
    for report in results:
        process_reports.print_report(report, _details(report))
    if not results:
        printing.out("nothing is attached, and no OpenStack service runs here")


def _by_capture(attached: list[Attached]) -> dict[Path, list[int]]:
    """Return the numbers of the attached processes by the caller's own capture."""
    pids: dict[Path, list[int]] = {}
    for target in attached:
        if target.capture is not None:
            pids.setdefault(target.capture, []).append(target.process.pid)
    return pids


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
        return target.entry is None and b"BOOTSEQ_CAPTURE=" in Path(f"/proc/{target.process.pid}/environ").read_bytes()
    except OSError:
        return False


def _free(problem: ProcessReport) -> ProcessReport:
    """Report a service without hooks: free, or the reason why bootseq cannot attach."""
    return problem if problem.state == "cannot" else replace(problem, state="free")


def _details(report: ProcessReport) -> str:
    if report.more.get("events") is None:
        return f"user {report.more['user']}, capture {report.more['capture']}" if "capture" in report.more else ""
    counts = plural(report.more["events"], "event")
    if report.more["dropped"]:
        counts += f", {report.more['dropped']} dropped"
    if report.more["failures"]:
        counts += f", {plural(report.more['failures'], 'failure')} of hooks"
    left = report.more["seconds_left"]
    return f"{counts} in {report.more['capture']}" + (f", {left} s left" if left else "")
