"""The readiness of OpenStack's processes, each observed since its present start."""

import subprocess
import time
from datetime import UTC, datetime

from examples.cloud.errors import CloudError
from examples.cloud.parts import Service
from examples.cloud.plan import COMPUTE_HOST, Plan
from examples.cloud.process import Process
from examples.cloud.rest import Client, RefusedError, answers

TIMEOUT = 300.0
STEP = 0.5
# The service that shows the status of each.
RESOURCES = {"server": "nova-api", "volume": "cinder-api", "snapshot": "cinder-api", "port": "neutron"}


def wait_for_service(plan: Plan, service: Service) -> None:
    """Wait until it answers HTTP, and until its queue has a consumer, as far as it has these."""
    process = Process(plan, service.name)
    if service.module:
        process.wait(lambda: answers(plan, service.name), TIMEOUT)
    if service.queue:
        process.wait(lambda: _consumers(plan).get(service.queue, 0) > 0, TIMEOUT)


def wait_for_host(client: Client) -> None:
    """Wait until the scheduler would choose the compute host: it reports itself up, and has free resources."""
    process = Process(client.plan, "nova-compute")
    process.wait(lambda: _reports(client, process) and _has_resources(client), TIMEOUT)


def wait_for_agent(client: Client, name: str) -> None:
    """Wait until Neutron has a living agent, or OVN's chassis, for the host; `name` is its process."""
    process = Process(client.plan, name)
    process.wait(lambda: _has_agent(client, process), TIMEOUT)


def _has_agent(client: Client, process: Process) -> bool:
    try:
        agents = client.get("neutron", f"/v2.0/agents?host={COMPUTE_HOST}")["agents"]
    except RefusedError:
        return False
    return any(agent["alive"] and is_since(agent["heartbeat_timestamp"], process) for agent in agents)


def wait_for_status(client: Client, kind: str, number: str, status: str) -> None:
    """Wait for the status of a server, volume, snapshot or port, but not beyond an error."""
    service = RESOURCES[kind]
    path = f"{'/v2.0' if kind == 'port' else ''}/{kind}s/{number}"
    deadline = time.monotonic() + TIMEOUT
    while (present := client.get(service, path)[kind]["status"]) != status:
        if present.lower().startswith("error") or time.monotonic() > deadline:
            raise CloudError(f"{kind} {number} is {present}, not {status}; a log: {client.plan.log(service)}")
        time.sleep(STEP)


def wait_until_detached(client: Client, server: str, port: str) -> None:
    """Wait until a server has lost a port."""
    deadline = time.monotonic() + TIMEOUT
    path = f"/servers/{server}/os-interface"
    while port in [entry["port_id"] for entry in client.get("nova-api", path)["interfaceAttachments"]]:
        if time.monotonic() > deadline:
            raise CloudError(f"port {port} is still attached; a log: {client.plan.log('nova-api')}")
        time.sleep(STEP)


def _consumers(plan: Plan) -> dict[str, int]:
    command = [
        str(plan.state / "bin" / "rabbitmqctl"),
        "--quiet",
        "list_queues",
        "--no-table-headers",
        "name",
        "consumers",
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    pairs = (line.split("\t") for line in done.stdout.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def _reports(client: Client, process: Process) -> bool:
    """Return whether the service is up by a report since its start; an older report counts for a minute."""
    try:
        services = client.get("nova-api", "/os-services?binary=nova-compute")["services"]
    except RefusedError:
        return False
    return any(service["state"] == "up" and is_since(service["updated_at"], process) for service in services)


def is_since(reported: str | None, process: Process) -> bool:
    """Compare times in whole seconds, as Nova reports them. A row never updated has just been created."""
    return reported is None or datetime.fromisoformat(reported).replace(tzinfo=UTC).timestamp() + 1 > process.since


def _has_resources(client: Client) -> bool:
    try:
        hypervisors = client.get("nova-api", "/os-hypervisors/detail")["hypervisors"]
        own = [host["id"] for host in hypervisors if host["service"]["host"] == COMPUTE_HOST]
        return any(
            client.get("placement", f"/resource_providers/{number}/inventories")["inventories"] for number in own
        )
    except RefusedError:
        return False
