"""The command line of the cloud: python -m examples.cloud up --release 34 --state DIR …"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from examples.cloud import actions, boots, lifecycle, shell
from examples.cloud import cycles as cycling
from examples.cloud import idle as idling
from examples.cloud.accuracy import boot as accuracy_boot
from examples.cloud.accuracy import run
from examples.cloud.accuracy import switch as accuracy_switch
from examples.cloud.accuracy.switch import SWITCHED
from examples.cloud.boots import Boot
from examples.cloud.content import GROUP, NETWORK
from examples.cloud.errors import CloudError
from examples.cloud.load import Load, beside
from examples.cloud.options import OPTIONS, processes_of
from examples.cloud.plan import PORTS, Plan, load_plan
from examples.cloud.process import Process
from examples.embedded.errors import EmbeddedError
from examples.embedded.release import RELEASES

STATE = click.option(
    "--state",
    type=click.Path(path_type=Path),
    default=Path("/var/tmp/bootseq-cloud"),
    show_default=True,
    help="The folder of all its files.",
)


def _of_a_boot(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a server to create, whose values are a Boot's."""
    volume = click.option(
        "--volume",
        "volumes",
        type=click.Choice(boots.VOLUMES),
        multiple=True,
        help="Its root disk as a volume from the image, from a snapshot, or an existing one; or a blank second disk. "
        "[may be repeated]",
    )
    network = click.option("--network", default="none", show_default=True, help=f"none, or {NETWORK}, which exists.")
    port = click.option("--port", is_flag=True, help=f"A port on {NETWORK}, created beforehand.")
    group = click.option("--security-group", "group", default="", metavar="NAME", help=f"Its port's, such as {GROUP}.")
    guest = click.option("--guest", is_flag=True, help="The guest that really runs, of up --guest.")
    return network(port(group(volume(guest(command)))))


@click.group()
def main() -> None:
    """A real all-in-one OpenStack cloud on this machine, on the loopback only. Needs root."""


@main.command()
@STATE
@click.option("--release", type=click.Choice(list(RELEASES)), default="34", show_default=True, help="Nova's release.")
@click.option(
    "--port-base",
    type=click.IntRange(1024, 64000),
    default=15000,
    show_default=True,
    help="Keystone's port; the others follow.",
)
@click.option(
    "--threads", type=click.Choice(["default", "native", "eventlet"]), default="default", help="Nova's threads."
)
@click.option(
    "--volumes",
    type=click.Choice(list(OPTIONS["volumes"])),
    default="none",
    show_default=True,
    help="No Cinder, or Cinder with volumes on Ceph, or as files on a share.",
)
@click.option(
    "--networks",
    type=click.Choice(list(OPTIONS["networks"])),
    default="local",
    show_default=True,
    help="Ports without a network, Open vSwitch with an agent (the firewall its own, or iptables'), or OVN.",
)
@click.option("--guest", is_flag=True, help="Add the image of a guest that really runs.")
@click.option("--echo", is_flag=True, help="Write each SQL statement to the services' logs.")
@click.option(
    "--wrap",
    default="",
    metavar="COMMAND",
    help="Start the services under it, such as 'bootseq run -o CAPTURE --'.",
)
def up(state: Path, **options: object) -> None:
    """Start the cloud and wait until it can boot servers; running services are left alone.

    Example: python -m examples.cloud up --release 34 --state /var/tmp/cloud34
    """
    if os.geteuid() != 0:
        raise CloudError("the cloud needs root: it installs packages, mounts folders and plugs network devices")
    plan = lifecycle.up(state, **options)
    click.echo(f"Nova {plan.release} is up. To use it: . {plan.state}/openrc", err=True)


@main.command()
@STATE
def down(state: Path) -> None:
    """Stop every process and domain of the cloud; its files remain."""
    lifecycle.down(state)


@main.command()
@STATE
@click.option("--json", "as_json", is_flag=True, help="As an array of objects.")
def status(state: Path, as_json: bool) -> None:
    """Show its processes; exit code 1 if one of them does not run."""
    plan = load_plan(state)
    rows = [_row(plan, name) for name in processes_of(plan)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        for row in rows:
            click.echo(f"{row['name']:16} {row['pid'] or 'down':>8} {row['port'] or '':>6}  {row['log']}")
    sys.exit(0 if all(row["pid"] for row in rows) else 1)


@main.command()
@STATE
@_of_a_boot
@click.argument("name")
def boot(state: Path, **wanted: Any) -> None:
    """Create a server by the openstack client and wait until it is active.

    Example: python -m examples.cloud boot vm1 --volume snapshot --volume blank --port --security-group web
    """
    sys.exit(boots.create(load_plan(state), Boot(**wanted)))


@main.command("do")
@STATE
@click.argument("action", type=click.Choice(list(actions.ACTIONS)))
@click.argument("server")
@click.argument("thing", default="")
def do(state: Path, action: str, server: str, thing: str) -> None:
    """Change a server by the openstack client and wait for the effect.

    THING is a volume to attach or detach, a port's id, a flavor to resize to, an image to rebuild from. Without it, a
    new blank volume or a new port is attached, and the last one detached.

    Example: python -m examples.cloud do attach-volume vm1
    """
    sys.exit(actions.act(load_plan(state), action, server, thing))


@main.command()
@STATE
def env(state: Path) -> None:
    """Print the settings for a shell to use the cloud: eval "$(python -m examples.cloud env)"."""
    click.echo(shell.openrc(load_plan(state)), nl=False)


@main.command()
@STATE
@click.option(
    "--seconds", type=click.FloatRange(0), default=60, show_default=True, help="Start no new server after that."
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Servers at the same time.")
@click.option("--network/--no-network", help="Servers with a port.")
def load(state: Path, seconds: float, workers: int, network: bool) -> None:
    """Boot and delete servers in a loop; print the failures as a JSON object; exit code 1 if there were any."""
    load = Load(load_plan(state), network)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: load.stop.set())
    tally = load.run(seconds, workers)
    click.echo(json.dumps(tally.as_dict(), indent=2))
    sys.exit(1 if tally.failed else 0)


@main.command("cycles")
@STATE
@click.option("--cycles", type=click.IntRange(1), default=50, show_default=True, help="Cycles for each service.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Workers of the load meanwhile.")
def attach_and_detach(state: Path, cycles: int, workers: int) -> None:
    """Attach and detach each of Nova's services repeatedly, under a load; exit code 1 after any fault."""
    rows, tally, restarted = cycling.run(load_plan(state), cycles, workers)
    click.echo(cycling.table(rows, tally, restarted))
    wrong = any(row.failed or row.unproved for row in rows)
    sys.exit(1 if wrong or restarted or tally.failed else 0)


@main.command()
@STATE
@click.option("--seconds", type=click.FloatRange(1), default=60, show_default=True, help="Duration of a measurement.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Measurements of each kind.")
def idle(state: Path, seconds: float, rounds: int) -> None:
    """Measure the CPU of services that nobody uses, without and with hooks; print each one's median share."""
    load_plan(state)
    click.echo(idling.table(idling.run(seconds, rounds)))


@main.command()
@STATE
@click.argument("switch", type=click.Choice(["on", "off"]))
@click.option("--only", type=click.Choice(SWITCHED), help="Switch only this one. [default: mariadb and libvirtd]")
def witness(state: Path, switch: str, only: str | None) -> None:
    """Switch MariaDB's general log, libvirtd's debug log, RabbitMQ's tracing; print where each witness writes."""
    plan = load_plan(state)
    for name in [only] if only else SWITCHED[:2]:
        accuracy_switch.switch(plan, name, switch == "on")
    click.echo(json.dumps({name: str(path) for name, path in accuracy_switch.witness_files(plan).items()}, indent=2))


@main.command("truth")
@STATE
@click.option("--capture", type=click.Path(path_type=Path), help="The capture to which the services already record.")
@_of_a_boot
@click.option(
    "--workers", type=click.IntRange(0), default=0, show_default=True, help="Workers of a load meanwhile, with ports."
)
@click.option(
    "--again",
    metavar="SERVER",
    help="Use this server's witnessed boot, not a new one.",
)
def check_truth(state: Path, capture: Path | None, workers: int, again: str | None, **wanted: Any) -> None:
    """Boot a server under hooks and compare its tree with independent witnesses; exit code 1 if anything is missing.

    The boot is recorded by `bootseq record`; where the services record already, by `up --wrap 'bootseq run -o CAPTURE
    --'` or because bootseq is attached to them, what they record is taken.
    """
    plan = load_plan(state)
    name = again or f"truth-{int(time.time())}"
    how, folder = accuracy_boot.recorded(plan, name)
    if capture or plan.wrap:
        folder = capture or run.capture_of(plan)
        how = ["run", "-o", str(folder)]
    if again is None:
        with beside(plan, workers, network=True) if workers else nullcontext():
            accuracy_boot.record(plan, how, Boot(name, **wanted))
    boot, agreements = run.check(plan, folder, name)
    for line in run.report(boot, agreements):
        click.echo(line)
    sys.exit(1 if any(agreement.missed for agreement in agreements) else 0)


def _row(plan: Plan, name: str) -> dict[str, object]:
    process = Process(plan, name)
    return {"name": name, "pid": process.pid(), "port": plan.port(name) if name in PORTS else None, "log": process.logs}


def _guarded(command: Callable[[], object]) -> None:
    try:
        command()
    except (CloudError, EmbeddedError) as error:
        click.echo(f"cloud: {error}", err=True)
        sys.exit(2)
    except PermissionError as error:
        click.echo(f"cloud: no right to {error.filename or 'signal its processes'}: the cloud needs root", err=True)
        sys.exit(2)


if __name__ == "__main__":
    _guarded(lambda: main(prog_name="python -m examples.cloud"))
