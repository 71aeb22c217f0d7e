"""The volume service: a bootable volume that is always available, attachments to it, and new volumes that fail.

New volumes stay in creation while the variable EMBEDDED_CREATING names a file that exists.
"""

import json
import os

from inside import answering

VOLUME = "6ca404f3-d844-4169-bb96-bc792f37de98"
FAILED = "c2a10f5c-1d6e-4b0a-8f0e-37a9d1f5b3c2"
ATTACHMENT = "9d4ed5cd-2d2b-4c0b-9d3a-5e2f0d7c1b90"
VERSIONS = {"versions": [{"id": "v3.0", "status": "CURRENT", "version": "3.70", "min_version": "3.0", "links": []}]}


def application(environ, start_response):
    path = environ["PATH_INFO"].rstrip("/")
    return answering.answered(path, answer(environ, path), start_response)


def answer(environ, path):
    if path == "":
        return VERSIONS
    if path == f"/v3/volumes/{VOLUME}":
        return {"volume": volume()}
    if path in ("/v3/volumes", f"/v3/volumes/{FAILED}"):
        status = "creating" if os.path.exists(os.environ.get("EMBEDDED_CREATING", "")) else "error"
        return {"volume": volume() | {"id": FAILED, "status": status}}
    if path == "/v3/attachments" or path == f"/v3/attachments/{ATTACHMENT}":
        return {"attachment": attachment(environ)}
    if path == f"/v3/attachments/{ATTACHMENT}/action":
        return {}
    return None


def volume():
    return {
        "id": VOLUME,
        "name": "root",
        "description": None,
        "status": "available",
        "size": 1,
        "bootable": "true",
        "multiattach": False,
        "attachments": [],
        "availability_zone": "nova",
        "volume_type": None,
        "snapshot_id": None,
        "metadata": {},
        "volume_image_metadata": {"image_id": "155d900f-4e14-4e4c-a73d-069cbf4541e6", "min_ram": "0", "min_disk": "0"},
        "shared_targets": False,
        "service_uuid": None,
        "created_at": "2026-01-01T00:00:00.000000",
    }


def attachment(environ):
    """Return the requested attachment, with the connection if the compute service has sent its connector."""
    requested = json.loads(environ["wsgi.input"].read() or b"{}").get("attachment", {})
    reached = {"driver_volume_type": "fake", "data": {}} if "connector" in requested else {}
    return {
        "id": ATTACHMENT,
        "status": "attaching" if reached else "reserved",
        "instance": requested.get("instance_uuid"),
        "volume_id": VOLUME,
        "connection_info": reached,
        "attach_mode": "rw",
        "attached_at": None,
        "detached_at": None,
    }
