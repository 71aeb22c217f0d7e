"""Reports on processes and call points: a line each with the reason and the fix, or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from tracer.attach import packages as attach_packages
from tracer.attach.eligibility import ProcessReport
from tracer.commands import printing
from tracer.recording import call_points, capture, point_check
from tracer.recording.call_points import CallPoint
from tracer.recording.point_check import Unresolved
from tracer.text import plural

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def as_json(reports: Iterable[ProcessReport]) -> None:
    """Print an array of {pid, service, python, state, reason, fix} and the command's own fields."""
    printing.as_json([report.as_json() for report in reports])


def print_report(report: ProcessReport, details: str = "") -> None:
    """Print a report on one line, and the command that fixes it below."""
    _print_line(report, [report.pid], details)
    _print_fix(report.fix)


def print_grouped(reports: Iterable[ProcessReport]) -> None:
    """Print one line for all processes of a service with the same report, and a fix once for adjacent lines."""
    groups: dict[tuple[str, ...], list[ProcessReport]] = {}
    for report in reports:
        host = str(report.more.get("host", ""))
        key = host, report.service, report.python, report.state, report.reason, report.fix
        groups.setdefault(key, []).append(report)
    fix = ""
    for group in groups.values():
        if fix != group[0].fix:
            _print_fix(fix)
        _print_line(group[0], [report.pid for report in group])
        fix = group[0].fix
    _print_fix(fix)


def note_detached(reports: Sequence[ProcessReport]) -> None:
    """Report on stderr the processes that may still have hooks, with the reason, and how many were detached."""
    for report in reports:
        if report.state != "detached" or report.reason:
            printing.note(f"{subject(report)}: {report.reason}")
    processes = [report for report in reports if report.pid]
    proved = sum(bool(report.more.get("proved")) for report in processes)
    printing.note(f"detached from {plural(len(processes), 'process', 'processes')}, {proved} proved")


def subject(report: ProcessReport, pids: Sequence[int] = ()) -> str:
    """Return what a report is about: its service, pids (its own by default), and host."""
    pids = pids or [report.pid]
    who = f"{report.service} (pid {', '.join(map(str, pids))})" if any(pids) else report.service
    host = report.more.get("host", "")
    return f"{host}: {who}" if host and host != who else who


def _print_line(report: ProcessReport, pids: list[int], details: str = "") -> None:
    who = subject(report, pids)
    python = f", Python {report.python}" if report.python else ""
    text = "; ".join(part for part in (report.reason, details) if part)
    printing.out(f"{who}{python}: {report.state}{': ' if text else ''}{text}")


def _print_fix(fix: str) -> None:
    if fix:
        printing.out(f"    {fix}")


def of_points(pids: Iterable[int], points: list[CallPoint]) -> list[ProcessReport]:
    """Check points against the packages of processes.

    A default point may be for a service that does not run here; another point's package has to exist.
    """
    defaults = call_points.load([])
    own = [point for point in points if point not in defaults]
    with ExitStack() as opened:
        every = [opened.enter_context(packages) for packages in attach_packages.of_processes(pids)]
        reports = [
            _report(unresolved, packages.path)
            for packages in every
            for unresolved in point_check.unresolved(packages, points)
        ]
        return reports + [_report(unresolved) for unresolved in point_check.absent(every, own) if every]


def of_captured_points(pids: dict[Path, list[int]]) -> list[ProcessReport]:
    """Check the points of the caller's captures against the packages of the processes that record into them."""
    return [report for path, recording in pids.items() for report in of_points(recording, capture.points(path))]


def _report(unresolved: Unresolved, folder: str = "") -> ProcessReport:
    text = f"{unresolved.module}: {unresolved.name}: {unresolved.reason}"
    text += f"; nearest: {unresolved.nearest}" if unresolved.nearest else ""
    text += f"; searched: {folder}" if folder else ""
    fields = {"module": unresolved.module, "name": unresolved.name, "nearest": unresolved.nearest}
    return ProcessReport(0, "call points", "", "unresolved", text, more=fields)
