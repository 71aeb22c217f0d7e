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
from examples.embedded.release import RELEASES


@click.group()
def main() -> None:
    """A real Nova on this machine without root, broker, database server or hypervisor."""


@main.command()
@click.option("--release", type=click.Choice(list(RELEASES)), default="34", show_default=True, help="Nova's release.")
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="An empty folder for logs, messages, databases. [default: a new one]",
)
@click.option("--capture", type=click.Path(path_type=Path), help="Start all under `bootseq run -o CAPTURE`.")
@click.option(
    "--bootseq", type=click.Path(path_type=Path), help="The bootseq to use. [default: the one beside this Python]"
)
@click.option("--run-option", multiple=True, help="One more argument for `bootseq run`; may be repeated.")
@click.option(
    "--threads",
    type=click.Choice(["default", "native", "eventlet"]),
    default="default",
    help="What Nova's services run on.",
)
@click.option("--echo", is_flag=True, help="Nova's logs show each SQL statement.")
@click.option("--servers", type=click.IntRange(1), default=1, show_default=True, help="How many servers to boot.")
@click.option("--at-once", is_flag=True, help="All servers at the same moment, not one after the other.")
@click.option("--no-valid-host", is_flag=True, help="Ask for a flavor that fits on no host.")
@click.option("--spawn-delay", type=float, default=0, help="Seconds that the hypervisor takes to spawn a server.")
def boot(state: Path | None, servers: int, at_once: bool, no_valid_host: bool, **options: Any) -> None:
    """Start a cloud, boot servers on it, stop it; print a JSON object a boot.

    Example: python -m examples.embedded boot --release 34 --state /tmp/nova34 --servers 2 --at-once
    """
    signal.signal(signal.SIGTERM, _end)
    state = state or Path(tempfile.mkdtemp(prefix="nova-"))
    click.echo(f"state in {state}", err=True)
    options["run_options"] = options.pop("run_option")
    names = [f"vm{number}" for number in range(1, servers + 1)]
    try:
        with EmbeddedCloud(state=state, **options) as cloud:
            for group in [names] if at_once else [[name] for name in names]:
                for done in cloud.boot_all(group, flavor="huge" if no_valid_host else "m1.tiny"):
                    _print(done)
    except EmbeddedError as error:
        click.echo(f"embedded: {error}", err=True)
        sys.exit(2)


def _print(done: Boot) -> None:
    click.echo(json.dumps(asdict(done)))


def _end(number: int, frame: FrameType | None) -> None:
    """As an exception, so that the cloud is stopped on the way out."""
    sys.exit(128 + number)


if __name__ == "__main__":
    main(prog_name="python -m examples.embedded")
