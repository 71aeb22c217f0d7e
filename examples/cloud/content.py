"""The content that a boot needs: an image, a flavor, a network."""

import subprocess
from typing import Any

from examples.cloud.errors import CloudError
from examples.cloud.packages import find_command
from examples.cloud.rest import Client

IMAGE = "empty"
FLAVOR = "tiny"
NETWORK = "net"
CIDR = "10.99.0.0/16"


def ensure_content(client: Client) -> None:
    """Create what is missing."""
    flavors = client.get("nova-api", "/flavors")["flavors"]
    if not _named(flavors, FLAVOR):
        flavor = {"name": FLAVOR, "id": FLAVOR, "ram": 64, "vcpus": 1, "disk": 1}
        client.post("nova-api", "/flavors", {"flavor": flavor})
    networks = client.get("neutron", f"/v2.0/networks?name={NETWORK}")["networks"]
    if not networks:
        created = client.post("neutron", "/v2.0/networks", {"network": {"name": NETWORK}})["network"]
        subnet = {"network_id": created["id"], "ip_version": 4, "cidr": CIDR, "enable_dhcp": False}
        client.post("neutron", "/v2.0/subnets", {"subnet": subnet})
    _ensure_image(client)


def image_id(client: Client) -> str:
    return _find(client.get("glance", f"/v2/images?name={IMAGE}")["images"], "image", IMAGE)


def network_id(client: Client) -> str:
    return _find(client.get("neutron", f"/v2.0/networks?name={NETWORK}")["networks"], "network", NETWORK)


def _find(matches: list[dict[str, Any]], kind: str, name: str) -> str:
    if not matches:
        raise CloudError(f"the cloud has no {kind} {name}: python -m examples.cloud up creates it")
    return str(matches[0]["id"])


def _ensure_image(client: Client) -> None:
    matches = client.get("glance", f"/v2/images?name={IMAGE}")["images"]
    if any(image["status"] == "active" for image in matches):
        return
    path = client.plan.state / "glance" / f"{IMAGE}.qcow2"
    command = [find_command("qemu-img"), "create", "-q", "-f", "qcow2", str(path), "64M"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CloudError(f"qemu-img failed: {done.stderr.strip()}")
    wanted = {"name": IMAGE, "disk_format": "qcow2", "container_format": "bare", "visibility": "public"}
    created = client.post("glance", "/v2/images", wanted)
    client.put("glance", f"/v2/images/{created['id']}/file", path.read_bytes())


def _named(matches: list[dict[str, Any]], name: str) -> bool:
    return any(image["name"] == name for image in matches)
