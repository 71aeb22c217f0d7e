"""``bootseq status``: what is attached where, and how it goes."""

from __future__ import annotations

import click

from tracer.attach import detach, lease, processes
from tracer.attach.checks import Finding, finding, of_process
from tracer.attach.detach import Attached
from tracer.commands import findings, printing
from tracer.text import plural


@click.command()
@findings.json_option
def status(as_json: bool) -> None:
    """Show which processes have hooks in, what they recorded and lost so far, and which services have none.

    \b
    Example:
      bootseq status
    """
    attached = detach.attached()
    found = [_attached(each) for each in attached]
    pids = {each.process.pid for each in attached}
    found += [_free(of_process(process)) for process in processes.services() if process.pid not in pids]
    if as_json:
        findings.as_json(found)
        return
    for each in found:
        findings.tell(each, _details(each))
    if not found:
        printing.out("nothing is attached, and no OpenStack service runs here")


def _attached(each: Attached) -> Finding:
    counts = each.part.tally(f"*-{each.process.inner_pid}-*")
    left = lease.left(each.part)
    expires = each.part.until() is not None
    state = "forked" if each.forked else "attached"
    reason = "" if expires else "since it was started, by bootseq run"
    if expires and not left:
        reason = "its time is over: the hooks go at the next thing they would record"
    hooks = each.entry.hooks if each.entry is not None else []
    attributes = len(each.entry.attributes) if each.entry is not None else None
    return finding(
        each.process, state, reason, "", capture=each.part.inner, events=counts.events, dropped=counts.dropped,
        failures=counts.failures, hooks=hooks, attributes=attributes, seconds_left=round(left) if expires else None,
    )  # fmt: skip


def _free(problem: Finding) -> Finding:
    return problem if problem.state == "cannot" else finding_free(problem)


def finding_free(ready: Finding) -> Finding:
    """A service that could be attached to and is not."""
    return Finding(ready.pid, ready.service, ready.python, "free")


def _details(each: Finding) -> str:
    if "capture" not in each.more:
        return ""
    counts = plural(each.more["events"], "event")
    if each.more["dropped"]:
        counts += f", {each.more['dropped']} dropped"
    if each.more["failures"]:
        counts += f", {plural(each.more['failures'], 'failure')} of hooks"
    left = each.more["seconds_left"]
    return f"{counts} in {each.more['capture']}" + (f", {left} s left" if left else "")
