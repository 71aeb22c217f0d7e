"""``bootseq doctor``: the services that can be traced here, and for the others the reason and the fix."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tracer.attach import eligibility, processes, status
from tracer.attach.eligibility import ProcessReport
from tracer.commands import options, process_reports
from tracer.commands.host_options import HostChoice, host_options, on_hosts
from tracer.recording import call_points


@click.command()
@options.points_option
@host_options
@process_reports.json_option
def doctor(point_files: tuple[Path, ...], as_json: bool, hosts: HostChoice) -> None:
    """Report for this machine, or the hosts of an inventory, and each OpenStack service there, whether bootseq can
    attach. With hosts, the exit code is 1 if one cannot be reached.

    Call points that match nothing in the services' packages are reported too, with the nearest name.

    \b
    Examples:
      bootseq doctor
      bootseq doctor --points mine.yaml
      bootseq doctor --inventory multinode --become --limit 'control:compute'
    """
    if hosts:
        reports, complete = on_hosts(hosts, "doctor")
        process_reports.as_json(reports) if as_json else process_reports.print_grouped(reports)
        sys.exit(0 if complete else 1)
    points = call_points.load(list(point_files))
    services = processes.services()
    lines = [*eligibility.of_machine(), *(status.readiness(process) for process in services)]
    if not any(line.pid for line in lines):
        lines.append(
            ProcessReport(
                0,
                "OpenStack",
                "",
                "none",
                "no service runs here; any Python process: bootseq attach --pid N",
            )
        )
    lines += process_reports.of_points([process.pid for process in services], points)
    if as_json:
        process_reports.as_json(lines)
        return
    process_reports.print_grouped(lines)
