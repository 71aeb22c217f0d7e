"""``bootseq record``: one command recorded from attach to detach, written as a trace and shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

import diagrams
from tracer import durations, trace_file
from tracer.attach import detach as detaching
from tracer.attach.attach import Attachment
from tracer.attach.eligibility import ProcessReport
from tracer.commands import options, printing, record_folder, signals
from tracer.commands.options import PATH
from tracer.commands.progress import Progress, progress
from tracer.errors import TracerError
from tracer.files import write
from tracer.model import Trace
from tracer.recording import call_points, capture, launch
from tracer.recording.follow import Following
from tracer.text import plural

#: Seconds for the command to end.
_PATIENCE = 10.0


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "-o", "--output", type=PATH, required=True, metavar="FILE",
    help="Trace file to write; it must not exist yet.",
)  # fmt: skip
@click.option(
    "--for", "duration", default="10m", show_default=True, metavar="TIME",
    help="Maximum time to wait for servers, after which the hooks are removed.",
)  # fmt: skip
@click.option("--echo", is_flag=True, help="Switch on SQLAlchemy's own SQL echo in the services' logs while recording.")
@click.option(
    "--keep", is_flag=True,
    help="Keep the capture too, with ask.log, in FILE.capture, a folder that must not exist yet.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it is a regular file of your own.")
@options.points_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def record(
    output: Path, duration: str, echo: bool, keep: bool, force: bool, point_files: tuple[Path, ...],
    command: tuple[str, ...],
) -> None:  # fmt: skip
    """Attach to all OpenStack services on this machine, run COMMAND, wait until the servers it creates are active, in
    error or deleted, detach, and write and show the trace.

    Ctrl-C ends it early: the hooks are removed and the trace so far is written. The exit code is COMMAND's, after
    Ctrl-C 130.

    \b
    Example:
      bootseq record -o boot.trace.jsonl.gz -- openstack server create --image cirros --flavor m1.tiny --nic none vm1
    """
    seconds = durations.seconds(duration)
    launch.check(list(command))
    write.check(output, replace=force)  # before services are entered, not after the boot
    folder = record_folder.make(output, keep=keep)
    try:
        capture.make(folder, points=call_points.load(list(point_files)), ask=["ask"], echo=echo)
        following = Following(Attachment(folder, seconds, lasting=False), _report_refusal)
        code, detached = _record(list(command), folder, following, seconds, _aside(output))
        trace = following.trace()
        trace_file.write(output, trace, replace=force)
    except BaseException:
        record_folder.leave(folder, output)
        raise
    if not keep:
        record_folder.remove(folder)
    _report_detached(detached)
    _show(output, trace, following)
    sys.exit(code)


def _aside(output: Path) -> int | None:
    """Return the descriptor for the command's own output if stdout is the trace's."""
    return sys.stderr.fileno() if write.descriptor(output) == printing.STDOUT else None


def _record(
    command: list[str], folder: Path, following: Following, seconds: float, stdout: int | None
) -> tuple[int, list[ProcessReport]]:
    """Return the command's exit code and the reports of the services, which are always detached."""
    try:
        if not [report for report in following.attach() if report.state == "attached"]:
            raise TracerError("cannot attach to any OpenStack service here; for the reasons run: bootseq doctor")
        code = _run(command, folder, following, seconds, stdout)
    finally:
        with signals.deferred():
            detached = detaching.detach(folder)
            following.close()
    return code, detached


def _run(command: list[str], folder: Path, following: Following, seconds: float, stdout: int | None) -> int:
    """Return the command's exit code, or the signal's if the user ended it early."""
    process = subprocess.Popen(command, stdout=stdout, env=launch.environment(dict(os.environ), folder))
    try:
        code = process.wait()
        with progress() as doing:
            _follow(following, seconds, doing)
    except KeyboardInterrupt as error:
        printing.note("ended early; writing the trace so far")
        _end(process, signals.code(error))
        return signals.code(error)
    return code


def _end(process: subprocess.Popen[bytes], code: int) -> None:
    """Wait for the command, which receives a terminal's Ctrl-C too; pass other signals on to it."""
    if code != signals.INTERRUPTED:
        process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()


def _follow(following: Following, seconds: float, doing: Progress) -> None:
    if not following.wait(seconds, doing):
        printing.note(f"not over after {seconds:.0f} s; writing the trace so far")


def _report_refusal(report: ProcessReport) -> None:
    if report.state != "attached":
        printing.note(f"{report.service} (pid {report.pid}) is not recorded: {report.reason}")


def _report_detached(reports: list[ProcessReport]) -> None:
    for report in reports:
        if report.state != "detached" or report.reason:
            printing.note(f"{report.service} (pid {report.pid}): {report.reason}")
    proved = sum(bool(report.more.get("proved")) for report in reports)
    printing.note(f"detached from {plural(len(reports), 'process', 'processes')}, {proved} proved")


def _show(output: Path, trace: Trace, following: Following) -> None:
    for warning in trace.warnings:
        printing.note(f"warning: {warning}")
    if write.descriptor(output) != printing.STDOUT:
        for boot in following.command_boots(trace):
            printing.lines(diagrams.render(boot, "txt"))
    printing.say(f"{output}: {plural(len(trace.boots), 'boot')} and {plural(len(trace.others), 'other request')}")
