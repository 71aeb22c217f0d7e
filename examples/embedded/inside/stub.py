"""Image and network service in one, as far as a boot without a network needs them."""

import time

from inside import answering

IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"

#: Seconds for which the download of the image stalls.
STALL = 20


def application(environ, start_response):
    path = environ["PATH_INFO"].rstrip("/")
    if path == f"/v2/images/{IMAGE}/file":
        start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", "1024")])
        return stalling()
    if not path:
        return answering.answered(path, versions(environ["HTTP_HOST"]), start_response)
    return answering.answered(path, answer(path), start_response)


def stalling():
    """Yield the first half of the image at once, the second after some time."""
    yield b"0" * 512
    time.sleep(STALL)
    yield b"0" * 512


def answer(path):
    if path == f"/v2/images/{IMAGE}":
        return image()
    if path == "/v2/schemas/image":
        return {
            "name": "image",
            "properties": {name: {} for name in image()},
            "additionalProperties": {"type": "string"},
        }
    if path.startswith("/v2.0/"):
        collection = path.split("/")[2]
        return {collection.replace("-", "_"): []}
    return None


def versions(host):
    """Return the versions of the image service, by which a client without configuration finds its URL."""
    links = [{"rel": "self", "href": f"http://{host}/v2/"}]
    return {"versions": [{"id": "v2.16", "status": "CURRENT", "links": links}]}


def image():
    return {
        "id": IMAGE,
        "name": "cirros",
        "status": "active",
        "visibility": "public",
        "size": 1024,
        "min_ram": 0,
        "min_disk": 0,
        "disk_format": "raw",
        "container_format": "bare",
        "checksum": "133eae9fb1c98f45894a4e60d8736619",
        "owner": None,
        "protected": False,
        "tags": [],
        "file": f"/v2/images/{IMAGE}/file",
        "schema": "/v2/schemas/image",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
