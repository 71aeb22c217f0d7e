"""The switches of independent witnesses: MariaDB's general log, libvirtd's debug log, RabbitMQ's firehose."""

import subprocess
from pathlib import Path

from examples.cloud.database import execute
from examples.cloud.errors import CloudError
from examples.cloud.hypervisor import QUIET, WITNESS, filter_log
from examples.cloud.options import services_of
from examples.cloud.plan import Plan

SWITCHED = ("mariadb", "libvirtd", "rabbitmq")


def witness_files(plan: Plan) -> dict[str, Path]:
    """Return each witness's file. The firehose has none: its messages are sent to the exchange amq.rabbitmq.trace."""
    files = {
        "mariadb": plan.log("mariadb-general"),
        "mariadb-connections": plan.log("mariadb-connections"),
        "libvirtd": plan.log("libvirtd"),
    }
    return files | {name: plan.log(f"{name}-access") for name in applications(plan)}


def applications(plan: Plan) -> list[str]:
    """Return the services that write access lines."""
    return [service.name for service in services_of(plan) if service.module]


def switch(plan: Plan, name: str, on: bool) -> None:
    """Switch a witness while all services run; access lines are always written."""
    if name == "mariadb":
        # The log names a connection's user only when it opens; these are open already.
        connections = execute(plan, "SELECT id, user, host FROM information_schema.processlist")
        with plan.log("mariadb-connections").open("a") as file:
            file.write(connections)
        execute(plan, f"SET GLOBAL general_log = {int(on)}")
    elif name == "libvirtd":
        filter_log(plan, WITNESS if on else QUIET)
    else:
        _trace(plan, on)


def _trace(plan: Plan, on: bool) -> None:
    command = [str(plan.state / "bin" / "rabbitmqctl"), "--quiet", "trace_on" if on else "trace_off"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CloudError(f"rabbitmqctl failed: {' '.join((done.stderr or done.stdout).split())[:300]}")
