"""The command line of the embedded cloud: python -m examples.embedded boot --release 34 --state DIR …"""

import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import click

from examples.embedded.boot import Boot
from examples.embedded.cloud import EmbeddedCloud
from examples.embedded.errors import EmbeddedError
from examples.embedded.hosts.command import hosts
from examples.embedded.one_process import boot_in_one_process
from examples.embedded.release import RELEASES

FOLDER = click.Path(path_type=Path)


@click.group()
def main() -> None:
    """A real Nova on this machine without root, broker, database server or hypervisor."""


@main.command()
@click.option("--release", type=click.Choice(list(RELEASES)), default="34", show_default=True, help="Nova's release.")
@click.option("--mode", type=click.Choice(["processes", "one-process"]), default="processes", show_default=True)
@click.option("--state", type=FOLDER, help="An empty folder for logs, messages, databases. [default: a new one]")
@click.option("--capture", type=FOLDER, help="Start everything under `bootseq run -o CAPTURE`.")
@click.option("--bootseq", type=FOLDER, help="The bootseq to use. [default: the one beside this Python]")
@click.option("--run-option", "run_options", multiple=True, help="An argument for `bootseq run`; may be repeated.")
@click.option(
    "--threads", type=click.Choice(["default", "native", "eventlet"]), default="default", help="Nova's threads."
)
@click.option("--echo", is_flag=True, help="Write each SQL statement to Nova's logs.")
@click.option("--servers", type=click.IntRange(1), default=1, show_default=True, help="How many servers to boot.")
@click.option("--at-once", is_flag=True, help="All servers at the same moment, not one after the other.")
@click.option(
    "--volumes",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="The last N of them boot from a volume; processes only.",
)
@click.option("--no-valid-host", is_flag=True, help="Request a flavor that fits on no host.")
@click.option("--spawn-delay", type=float, default=0, help="Seconds that a spawn takes; processes only.")
@click.option("--driver", type=click.Choice(["libvirt", "fake"]), help="One process only. [default: libvirt]")
def boot(mode: str, state: Path | None, spawn_delay: float, volumes: int, driver: str | None, **options: Any) -> None:
    """Start a Nova, boot servers on it, stop it; print a JSON object a boot.

    Example: python -m examples.embedded boot --release 34 --state /tmp/nova34 --servers 2 --at-once
    """
    if mode == "processes" and driver is not None:
        raise click.UsageError("--driver is for --mode one-process: separate processes run the fake driver")
    if mode == "one-process" and (spawn_delay or volumes):
        raise click.UsageError("--spawn-delay and --volumes are for --mode processes")
    signal.signal(signal.SIGTERM, _end)
    state = state or Path(tempfile.mkdtemp(prefix="nova-"))
    click.echo(f"state in {state}", err=True)
    try:
        if mode == "processes":
            _boot_in_processes(state=state, spawn_delay=spawn_delay, volumes=volumes, **options)
        else:
            _print(boot_in_one_process(state=state, driver=driver or "libvirt", **options))
    except EmbeddedError as error:
        click.echo(f"embedded: {error}", err=True)
        sys.exit(2)


def _boot_in_processes(servers: int, volumes: int, at_once: bool, no_valid_host: bool, **options: Any) -> None:
    names = [f"vm{number}" for number in range(1, servers + 1)]
    flavor = "huge" if no_valid_host else "m1.tiny"
    kinds = [(name, number >= servers - volumes) for number, name in enumerate(names)]
    with EmbeddedCloud(**options) as cloud:
        for group in _groups(kinds, at_once):
            _print(cloud.boot_all([name for name, _ in group], flavor=flavor, from_volume=group[0][1]))


def _groups(kinds: list[tuple[str, bool]], at_once: bool) -> list[list[tuple[str, bool]]]:
    """Return the groups of servers that are requested together: single servers, or all of a kind."""
    if not at_once:
        return [[server] for server in kinds]
    return [group for kind in (False, True) if (group := [server for server in kinds if server[1] is kind])]


def _print(boots: list[Boot]) -> None:
    for ended in boots:
        click.echo(json.dumps(asdict(ended)))


def _end(number: int, frame: FrameType | None) -> None:
    """Exit by an exception, so that the cloud is stopped on the way out."""
    sys.exit(128 + number)


main.add_command(hosts)


if __name__ == "__main__":
    main(prog_name="python -m examples.embedded")
