"""Output of process reports: a line each with the reason and the fix, or JSON."""

from __future__ import annotations

from collections.abc import Iterable

import click

from tracer.attach.eligibility import ProcessReport
from tracer.commands import printing

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
        key = report.service, report.python, report.state, report.reason, report.fix
        groups.setdefault(key, []).append(report)
    fix = ""
    for group in groups.values():
        if fix != group[0].fix:
            _print_fix(fix)
        _print_line(group[0], [report.pid for report in group])
        fix = group[0].fix
    _print_fix(fix)


def _print_line(report: ProcessReport, pids: list[int], details: str = "") -> None:
    who = f"{report.service} (pid {', '.join(map(str, pids))})" if any(pids) else report.service
    python = f", Python {report.python}" if report.python else ""
    text = "; ".join(part for part in (report.reason, details) if part)
    printing.out(f"{who}{python}: {report.state}{': ' if text else ''}{text}")


def _print_fix(fix: str) -> None:
    if fix:
        printing.out(f"    {fix}")
