"""``bootseq record``: what does this cloud do when I run this? Attach, run, follow, detach, write, show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click

import diagrams
from tracer import capture, durations, launch, points, store
from tracer.attach import detach as detaching
from tracer.attach.attaching import Attachment
from tracer.attach.checks import Finding
from tracer.attach.following import Following
from tracer.commands import recording
from tracer.commands.paths import PATH
from tracer.commands.progress import Progress, progress
from tracer.errors import TracerError
from tracer.model import Trace
from tracer.text import plural, printable


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-o", "--output", type=PATH, required=True, metavar="FILE", help="Trace file to write.")
@click.option(
    "--for", "duration", default="10m", show_default=True, metavar="TIME",
    help="How long to wait for servers, and how long the hooks may stay should this command die.",
)  # fmt: skip
@click.option("--echo", is_flag=True, help="Switch on SQLAlchemy's own SQL echo in the services' logs meanwhile.")
@click.option("--keep", is_flag=True, help="Keep what was recorded too, with ask.log, in the folder FILE.capture.")
@recording.points_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def record(
    output: Path, duration: str, echo: bool, keep: bool, point_files: tuple[Path, ...], command: tuple[str, ...]
) -> None:  # fmt: skip
    """Attach to all OpenStack services here, run COMMAND, wait until the servers it asked for are active, in error or
    gone, detach, and write and show what happened.

    Ctrl-C ends it early: the hooks go, and what was recorded is written. The exit code is COMMAND's.

    \b
    Example:
      bootseq record -o boot.trace.jsonl.gz -- openstack server create --image cirros --flavor m1.tiny --nic none vm1
    """
    seconds = durations.seconds(duration)
    launch.check(list(command))
    if output.is_dir():  # told before services are entered, not after the boot
        raise TracerError(f"{output}: cannot be written: a folder, not a file")
    folder = output.with_name(f"{output.name}.capture").resolve()
    capture.make(folder, points=points.load(list(point_files)), ask=["ask"], echo=echo)
    following = Following(Attachment(folder, seconds), _told)
    try:
        if not [finding for finding in following.attach() if finding.state == "attached"]:
            raise TracerError("no OpenStack service here could be entered; see why: bootseq doctor")
        code = _run(list(command), folder, following, seconds)
    finally:
        detached = detaching.detach(folder)
    _say_what_stayed(detached)
    trace = following.trace()
    store.write(output, trace)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    _show(output, trace, following)
    sys.exit(code)


def _run(command: list[str], folder: Path, following: Following, seconds: float) -> int:
    """The command's exit code; 130 where the user had enough."""
    process = subprocess.Popen(command, env=launch.environment(dict(os.environ), folder))
    try:
        code = process.wait()
        with progress() as doing:
            _follow(following, seconds, doing)
    except KeyboardInterrupt:
        click.echo("bootseq: ended early; writing what there is", err=True)
        process.wait()
        return 130
    return code


def _follow(following: Following, seconds: float, doing: Progress) -> None:
    if not following.wait(seconds, doing):
        click.echo(f"bootseq: not over after {seconds:.0f} s; writing what there is", err=True)


def _told(finding: Finding) -> None:
    if finding.state != "attached":
        click.echo(
            printable(f"bootseq: {finding.service} (pid {finding.pid}) is not recorded: {finding.reason}"), err=True
        )


def _say_what_stayed(findings: list[Finding]) -> None:
    for finding in findings:
        if finding.state != "detached" or finding.reason:
            click.echo(printable(f"bootseq: {finding.service} (pid {finding.pid}): {finding.reason}"), err=True)
    proved = sum(bool(finding.more.get("proved")) for finding in findings)
    click.echo(f"bootseq: detached from {plural(len(findings), 'process', 'processes')}, {proved} proved", err=True)


def _show(output: Path, trace: Trace, following: Following) -> None:
    for warning in trace.warnings:
        click.echo(f"bootseq: warning: {printable(warning)}", err=True)
    for boot in following.asked(trace):
        click.echo(diagrams.render(boot, "txt"), nl=False)
    click.echo(
        f"{output}: {plural(len(trace.boots), 'boot')} and {plural(len(trace.others), 'other request')}", err=True
    )
