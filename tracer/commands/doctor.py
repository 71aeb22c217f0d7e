"""``bootseq doctor``: the services that can be traced here, and for the others the reason and the fix."""

from __future__ import annotations

from pathlib import Path

import click

from tracer.attach import discovery, eligibility, processes
from tracer.attach.eligibility import ProcessReport, report_of
from tracer.commands import options, process_reports
from tracer.recording import call_points


@click.command()
@options.points_option
@process_reports.json_option
def doctor(point_files: tuple[Path, ...], as_json: bool) -> None:
    """Report for this machine, and each OpenStack service on it, whether bootseq can attach.

    Call points that match nothing in the services' packages are reported too, with the nearest name.

    \b
    Examples:
      bootseq doctor
      bootseq doctor --points mine.yaml
    """
    points = call_points.load(list(point_files))
    services = processes.services()
    lines = [*eligibility.of_machine(), *(_of(process) for process in services)]
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


def _of(process: processes.Process) -> ProcessReport:
    recording = discovery.recording(process)
    if recording is not None:
        return report_of(process, "attached", f"records into {recording.spool.inner}")
    return eligibility.of_recordable(process)
