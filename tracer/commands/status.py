"""``bootseq status``: what is attached where, and how it goes."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import click

from tracer.attach import detach, discovery, lease, parallel_visits, processes, registry
from tracer.attach.detach import Attached
from tracer.attach.eligibility import ProcessReport, of_process, report_of
from tracer.commands import printing, process_reports
from tracer.text import plural

_INERT = "lease over, hooks inert: they record nothing, and go at their next event"
_UNGUARDED = "its guard was killed: the hooks are inert once the lease is over, and go at their next event"


@click.command()
@process_reports.json_option
def status(as_json: bool) -> None:
    """Show which processes have hooks in, what they recorded and lost so far, and which services have none.

    \b
    Example:
      bootseq status
    """
    attached = [each for each in detach.attached() if not _has_left(each)]
    guarded = {each.capture for each in registry.everything() if each.guard}
    results = [_result(each, each.capture in guarded) for each in attached]
    pids = {each.process.pid for each in attached}
    results += [_free(of_process(process)) for process in processes.services() if process.pid not in pids]
    if as_json:
        process_reports.as_json(results)
        return
    for each in results:
        process_reports.tell(each, _details(each))
    if not results:
        printing.out("nothing is attached, and no OpenStack service runs here")


def _has_left(each: Attached) -> bool:
    """Whether its hooks have gone by themselves: what is registered records from the beginning."""
    return each.entry is not None and discovery.recording(each.process) is None


def _result(each: Attached, guarded: bool) -> ProcessReport:
    show = _other if each.capture is None else _own
    return parallel_visits.outcome(each.process, lambda: show(each, guarded)) or _other(each, guarded)


def _other(each: Attached, guarded: bool) -> ProcessReport:
    """What the kernel shows of it: no file of another user's recording is looked at."""
    return report_of(
        each.process, "attached", "for another user", "bootseq detach --all --everyone", **each.about, events=None,
        dropped=None, failures=None, hooks=[], attributes=None, seconds_left=None,
    )  # fmt: skip


def _own(each: Attached, guarded: bool) -> ProcessReport:
    counts = each.spool.tally(f"*-{each.process.inner_pid}-*")
    left = None if _was_run(each) else lease.left(each.spool)
    state, reason, fix = "forked" if each.forked else "attached", "", ""
    if left is None:
        reason = "since it was started, by bootseq run"
    elif not left:
        state, reason = "inert", _INERT
    elif not guarded:
        reason = _UNGUARDED
    if left is not None and reason:
        fix = f"bootseq detach {shlex.quote(str(each.capture))}"
    hooks = each.entry.hooks if each.entry is not None else []
    attributes = len(each.entry.attributes) if each.entry is not None else None
    return report_of(
        each.process, state, reason, fix, **each.about, events=counts.events, dropped=counts.dropped,
        failures=counts.failures, hooks=hooks, attributes=attributes,
        seconds_left=None if left is None else round(left),
    )  # fmt: skip


def _was_run(each: Attached) -> bool:
    """Whether it has had its hooks since it was started, and no lease."""
    try:
        return each.entry is None and b"BOOTSEQ_CAPTURE=" in Path(f"/proc/{each.process.pid}/environ").read_bytes()
    except OSError:
        return False


def _free(problem: ProcessReport) -> ProcessReport:
    """A service without hooks: one that could be attached to, or why it could not."""
    return problem if problem.state == "cannot" else replace(problem, state="free")


def _details(each: ProcessReport) -> str:
    if each.more.get("events") is None:
        return f"user {each.more['user']}, capture {each.more['capture']}" if "capture" in each.more else ""
    counts = plural(each.more["events"], "event")
    if each.more["dropped"]:
        counts += f", {each.more['dropped']} dropped"
    if each.more["failures"]:
        counts += f", {plural(each.more['failures'], 'failure')} of hooks"
    left = each.more["seconds_left"]
    return f"{counts} in {each.more['capture']}" + (f", {left} s left" if left else "")
