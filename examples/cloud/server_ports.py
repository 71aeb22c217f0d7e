"""Ports of servers, created and read by Neutron's API."""

from typing import Any

from examples.cloud.content import find_named, network_id
from examples.cloud.errors import CloudError
from examples.cloud.plan import Plan
from examples.cloud.rest import Client


def check_groups(plan: Plan, group: str) -> None:
    """Refuse a security group where Neutron's ports have none."""
    if group and plan.networks == "local":
        raise CloudError(
            "without a firewall there are no security groups; start a cloud with --networks ovs in another folder"
        )


def create_port(client: Client, name: str, group: str = "") -> str:
    """Create a port on the cloud's network, and return its id; without a group it gets the project's default one."""
    wanted: dict[str, Any] = {"name": name, "network_id": network_id(client)}
    if group:
        groups = client.get("neutron", f"/v2.0/security-groups?name={group}")["security_groups"]
        wanted["security_groups"] = [find_named(groups, "security group", group)["id"]]
    return str(client.post("neutron", "/v2.0/ports", {"port": wanted})["port"]["id"])


def ports_of(client: Client, server: str) -> list[dict[str, Any]]:
    """Return a server's ports, the oldest first."""
    ports: list[dict[str, Any]] = client.get("neutron", f"/v2.0/ports?device_id={server}")["ports"]
    return sorted(ports, key=lambda port: str(port["created_at"]))
