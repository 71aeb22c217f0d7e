"""Keystone's content: the services with their endpoints, and an account for each."""

from collections.abc import Iterable
from typing import Any

from examples.cloud.parts import Service
from examples.cloud.plan import REGION, Plan
from examples.cloud.rest import Client

ROLES = ("admin", "service")


def ensure_identity(client: Client, services: Iterable[Service]) -> None:
    """Create what is missing."""
    project = _ensure(client, "project", {"name": "service", "domain_id": "default"})
    roles = [_ensure(client, "role", {"name": name}) for name in ROLES]
    for service in services:
        if not service.account:
            continue
        name = service.account
        user = _ensure(client, "user", {"name": name, "domain_id": "default", "password": client.plan.secret})
        for role in roles:
            client.put("keystone", f"/projects/{project}/users/{user}/roles/{role}")
        number = _ensure(client, "service", {"name": name, "type": service.kind})
        _ensure_endpoint(client, client.plan, service.name, number)


def _ensure_endpoint(client: Client, plan: Plan, service: str, number: str) -> None:
    endpoints = client.get("keystone", f"/endpoints?service_id={number}")["endpoints"]
    if not endpoints:
        endpoint = {"service_id": number, "interface": "public", "region_id": REGION, "url": plan.url(service)}
        client.post("keystone", "/endpoints", {"endpoint": endpoint})


def _ensure(client: Client, kind: str, wanted: dict[str, Any]) -> str:
    for entry in client.get("keystone", f"/{kind}s?name={wanted['name']}")[f"{kind}s"]:
        return str(entry["id"])
    return str(client.post("keystone", f"/{kind}s", {kind: wanted})[kind]["id"])
