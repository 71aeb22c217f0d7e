"""The content that a boot needs: an image, a flavor, a network."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from examples.cloud.errors import CloudError
from examples.cloud.packages import find_command
from examples.cloud.rest import Client

IMAGE = "empty"
# With `up --guest`.
GUEST_IMAGE = "guest"
FLAVOR = "tiny"
LARGER = "small"
#: RAM in MiB.
FLAVORS = {FLAVOR: 64, LARGER: 128}
NETWORK = "net"
CIDR = "10.99.0.0/16"
# A security group that lets requests to port 80 in. A port without one has the project's default group.
GROUP = "web"


def ensure_content(client: Client) -> None:
    """Create what is missing."""
    flavors = client.get("nova-api", "/flavors")["flavors"]
    for name, ram in FLAVORS.items():
        if not _named(flavors, name):
            flavor = {"name": name, "id": name, "ram": ram, "vcpus": 1, "disk": 1}
            client.post("nova-api", "/flavors", {"flavor": flavor})
    if not client.get("neutron", f"/v2.0/networks?name={NETWORK}")["networks"]:
        created = client.post("neutron", "/v2.0/networks", {"network": {"name": NETWORK}})["network"]
        # OVN answers by itself; nothing else of this cloud could.
        dhcp = client.plan.networks == "ovn"
        subnet = {"network_id": created["id"], "ip_version": 4, "cidr": CIDR, "enable_dhcp": dhcp}
        client.post("neutron", "/v2.0/subnets", {"subnet": subnet})
    if not client.get("neutron", f"/v2.0/security-groups?name={GROUP}")["security_groups"]:
        group = client.post("neutron", "/v2.0/security-groups", {"security_group": {"name": GROUP}})["security_group"]
        rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp", "ethertype": "IPv4"}
        ports = {"port_range_min": 80, "port_range_max": 80}
        client.post("neutron", "/v2.0/security-group-rules", {"security_group_rule": rule | ports})
    ensure_image(client, IMAGE, lambda: _empty_image(client.plan.state / "glance" / f"{IMAGE}.qcow2"))


def ensure_image(client: Client, name: str, make: Callable[[], Path]) -> None:
    """Upload a qcow2 image, which `make` makes, unless Glance has an active one of this name."""
    matches = client.get("glance", f"/v2/images?name={name}")["images"]
    if any(image["status"] == "active" for image in matches):
        return
    path = make()
    wanted = {"name": name, "disk_format": "qcow2", "container_format": "bare", "visibility": "public"}
    created = client.post("glance", "/v2/images", wanted)
    client.put("glance", f"/v2/images/{created['id']}/file", path.read_bytes())


def image_id(client: Client, name: str = IMAGE) -> str:
    return str(find_named(client.get("glance", f"/v2/images?name={name}")["images"], "image", name)["id"])


def network_id(client: Client) -> str:
    networks = client.get("neutron", f"/v2.0/networks?name={NETWORK}")["networks"]
    return str(find_named(networks, "network", NETWORK)["id"])


def find_named(matches: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """Return the first of what matched a name."""
    if not matches:
        raise CloudError(f"the cloud has no {kind} {name}")
    return matches[0]


def _empty_image(path: Path) -> Path:
    command = [find_command("qemu-img"), "create", "-q", "-f", "qcow2", str(path), "64M"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CloudError(f"qemu-img failed: {done.stderr.strip()}")
    return path


def _named(matches: list[dict[str, Any]], name: str) -> bool:
    return any(image["name"] == name for image in matches)
