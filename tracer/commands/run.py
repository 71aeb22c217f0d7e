"""``bootseq run``: a command, and the processes it starts, with hooks from the start."""

from __future__ import annotations

from pathlib import Path

import click

from tracer.commands import options
from tracer.commands.options import PATH
from tracer.recording import call_points, capture, launch


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    metavar="CAPTURE",
    help="Folder to record into; several commands may share one.",
)
@options.echo_option
@options.ask_option
@options.points_option
@options.cap_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    output: Path, echo: bool, ask: tuple[str, ...], point_files: tuple[Path, ...], cap: int, command: tuple[str, ...]
) -> None:
    """Start COMMAND, and the processes it starts, with the hooks installed.

    COMMAND replaces this process: process id, output and exit code are its own.

    \b
    Example:
      bootseq run -o cap -- nova-conductor --config-file /etc/nova/nova.conf
      bootseq run -o cap -- openstack server create --image cirros --flavor m1.tiny --nic none vm1
    """
    launch.check(list(command))
    compiled = call_points.load(list(point_files))
    capture.make(output, points=compiled, ask=list(ask) or ["ask"], echo=echo, cap=cap << 20)
    launch.become(list(command), output)
