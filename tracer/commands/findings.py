"""How the commands about processes tell their findings: a line each with the reason and the fix, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click

from tracer.attach.checks import Finding
from tracer.text import printable

json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


def as_json(findings: Iterable[Finding]) -> None:
    """An array of {pid, service, python, state, reason, fix}, and what a command has beside these."""
    click.echo(json.dumps([finding.as_json() for finding in findings], indent=1))


def tell(finding: Finding, details: str = "") -> None:
    """One line; what needs doing goes to stderr, with the command that does it below."""
    who = finding.service if not finding.pid else f"{finding.service} (pid {finding.pid})"
    python = f", Python {finding.python}" if finding.python else ""
    said = "; ".join(part for part in (finding.reason, details) if part)
    click.echo(printable(f"{who}{python}: {finding.state}{': ' if said else ''}{said}"))
    if finding.fix:
        click.echo(printable(f"    {finding.fix}"))
