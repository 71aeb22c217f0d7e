"""Keystone's content: the services with their endpoints, and an account for each."""

from typing import Any

from examples.cloud.plan import REGION, Plan
from examples.cloud.rest import Client

# Its account's name and its kind in the catalogue.
SERVICES = {
    "nova-api": ("nova", "compute"),
    "glance": ("glance", "image"),
    "placement": ("placement", "placement"),
    "neutron": ("neutron", "network"),
}
ROLES = ("admin", "service")


def ensure_identity(client: Client) -> None:
    """Create what is missing."""
    project = _ensure(client, "project", {"name": "service", "domain_id": "default"})
    roles = [_ensure(client, "role", {"name": name}) for name in ROLES]
    for service, (name, kind) in SERVICES.items():
        user = _ensure(client, "user", {"name": name, "domain_id": "default", "password": client.plan.secret})
        for role in roles:
            client.put("keystone", f"/projects/{project}/users/{user}/roles/{role}")
        _ensure_endpoint(client, client.plan, service, _ensure(client, "service", {"name": name, "type": kind}))


def _ensure_endpoint(client: Client, plan: Plan, service: str, number: str) -> None:
    endpoints = client.get("keystone", f"/endpoints?service_id={number}")["endpoints"]
    if not endpoints:
        endpoint = {"service_id": number, "interface": "public", "region_id": REGION, "url": plan.url(service)}
        client.post("keystone", "/endpoints", {"endpoint": endpoint})


def _ensure(client: Client, kind: str, wanted: dict[str, Any]) -> str:
    for entry in client.get("keystone", f"/{kind}s?name={wanted['name']}")[f"{kind}s"]:
        return str(entry["id"])
    return str(client.post("keystone", f"/{kind}s", {kind: wanted})[kind]["id"])
