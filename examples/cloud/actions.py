"""Changes of a running server, each by the client's commands and awaited: disks, ports, size, image, shelf, end."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from examples.cloud import server_ports, volumes
from examples.cloud.content import FLAVOR, IMAGE, LARGER, find_named
from examples.cloud.errors import CloudError
from examples.cloud.plan import Plan
from examples.cloud.readiness import wait_for_status, wait_until_detached
from examples.cloud.rest import Client, log_in
from examples.cloud.shell import client_command, client_variables

# Yields a command's words after "openstack server", and waits for its effect before the next; `thing` may be "".
Action = Callable[[Client, Mapping[str, Any], str], Iterator[list[str]]]


def act(plan: Plan, action: str, server: str, thing: str) -> int:
    """Carry out an action; return the exit code of the first command that failed, else 0."""
    client = log_in(plan)
    entry = find_named(client.get("nova-api", f"/servers/detail?name=^{server}$")["servers"], "server", server)
    for words in ACTIONS[action](client, entry, thing):
        command = [*client_command(plan), "server", *words]
        code = subprocess.run(command, check=False, env=os.environ | client_variables(plan)).returncode
        if code:
            return code
    return 0


def _attach_volume(client: Client, server: Mapping[str, Any], thing: str) -> Iterator[list[str]]:
    volume = _volume(client, thing) if thing else volumes.create_volume(client, f"{server['name']}-disk")
    yield ["add", "volume", server["id"], volume]
    wait_for_status(client, "volume", volume, "in-use")


def _detach_volume(client: Client, server: Mapping[str, Any], thing: str) -> Iterator[list[str]]:
    volume = _volume(client, thing) if thing else _last_disk(client, server)
    yield ["remove", "volume", server["id"], volume]
    wait_for_status(client, "volume", volume, "available")


def _attach_port(client: Client, server: Mapping[str, Any], thing: str) -> Iterator[list[str]]:
    port = thing or server_ports.create_port(client, f"{server['name']}-more")
    yield ["add", "port", server["id"], port]
    wait_for_status(client, "port", port, "ACTIVE")


def _detach_port(client: Client, server: Mapping[str, Any], thing: str) -> Iterator[list[str]]:
    """Detach the port `thing`, or the newest one; Nova also deletes a port that it created."""
    ports = server_ports.ports_of(client, server["id"])
    if not thing and not ports:
        raise CloudError(f"{server['name']} has no port")
    port = thing or ports[-1]["id"]
    yield ["remove", "port", server["id"], port]
    wait_until_detached(client, server["id"], port)


def _resize(client: Client, server: Mapping[str, Any], thing: str) -> Iterator[list[str]]:
    """Resize to the flavor `thing`, or to the other one of the cloud's own."""
    present = server["flavor"]["original_name"]
    yield ["resize", "--flavor", thing or (FLAVOR if present == LARGER else LARGER), "--wait", server["id"]]
    yield ["resize", "confirm", server["id"]]
    wait_for_status(client, "server", server["id"], "ACTIVE")


def _rebuild(client: Client, server: Mapping[str, Any], thing: str) -> Iterator[list[str]]:
    yield ["rebuild", "--image", thing or IMAGE, "--wait", server["id"]]


def _shelve(client: Client, server: Mapping[str, Any], thing: str) -> Iterator[list[str]]:
    yield ["shelve", server["id"]]
    wait_for_status(client, "server", server["id"], "SHELVED_OFFLOADED")


def _unshelve(client: Client, server: Mapping[str, Any], thing: str) -> Iterator[list[str]]:
    yield ["unshelve", "--wait", server["id"]]


def _delete(client: Client, server: Mapping[str, Any], thing: str) -> Iterator[list[str]]:
    yield ["delete", "--wait", server["id"]]


ACTIONS: Mapping[str, Action] = {
    "attach-volume": _attach_volume,
    "detach-volume": _detach_volume,
    "attach-port": _attach_port,
    "detach-port": _detach_port,
    "resize": _resize,
    "rebuild": _rebuild,
    "shelve": _shelve,
    "unshelve": _unshelve,
    "delete": _delete,
}


def _volume(client: Client, name: str) -> str:
    entries = client.get("cinder-api", "/volumes")["volumes"]
    return str(find_named([entry for entry in entries if name in (entry["id"], entry["name"])], "volume", name)["id"])


def _last_disk(client: Client, server: Mapping[str, Any]) -> str:
    """Return the volume that was attached last, the root disk excepted."""
    path = f"/servers/{server['id']}/os-volume_attachments"
    disks = {disk["device"]: disk["volumeId"] for disk in client.get("nova-api", path)["volumeAttachments"]}
    others = sorted(device for device in disks if device != server["OS-EXT-SRV-ATTR:root_device_name"])
    if not others:
        raise CloudError(f"{server['name']} has no volume besides its root disk")
    return str(disks[others[-1]])
