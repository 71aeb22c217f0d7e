"""How the commands about processes tell their findings: a line each with the reason and the fix, or JSON."""

from __future__ import annotations

from collections.abc import Iterable

import click

from tracer.attach.eligibility import ProcessReport
from tracer.commands import printing

json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


def as_json(findings: Iterable[ProcessReport]) -> None:
    """An array of {pid, service, python, state, reason, fix}, and what a command has beside these."""
    printing.as_json([finding.as_json() for finding in findings])


def tell(finding: ProcessReport, details: str = "") -> None:
    """One line; what needs doing goes to stderr, with the command that does it below."""
    _say(finding, [finding.pid], details)
    _say_fix(finding.fix)


def tell_together(found: Iterable[ProcessReport]) -> None:
    """A line for all processes of a service of which the same holds, and a fix once where it is the next one's too."""
    groups: dict[tuple[str, ...], list[ProcessReport]] = {}
    for each in found:
        groups.setdefault((each.service, each.python, each.state, each.reason, each.fix), []).append(each)
    fix = ""
    for group in groups.values():
        if fix != group[0].fix:
            _say_fix(fix)
        _say(group[0], [each.pid for each in group])
        fix = group[0].fix
    _say_fix(fix)


def _say(finding: ProcessReport, pids: list[int], details: str = "") -> None:
    who = f"{finding.service} (pid {', '.join(map(str, pids))})" if any(pids) else finding.service
    python = f", Python {finding.python}" if finding.python else ""
    said = "; ".join(part for part in (finding.reason, details) if part)
    printing.out(f"{who}{python}: {finding.state}{': ' if said else ''}{said}")


def _say_fix(fix: str) -> None:
    if fix:
        printing.out(f"    {fix}")
