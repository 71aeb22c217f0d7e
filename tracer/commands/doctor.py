"""``bootseq doctor``: the services that can be traced here, and for the others the reason and the fix."""

from __future__ import annotations

import click

from tracer.attach import discovery, eligibility, processes
from tracer.attach.eligibility import ProcessReport, report_of
from tracer.commands import process_reports


@click.command()
@process_reports.json_option
def doctor(as_json: bool) -> None:
    """Report for this machine, and each OpenStack service on it, whether bootseq can attach.

    \b
    Example:
      bootseq doctor
    """
    lines = [*eligibility.of_machine(), *(_of(process) for process in processes.services())]
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
    if as_json:
        process_reports.as_json(lines)
        return
    process_reports.print_grouped(lines)


def _of(process: processes.Process) -> ProcessReport:
    recording = discovery.recording(process)
    if recording is not None:
        return report_of(process, "attached", f"records into {recording.spool.inner}")
    return eligibility.of_process(process)
