"""Volumes and snapshots from which servers boot, created by Cinder's API."""

from examples.cloud.content import IMAGE, image_id
from examples.cloud.readiness import wait_for_status
from examples.cloud.rest import Client

GIGABYTES = 1


def create_volume(client: Client, name: str, **more: str) -> str:
    """Create a volume, and return its id once it is available; `more` is of the request, such as imageRef."""
    created = client.post("cinder-api", "/volumes", {"volume": {"name": name, "size": GIGABYTES, **more}})["volume"]
    wait_for_status(client, "volume", created["id"], "available")
    return str(created["id"])


def create_bootable(client: Client, name: str, image: str = IMAGE) -> str:
    return create_volume(client, name, imageRef=image_id(client, image))


def ensure_snapshot(client: Client, image: str = IMAGE) -> str:
    """Return the id of the snapshot of an image's base volume, which boots share; both are created if missing."""
    name = f"{image}-base"
    for snapshot in client.get("cinder-api", f"/snapshots?name={name}")["snapshots"]:
        if snapshot["status"] == "available":
            return str(snapshot["id"])
    existing = client.get("cinder-api", f"/volumes?name={name}&status=available")["volumes"]
    volume = existing[0]["id"] if existing else create_bootable(client, name, image)
    body = {"snapshot": {"name": name, "volume_id": volume}}
    created = client.post("cinder-api", "/snapshots", body)["snapshot"]
    wait_for_status(client, "snapshot", created["id"], "available")
    return str(created["id"])
