"""Volumes and snapshots from which servers boot, created by Cinder's API."""

from examples.cloud.content import IMAGE, image_id
from examples.cloud.readiness import wait_for_status
from examples.cloud.rest import Client

GIGABYTES = 1
#: The volume, and its snapshot, that boots from a snapshot share.
BASE = f"{IMAGE}-base"


def create_volume(client: Client, name: str, **more: str) -> str:
    """Create a volume, and return its id once it is available; `more` is of the request, such as imageRef."""
    created = client.post("cinder-api", "/volumes", {"volume": {"name": name, "size": GIGABYTES, **more}})["volume"]
    wait_for_status(client, "volume", created["id"], "available")
    return str(created["id"])


def create_bootable(client: Client, name: str) -> str:
    return create_volume(client, name, imageRef=image_id(client))


def ensure_snapshot(client: Client) -> str:
    """Return the id of the base volume's snapshot; both are created if they are missing."""
    for snapshot in client.get("cinder-api", f"/snapshots?name={BASE}")["snapshots"]:
        if snapshot["status"] == "available":
            return str(snapshot["id"])
    existing = client.get("cinder-api", f"/volumes?name={BASE}&status=available")["volumes"]
    volume = existing[0]["id"] if existing else create_bootable(client, BASE)
    body = {"snapshot": {"name": BASE, "volume_id": volume}}
    created = client.post("cinder-api", "/snapshots", body)["snapshot"]
    wait_for_status(client, "snapshot", created["id"], "available")
    return str(created["id"])
