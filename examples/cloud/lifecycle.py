"""The start and stop of the cloud."""

import fcntl
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.cloud.broker import start_broker, wait_for_broker
from examples.cloud.config import write_service_configs
from examples.cloud.content import ensure_content
from examples.cloud.database import start_database, wait_for_database
from examples.cloud.environments import environment
from examples.cloud.errors import CloudError
from examples.cloud.hypervisor import destroy_domains, start_libvirt, wait_for_libvirt
from examples.cloud.identity import ensure_identity
from examples.cloud.network import clean_network
from examples.cloud.nova_config import write_nova_configs
from examples.cloud.packages import install_packages
from examples.cloud.plan import PORTS, Plan, load_plan, new_plan
from examples.cloud.process import Process, stop_all
from examples.cloud.readiness import wait_for_answer, wait_for_consumer, wait_for_host
from examples.cloud.rest import log_in
from examples.cloud.schemas import Schemas
from examples.cloud.services import APPLICATIONS, CONTROL, Services, check_ports, listening
from examples.cloud.shell import write_shell_files
from examples.embedded.building import cache, locked

INFRASTRUCTURE = ("epmd", "rabbitmq", "mariadb", "libvirtd")
# Seconds. Nova 34's compute has finished after 2, yet does not end; databases need to write.
GRACE = 5.0
GRACE_OF_DATA = 60.0
PROCESSES = (*INFRASTRUCTURE, *CONTROL, "nova-compute")


def up(state: Path, release: str, port_base: int, threads: str, echo: bool, wrap: str) -> Plan:
    """Start the cloud; running services are left alone. After a failure nothing is undone; use `down`."""
    plan = new_plan(state, release, port_base, threads, echo, wrap, _secret())
    _check_against_running(plan)
    install_packages()
    services, nova = environment("services"), environment(f"nova-{release}")
    plan.save()
    with alone(plan):
        free = [name for name in PORTS if Process(plan, name.removesuffix("-distribution")).pid() is None]
        check_ports(plan, free, listening())
        write_service_configs(plan, services)
        write_nova_configs(plan, nova)
        write_shell_files(plan, services)
        with step("RabbitMQ, MariaDB, libvirt"):
            _start_infrastructure(plan)
        schemas = Schemas(plan, services, nova)
        with step("databases"):
            created = schemas.fill()
        _start_services(Services(plan, services, nova), schemas.keep if created else None)
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
            stop_all([Process(plan, name) for name in CONTROL], GRACE)
        with step("RabbitMQ, MariaDB, libvirt"):
            stop_all([Process(plan, name) for name in INFRASTRUCTURE], GRACE_OF_DATA)
            destroy_domains(plan)
            clean_network(plan)
        for name in PROCESSES:
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
    if running != plan and any(Process(running, name).pid() for name in PROCESSES):
        raise CloudError(f"the cloud in {plan.state} is up with other options; run down first")


def _start_infrastructure(plan: Plan) -> None:
    start_broker(plan)
    start_libvirt(plan)
    start_database(plan)
    wait_for_database(plan)
    wait_for_libvirt(plan)
    wait_for_broker(plan)


def _start_services(services: Services, keep: Callable[[], None] | None) -> None:
    """Start the services; `keep`, for new databases without accounts, is called when these have been created."""
    plan = services.plan
    with step("Keystone"):
        services.start("keystone")
        wait_for_answer(plan, "keystone")
        client = log_in(plan)
        if keep:
            ensure_identity(client)
            keep()
    with step("Glance, Placement, Neutron, Nova"):
        for name in CONTROL:
            services.start(name)
        for name in APPLICATIONS:
            wait_for_answer(plan, name)
        for name in ("nova-conductor", "nova-scheduler"):
            wait_for_consumer(plan, name)
        ensure_content(client)
    with step("nova-compute"):
        services.start("nova-compute")
        wait_for_consumer(plan, "nova-compute")
        wait_for_host(client)
