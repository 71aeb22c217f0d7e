"""The start and stop of the cloud."""

import fcntl
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from examples.cloud.broker import start_broker, wait_for_broker
from examples.cloud.config import write_service_configs
from examples.cloud.content import ensure_content
from examples.cloud.database import start_database, wait_for_database
from examples.cloud.errors import CloudError
from examples.cloud.hypervisor import destroy_domains, start_libvirt, wait_for_libvirt
from examples.cloud.identity import ensure_identity
from examples.cloud.network import clean_network
from examples.cloud.nova_config import write_nova_configs
from examples.cloud.options import (
    binaries_of,
    control_of,
    daemons_of,
    parts_of,
    ports_of,
    processes_of,
    schemas_of,
    services_of,
)
from examples.cloud.packages import install_packages
from examples.cloud.parts import COMPUTE
from examples.cloud.plan import Plan, check_plan, load_plan
from examples.cloud.process import Process, stop_all
from examples.cloud.readiness import wait_for_host, wait_for_service
from examples.cloud.rest import log_in
from examples.cloud.schemas import Schemas
from examples.cloud.services import Services, check_ports, listening
from examples.cloud.shell import write_shell_files
from examples.embedded.building import cache, locked

# Seconds. Nova 34's compute has finished after 2, yet does not end; databases need to write.
GRACE = 5.0
GRACE_OF_DATA = 60.0


def up(state: Path, **options: Any) -> Plan:
    """Start the cloud; running services are left alone. After a failure nothing is undone; use `down`.

    `options` are the other fields of the plan.
    """
    plan = Plan(state.resolve(), secret=_secret(), **options)
    check_plan(plan)
    _check_against_running(plan)
    parts = parts_of(plan)
    install_packages({package: needed for part in parts for package, needed in part.packages.items()})
    binaries = binaries_of(plan)
    plan.save()
    with alone(plan):
        for folder in (folder for part in parts for folder in part.folders):
            (plan.state / folder).mkdir(parents=True, exist_ok=True)
        free = [port for port, process in ports_of(plan).items() if Process(plan, process).pid() is None]
        check_ports(plan, free, listening())
        write_service_configs(plan, binaries, parts)
        write_nova_configs(plan, binaries["nova"], parts)
        write_shell_files(plan, binaries["services"])
        for part in parts:
            part.prepare(plan)
        with step("RabbitMQ, MariaDB, libvirt"):
            _start_infrastructure(plan)
        for part in parts:
            with step(type(part).__name__):
                part.start(plan, binaries)
        schemas = Schemas(plan, binaries)
        with step("databases"):
            created = schemas.fill()
        _start_services(Services(plan, binaries), schemas.keep if created else None)
    return plan


def down(state: Path) -> None:
    """Stop the cloud, the domains first, while libvirt runs."""
    plan = load_plan(state)
    with alone(plan):
        with step("nova-compute"):
            stop_all([Process(plan, "nova-compute")], GRACE)
        with step("domains"):
            destroy_domains(plan)
        with step("the other services"):
            stop_all([Process(plan, service.name) for service in control_of(plan)], GRACE)
        with step("RabbitMQ, MariaDB, libvirt"):
            stop_all([Process(plan, name) for name in daemons_of(plan)], GRACE_OF_DATA)
            destroy_domains(plan)
            clean_network(plan)
            for part in parts_of(plan):
                part.clean(plan)
        for name in processes_of(plan):
            Process(plan, name).pid_file.unlink(missing_ok=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print the duration of the block to stderr."""
    started = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - started:.1f} s", file=sys.stderr)


@contextmanager
def alone(plan: Plan) -> Iterator[None]:
    """Hold the lock of `up` and `down`. The kernel releases a dead owner's lock."""
    with (plan.state / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CloudError(f"another up or down works on {plan.state}; wait for it") from None
        yield


def _secret() -> str:
    """Return the secret of all clouds of this cache, which the stored databases contain."""
    path = cache() / "cloud-secret"
    with locked(cache() / "cloud-secret.lock"):
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(16))
    return path.read_text()


def _check_against_running(plan: Plan) -> None:
    if not (plan.state / "cloud.json").exists():
        return
    running = load_plan(plan.state)
    if running != plan and any(Process(running, name).pid() for name in processes_of(running)):
        raise CloudError(f"the cloud in {plan.state} is up with other options; run down first")


def _start_infrastructure(plan: Plan) -> None:
    start_broker(plan)
    start_libvirt(plan)
    start_database(plan)
    wait_for_database(plan, services_of(plan), schemas_of(plan))
    wait_for_libvirt(plan)
    wait_for_broker(plan)


def _start_services(services: Services, keep: Callable[[], None] | None) -> None:
    """Start the services; `keep`, for new databases without accounts, is called when these have been created."""
    plan = services.plan
    keystone, *others = control_of(plan)
    with step("Keystone"):
        services.start(keystone)
        wait_for_service(plan, keystone)
        client = log_in(plan)
        if keep:
            ensure_identity(client, services_of(plan))
            keep()
    with step("Glance, Placement, Neutron, Nova"):
        for service in others:
            for other in others:
                if other.name == service.after:
                    wait_for_service(plan, other)
            services.start(service)
        for service in others:
            wait_for_service(plan, service)
        ensure_content(client)
        for part in parts_of(plan):
            part.wait(client)
    with step("nova-compute"):
        services.start(COMPUTE)
        wait_for_service(plan, COMPUTE)
        wait_for_host(client)
