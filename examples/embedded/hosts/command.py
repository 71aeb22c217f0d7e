"""The commands of the embedded cloud on several hosts: python -m examples.embedded hosts up|boot|down."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import click

from examples.embedded.boot import Journal
from examples.embedded.client import Client
from examples.embedded.errors import EmbeddedError
from examples.embedded.hosts import access
from examples.embedded.hosts.cloud import HostsCloud
from examples.embedded.release import RELEASES
from examples.embedded.settling import settle

_STATE = click.option(
    "--state", required=True, type=click.Path(path_type=Path, resolve_path=True), help="The folder of the cloud."
)
_PID = "hosts.pid"
_UP_SECONDS, _DOWN_SECONDS, _LOOK = 900.0, 60.0, 0.1


@click.group()
def hosts() -> None:
    """A Nova on four hosts, as root: api, control, compute1, compute2, each with its own sshd.

    \b
    Example:
      python -m examples.embedded hosts up --state /tmp/hosts
      bootseq record --inventory /tmp/hosts/hosts/inventory.ini -o boot.trace.jsonl.gz -- \\
        python -m examples.embedded hosts boot --state /tmp/hosts vm1
      python -m examples.embedded hosts down --state /tmp/hosts
    """


@hosts.command()
@_STATE
@click.option("--release", type=click.Choice(list(RELEASES)), default="34", show_default=True, help="Nova's release.")
@click.option("--foreground", is_flag=True, help="Stay until Ctrl-C or SIGTERM, which end the cloud.")
def up(state: Path, release: str, foreground: bool) -> None:
    """Start the hosts and their services; print the path of the inventory."""
    with _errors():
        if foreground:
            _stay(state, release)
        else:
            _start(state, release)
            click.echo(state / "hosts" / access.INVENTORY)


def _stay(state: Path, release: str) -> None:
    signal.signal(signal.SIGTERM, _end)
    with HostsCloud(release, state) as cloud, suppress(KeyboardInterrupt):
        (state / _PID).write_text(f"{os.getpid()}\n")
        while True:
            cloud.check()
            time.sleep(1)


def _start(state: Path, release: str) -> None:
    """Start the cloud in a process of its own, and wait for it."""
    command = [sys.executable, "-m", "examples.embedded", "hosts", "up", "--foreground", "--release", release]
    state.parent.mkdir(parents=True, exist_ok=True)
    log = state.with_name(f"{state.name}.log")
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            [*command, "--state", str(state)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + _UP_SECONDS
    while not ((state / _PID).exists() and (state / "hosts" / access.ABOUT).exists()):
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.terminate()
            raise EmbeddedError(f"the hosts do not start: {log.read_text().strip()[-500:]}")
        time.sleep(_LOOK)


@hosts.command()
@_STATE
@click.argument("names", nargs=-1, required=True)
def boot(state: Path, names: tuple[str, ...]) -> None:
    """Boot servers at the same time, from this machine, and wait for their ends; print a JSON object a boot."""
    with _errors():
        about = access.read_about(state / "hosts")
        client = Client(state, Path(about["python"]), about["url"], Journal(state / "journal.jsonl"))
        boots = [pending.wait() for pending in client.start_boot(names)]
        settle(state, boots, [*HostsCloud.computes, "nova-scheduler"])
        for ended in boots:
            click.echo(json.dumps(asdict(ended)))


@hosts.command()
@_STATE
def down(state: Path) -> None:
    """End the services and the hosts; the state folder with the logs stays."""
    with _errors():
        try:
            pid = int((state / _PID).read_text())
            keeper = os.pidfd_open(pid)
        except (FileNotFoundError, ProcessLookupError):
            raise EmbeddedError(f"no cloud runs in {state}") from None
        signal.pidfd_send_signal(keeper, signal.SIGTERM)
        deadline = time.monotonic() + _DOWN_SECONDS
        while Path(f"/proc/{pid}").exists():
            if time.monotonic() > deadline:
                raise EmbeddedError(f"process {pid} does not end")
            time.sleep(_LOOK)
        (state / _PID).unlink()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except EmbeddedError as error:
        click.echo(f"embedded: {error}", err=True)
        sys.exit(2)


def _end(number: int, frame: FrameType | None) -> None:
    """Exit by an exception, so that the cloud is stopped on the way out."""
    sys.exit(0)
