"""The use of the cloud from a shell: DIR/openrc, and DIR/bin with the commands for this cloud only."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from examples.cloud.broker import PROGRAMS, broker_variables
from examples.cloud.database import client_options
from examples.cloud.hypervisor import connection
from examples.cloud.packages import find_command
from examples.cloud.plan import REGION, Plan


def client_variables(plan: Plan) -> dict[str, str]:
    """Return the variables that openstackclient reads."""
    return {
        "OS_AUTH_URL": plan.url("keystone"),
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": "admin",
        "OS_PASSWORD": plan.secret,
        "OS_PROJECT_NAME": "admin",
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": REGION,
        "OS_COMPUTE_API_VERSION": "2.79",
    }


def openrc(plan: Plan) -> str:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in client_variables(plan).items()]
    return "\n".join([*lines, f"export PATH={shlex.quote(str(plan.state / 'bin'))}:$PATH", ""])


def write_shell_files(plan: Plan, services: Path) -> None:
    """Write openrc and the commands; `services` is the bin folder of the client's environment."""
    (plan.state / "openrc").write_text(openrc(plan))
    folder = plan.state / "bin"
    (folder / "openstack").unlink(missing_ok=True)
    # A link, not a script, so that the client itself is traced.
    (folder / "openstack").symlink_to(services / "openstack")
    _write(folder / "virsh", [find_command("virsh"), "--connect", connection(plan)])
    _write(folder / "mariadb", [find_command("mariadb"), *client_options(plan)])
    _write(folder / "rabbitmqctl", [str(PROGRAMS / "rabbitmqctl")], broker_variables(plan))


def client_command(plan: Plan) -> list[str]:
    """Return the command of openstackclient, which needs `client_variables`."""
    return [str(plan.state / "bin" / "openstack")]


def _write(path: Path, command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in (variables or {}).items())
    path.write_text(f'#!/bin/sh\n{exports}exec {shlex.join(command)} "$@"\n')
    path.chmod(0o755)
