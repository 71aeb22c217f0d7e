"""``bootseq watch``: boots as they happen."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import click

from diagrams.words import steps
from tracer import times, trace_file
from tracer.attach.attach import Attachment
from tracer.attach.eligibility import ProcessReport
from tracer.commands import printing, process_reports, signals, watch_view
from tracer.commands.host_options import HostChoice, host_options
from tracer.commands.options import PATH
from tracer.commands.record import services_of
from tracer.errors import TracerError
from tracer.files import folder, write
from tracer.live import boots
from tracer.recording import call_points, capture
from tracer.recording.follow import PACE, Following, Services
from tracer.recording.local_services import LocalServices
from tracer.sources.hooks import segments
from tracer.text import command, plural

#: Folders that are safe from other users by their sticky bit.
_ABOVE = Path("/var/tmp")


@click.command()
@click.option(
    "-o", "--output", type=PATH, metavar="FILE", help="Trace file to write at the end; it must not exist yet."
)
@click.option("--for", "duration", default="10m", show_default=True, metavar="TIME", help="End after this time.")
@click.option(
    "--join", "joined", type=PATH, metavar="CAPTURE",
    help="Watch what CAPTURE records already, instead of attaching.",
)  # fmt: skip
@host_options
def watch(output: Path | None, duration: str, joined: Path | None, hosts: HostChoice) -> None:
    """Attach to all OpenStack services on this machine, or on the hosts of an inventory, and show boots as they happen.

    On a terminal each boot is a line with its state, step, service, host and seconds, and its open steps below; slow,
    failed and rescheduled ones stand out. Elsewhere a line is printed each time a boot comes into another state.

    Ctrl-C ends it normally: the hooks are removed, with proof, and the trace is written.

    \b
    Examples:
      bootseq watch
      bootseq watch -o boots.trace.jsonl.gz --for 1h
      bootseq watch --join cap | tee boots.txt
    """
    seconds = times.seconds(duration)
    if output is not None:
        write.check(output, replace=False)
    if joined is not None:
        services = LocalServices(Attachment(joined.resolve(), seconds), _report)
        _watch(Following(services), None, seconds)
        _write(output, Following(services))
        return
    with folder.fresh(_ABOVE, "bootseq-watch-") as new:
        path = new.real()
    try:
        capture.make(path, points=call_points.load([]), ask=["ask"], echo=False)
        with services_of(hosts, Attachment(path, seconds, lasting=False)) as everything:
            following = Following(everything)
            _attached(following, everything, seconds)
        _write(output, following)
    except BaseException:
        _leave(path, output)
        raise
    folder.remove(path)


def _attached(following: Following, services: Services, seconds: float) -> None:
    """Watch with the hooks in all services, which are always removed."""
    try:
        if not [report for report in services.attach() if report.state == "attached"]:
            raise TracerError("cannot attach to any OpenStack service here; for the reasons run: bootseq doctor")
        _watch(following, services, seconds)
    finally:
        with signals.deferred():
            reports = services.detach()
            services.close()
    process_reports.note_detached(reports)


def _watch(following: Following, services: Services | None, seconds: float) -> None:
    """Show the boots until the time is over, or a signal ends it; attach to ``services`` that start meanwhile."""
    deadline = time.monotonic() + seconds
    with suppress(KeyboardInterrupt), watch_view.of_terminal() as view:
        while time.monotonic() < deadline:
            begun = time.monotonic()
            view.show(boots.lines(following.trace(), time.time_ns(), steps.title))
            if services is not None:
                services.attach()
            time.sleep(min(max(PACE, time.monotonic() - begun), max(0.0, deadline - time.monotonic())))
        view.show(boots.lines(following.trace(), time.time_ns(), steps.title))


def _write(output: Path | None, following: Following) -> None:
    if output is not None:
        trace = following.trace()
        trace_file.write(output, trace, replace=False)
        printing.done(output, f"{plural(len(trace.boots), 'boot')} and {plural(len(trace.others), 'other request')}")


def _leave(path: Path, output: Path | None) -> None:
    """Keep the recording of a trace that could not be written, and report where; remove it otherwise."""
    if output is not None and segments.recorded(path):
        again = command("bootseq", "ingest", "-o", output, path)
        printing.note(f"{path}: the recording is kept there; make the trace with: {again}")
    else:
        with suppress(OSError):
            folder.remove(path)


def _report(report: ProcessReport) -> None:
    if report.state != "attached":
        printing.note(f"{report.service} (pid {report.pid}) is not watched: {report.reason}")
