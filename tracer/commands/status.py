"""``bootseq status``: the attached processes and their recordings."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tracer.attach import status as status_of
from tracer.attach.detach import Attached
from tracer.attach.eligibility import ProcessReport
from tracer.commands import printing, process_reports
from tracer.commands.host_options import HostChoice, host_options, on_hosts
from tracer.text import plural


@click.command()
@host_options
@process_reports.json_option
def status(as_json: bool, hosts: HostChoice) -> None:
    """Show the processes with hooks, their events recorded and dropped so far, and the services without hooks.

    Call points that match nothing in the packages of these processes are shown too, with the nearest name.

    With hosts, those of each are shown, and the exit code is 1 if one cannot be reached.

    \b
    Examples:
      bootseq status
      bootseq status --inventory multinode --become
    """
    complete = True
    if hosts:
        results, complete = on_hosts(hosts, "status")
    else:
        attached, results = status_of.of_all()
        results += process_reports.of_captured_points(_by_capture(attached))
    _print(results, as_json=as_json)
    if not complete:
        sys.exit(1)


def _print(results: list[ProcessReport], *, as_json: bool) -> None:
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


def _has_counts(report: ProcessReport) -> bool:
    """Return whether it reports on a recording: another host may have sent anything."""
    return all(type(report.more.get(name)) is int for name in ("events", "dropped", "failures"))


def _details(report: ProcessReport) -> str:
    if not _has_counts(report):
        return f"user {report.more.get('user')}, capture {report.more['capture']}" if "capture" in report.more else ""
    counts = plural(report.more["events"], "event")
    if report.more["dropped"]:
        counts += f", {report.more['dropped']} dropped"
    if report.more["failures"]:
        counts += f", {plural(report.more['failures'], 'failure')} of hooks"
    left = report.more.get("seconds_left")
    return f"{counts} in {report.more.get('capture')}" + (f", {left} s left" if left else "")
