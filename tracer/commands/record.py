"""``bootseq record``: one command recorded from attach to detach, written as a trace and shown."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

import diagrams
from tracer import times, trace_file
from tracer.attach.attach import Attachment
from tracer.attach.eligibility import ProcessReport
from tracer.commands import options, printing, process_reports, signals
from tracer.commands.host_options import HostChoice, connected, host_options
from tracer.commands.options import PATH
from tracer.commands.progress import Progress, progress
from tracer.errors import TracerError
from tracer.files import folder, write
from tracer.model import Trace
from tracer.recording import call_points, capture, launch
from tracer.recording.follow import Following, Services
from tracer.recording.local_services import LocalServices
from tracer.sources.hooks import segments
from tracer.text import command, plural

#: The exit code where the command succeeded, and a host was lost meanwhile.
_HOST_LOST = 3
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
@host_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def record(
    output: Path, duration: str, echo: bool, keep: bool, force: bool, point_files: tuple[Path, ...],
    command: tuple[str, ...], hosts: HostChoice,
) -> None:  # fmt: skip
    """Attach to all OpenStack services on this machine, or on the hosts of an inventory, run COMMAND here, wait until
    the servers it creates are active, in error or deleted, detach, and write and show the trace.

    Ctrl-C ends it early: the hooks are removed and the trace so far is written. The exit code is COMMAND's, after
    Ctrl-C 130; it is 3 if COMMAND succeeded and a host was lost meanwhile.

    \b
    Examples:
      bootseq record -o boot.trace.jsonl.gz -- openstack server create --image cirros --flavor m1.tiny --nic none vm1
      bootseq record -o boot.trace.jsonl.gz --inventory multinode --become -- openstack server create … vm1
      bootseq record -o boot.trace.jsonl.gz --host ssh://ops@ctl1 --host ssh://ops@cmp1 --become -- openstack …
    """
    seconds = times.seconds(duration)
    launch.check(list(command))
    write.check(output, replace=force)  # before services are entered, not after the boot
    folder = _make_folder(output, keep=keep)
    try:
        capture.make(folder, points=call_points.load(list(point_files)), ask=["ask"], echo=echo)
        with services_of(hosts, Attachment(folder, seconds, lasting=False)) as services:
            following = Following(services)
            code, detached = _record(list(command), services, following, seconds, _aside(output))
        trace = following.trace()
        trace_file.write(output, trace, replace=force)
    except BaseException:
        _leave_folder(folder, output)
        raise
    if not keep:
        _remove_folder(folder)
    process_reports.note_detached(detached)
    _show(output, trace, following)
    sys.exit(code or (_HOST_LOST if services.lost() else 0))


@contextmanager
def services_of(hosts: HostChoice, attachment: Attachment) -> Iterator[Services]:
    """Yield the services of this machine, or of the chosen hosts with an agent on each."""
    if not hosts:
        yield LocalServices(attachment, _report_refusal)
        return
    from tracer.hosts.services import HostServices

    with connected(hosts) as cluster:
        services = HostServices(cluster, attachment.capture, capture.options(attachment.capture), _report_refusal)
        services.begin()
        yield services


def _aside(output: Path) -> int | None:
    """Return the descriptor for the command's own output if stdout is the trace's."""
    return sys.stderr.fileno() if write.descriptor(output) == printing.STDOUT else None


def _record(
    command: list[str], services: Services, following: Following, seconds: float, stdout: int | None
) -> tuple[int, list[ProcessReport]]:
    """Return the command's exit code and the reports of the services, which are always detached."""
    try:
        if not [report for report in services.attach() if report.state == "attached"]:
            raise TracerError("cannot attach to any OpenStack service here; for the reasons run: bootseq doctor")
        code = _run(command, services.capture, following, seconds, stdout)
    finally:
        with signals.deferred():
            detached = services.detach()
            services.close()
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
        printing.note(f"{process_reports.subject(report)} is not recorded: {report.reason}")


def _show(output: Path, trace: Trace, following: Following) -> None:
    for warning in trace.warnings:
        printing.note(f"warning: {warning}")
    if write.descriptor(output) != printing.STDOUT:
        for boot in following.command_boots(trace):
            printing.lines(diagrams.render(boot, "txt"))
    printing.say(f"{output}: {plural(len(trace.boots), 'boot')} and {plural(len(trace.others), 'other request')}")


#: Alternatives to the output's own folder; files in both are safe from other users (sticky bit).
_ELSEWHERE = (Path("/var/tmp"), Path("/tmp"))


def _make_folder(output: Path, *, keep: bool) -> Path:
    """Return a new private folder: beside the output if nobody else may write there; with ``keep``, FILE.capture."""
    if keep:
        return _named(output.with_name(f"{output.name}.capture"))
    beside = [output.parent] if output.is_file() or not output.exists() else []
    problem = "no folder of one's own"
    for above in (*beside, *_ELSEWHERE):
        try:
            with folder.fresh(above, f"{output.name[:100].lstrip('-')}.capture-") as new:
                return new.real()
        except OSError as error:
            problem = f"{above}: {error.strerror}"
    raise TracerError(f"cannot make a folder to record into: {problem}; name an output in a folder of your own")


def _named(path: Path) -> Path:
    try:
        with folder.opened(path.parent) as above, above.make(path.name) as new:
            return new.real()
    except FileExistsError:
        raise TracerError(f"{path}: exists; name another output, or omit --keep") from None
    except OSError as error:
        raise TracerError(f"{path}: cannot create a capture: {error.strerror}") from None


def _remove_folder(path: Path) -> None:
    """Remove the folder with the recording; report a failure on stderr."""
    try:
        folder.remove(path)
    except OSError as error:
        printing.note(f"{path}: cannot be removed: {error.strerror}")


def _leave_folder(path: Path, output: Path) -> None:
    """Keep the recording of a trace that could not be written, and report where; remove an empty folder."""
    if segments.recorded(path):
        ingest = command("bootseq", "ingest", "-o", output, path)
        printing.note(f"{path}: the recording is kept there; make the trace with: {ingest}")
    else:
        _remove_folder(path)
