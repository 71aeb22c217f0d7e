"""``bootseq attach``: the hooks into processes that run already."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tracer import durations
from tracer.attach import processes
from tracer.attach.attach import Attachment
from tracer.attach.eligibility import ProcessReport
from tracer.attach.processes import Process
from tracer.callbacks import ignore
from tracer.commands import process_reports, recording
from tracer.commands.paths import PATH
from tracer.errors import TracerError
from tracer.recording import call_points, capture


@click.command()
@click.option("--pid", "pids", type=int, multiple=True, metavar="N", help="This process; may be given several times.")
@click.option(
    "--service", "services", multiple=True, metavar="NAME",
    help="Processes that run this service: nova-compute, keystone, 'neutron-*'.",
)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Every OpenStack service on this machine.")
@click.option("-o", "--output", type=PATH, required=True, metavar="CAPTURE", help="Folder to record into.")
@click.option(
    "--for",
    "duration",
    default="10m",
    show_default=True,
    metavar="TIME",
    help="The hooks go by themselves after it: 30s, 10m, 2h.",
)
@recording.echo_option
@recording.ask_option
@recording.points_option
@recording.cap_option
@process_reports.json_option
def attach(
    pids: tuple[int, ...], services: tuple[str, ...], everything: bool, output: Path, duration: str, echo: bool,
    ask: tuple[str, ...], point_files: tuple[Path, ...], cap: int, as_json: bool,
) -> None:  # fmt: skip
    """Put the hooks into running processes, to record into CAPTURE.

    They are taken out with `bootseq detach`, and go by themselves when the time is over. Workers that a service forks
    from now on have them too. Exit code 1 says that some process could not be entered; its line says why.

    \b
    Examples:
      bootseq attach --all -o cap
      bootseq attach --service nova-compute --service 'nova-api*' -o cap --for 30m --echo
      bootseq attach --pid 4711 -o cap
    """
    seconds = durations.seconds(duration)
    wanted = _wanted(pids, services, everything)
    capture.make(output, points=call_points.load(list(point_files)), ask=list(ask) or ["ask"], echo=echo, cap=cap << 20)
    on_report = _say if not as_json else ignore
    found = Attachment(output.resolve(), seconds).attach(wanted, on_report)
    if as_json:
        process_reports.as_json(found)
    if any(finding.state != "attached" for finding in found):
        sys.exit(1)


def _wanted(pids: tuple[int, ...], services: tuple[str, ...], everything: bool) -> list[Process]:
    if not pids and not services and not everything:
        raise TracerError("nothing to attach to; say --pid N, --service NAME or --all")
    wanted: dict[int, Process] = {}
    for pid in pids:
        process = processes.read(pid)
        if process is None:
            raise TracerError(f"{pid}: no such process")
        wanted[pid] = process
    for pattern in [*services, *(["*"] if everything else [])]:
        matching = processes.services(pattern)
        if not matching:
            what = "OpenStack service" if pattern == "*" else f"process of {pattern!r}"
            raise TracerError(f"no {what} runs here; see: bootseq doctor")
        wanted |= {process.pid: process for process in matching}
    return [wanted[pid] for pid in sorted(wanted)]


def _say(finding: ProcessReport) -> None:
    details = ""
    if finding.state == "attached":
        longest = max(finding.more["stops_ms"], default=0.0)
        details = f"{finding.more['attributes']} places hooked, stood still for {longest:.1f} ms"
        if finding.more["off"]:
            details += f"; switched off: {', '.join(finding.more['off'])}"
    process_reports.tell(finding, details)
