"""``bootseq attach``: hooks for running processes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from tracer import times
from tracer.attach import processes
from tracer.attach.attach import Attachment
from tracer.attach.eligibility import ProcessReport
from tracer.attach.processes import Process
from tracer.callbacks import ignore
from tracer.commands import options, process_reports
from tracer.commands.host_options import HostChoice, connected, host_options
from tracer.commands.options import PATH
from tracer.errors import TracerError
from tracer.recording import call_points
from tracer.recording import capture as captures


@click.command()
@click.option("--pid", "pids", type=int, multiple=True, metavar="N", help="Attach to this process; repeatable.")
@click.option(
    "--service", "services", multiple=True, metavar="NAME",
    help="Attach to the processes of this service: nova-compute, keystone, 'neutron-*'; repeatable.",
)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Attach to every OpenStack service on this machine.")
@click.option("-o", "--output", type=PATH, required=True, metavar="CAPTURE", help="Folder to record into.")
@click.option(
    "--for",
    "duration",
    default="10m",
    show_default=True,
    metavar="TIME",
    help="Remove the hooks after this time: 30s, 10m, 2h.",
)
@options.echo_option
@options.ask_option
@options.points_option
@options.cap_option
@host_options
@process_reports.json_option
def attach(
    pids: tuple[int, ...], services: tuple[str, ...], everything: bool, output: Path, duration: str, echo: bool,
    ask: tuple[str, ...], point_files: tuple[Path, ...], cap: int, as_json: bool, hosts: HostChoice,
) -> None:  # fmt: skip
    """Install the hooks in running processes, which then record into CAPTURE.

    `bootseq detach` removes the hooks; when the time is over they remove themselves. Workers that a service forks later
    have them too. The exit code is 1 if bootseq could not attach to a process; its line gives the reason. With hosts,
    `bootseq detach` with the same hosts fetches what was recorded into CAPTURE.

    \b
    Examples:
      bootseq attach --all -o cap
      bootseq attach --service nova-compute --service 'nova-api*' -o cap --for 30m --echo
      bootseq attach --pid 4711 -o cap
      bootseq attach --all -o cap --inventory multinode --become
    """
    seconds = times.seconds(duration)
    if hosts and pids:
        raise TracerError("--pid: processes of hosts are chosen by --service NAME or --all")
    wanted = _wanted(pids, services, everything) if not hosts else []
    captures.make(
        output, points=call_points.load(list(point_files)), ask=list(ask) or ["ask"], echo=echo, cap=cap << 20
    )
    on_report = _print_report if not as_json else ignore
    if hosts:
        patterns = [*services, *(["*"] if everything else [])]
        reports = _attach_hosts(hosts, output.resolve(), patterns, seconds, on_report)
    else:
        reports = Attachment(output.resolve(), seconds).attach(wanted, on_report)
    if as_json:
        process_reports.as_json(reports)
    if any(report.state != "attached" for report in reports):
        sys.exit(1)


def _attach_hosts(
    hosts: HostChoice, capture: Path, services: list[str], seconds: float, on_report: Callable[[ProcessReport], object]
) -> list[ProcessReport]:
    from tracer.hosts.services import HostServices

    if not services:
        raise TracerError("nothing to attach to; pass --service NAME or --all")
    with connected(hosts) as cluster:
        running = HostServices(cluster, capture, captures.options(capture), on_report, services, seconds)
        running.begin()
        reports = running.attach()
        running.close()
    if not reports:
        raise TracerError("no such service runs there; see: bootseq doctor with the same hosts")
    return reports


def _wanted(pids: tuple[int, ...], services: tuple[str, ...], everything: bool) -> list[Process]:
    if not pids and not services and not everything:
        raise TracerError("nothing to attach to; pass --pid N, --service NAME or --all")
    wanted: dict[int, Process] = {}
    for pid in pids:
        process = processes.read(pid)
        if process is None:
            raise TracerError(f"{pid}: no such process")
        wanted[pid] = process
    for pattern in [*services, *(["*"] if everything else [])]:
        matching = processes.services(pattern)
        if not matching:
            missing = "OpenStack service" if pattern == "*" else f"process of {pattern!r}"
            raise TracerError(f"no {missing} runs here; see: bootseq doctor")
        wanted |= {process.pid: process for process in matching}
    return [wanted[pid] for pid in sorted(wanted)]


def _print_report(report: ProcessReport) -> None:
    details = ""
    if report.state == "attached" and not report.more.get("host"):
        longest = max(report.more["stops_ms"], default=0.0)
        details = f"{report.more['attributes']} attributes patched, paused for {longest:.1f} ms"
        if report.more["off"]:
            details += f"; switched off: {', '.join(report.more['off'])}"
    process_reports.print_report(report, details)
