"""A stand-in for Keystone that accepts every login and issues the token and the catalogue of an embedded cloud."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: The embedded cloud's API takes a user's name for a token.
TOKEN = "admin"


@contextmanager
def identity(urls: dict[str, str]) -> Iterator[str]:
    """Yield the URL at which clients log in; ``urls`` are the catalogue: type of service → URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(urls))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v3"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(urls: dict[str, str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with the only version of this API."""
            links = [{"rel": "self", "href": f"http://{self.headers['Host']}/v3"}]
            version = {"id": "v3.14", "status": "stable", "links": links}
            self._answer(200, {"version": version})

        def do_POST(self) -> None:
            """Issue a token."""
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(201, {"token": _token(urls)})

        def log_message(self, format: str, *arguments: object) -> None:
            """Write nothing."""

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Subject-Token", TOKEN)
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _token(urls: dict[str, str]) -> dict[str, Any]:
    admin = {"id": "admin", "name": "admin", "domain": {"id": "default", "name": "Default"}}
    catalog = [
        {
            "type": service, "name": service, "id": service,
            "endpoints": [{"id": service, "interface": "public", "region": "r", "region_id": "r", "url": url}],
        }
        for service, url in urls.items()
    ]  # fmt: skip
    return {
        "methods": ["password"], "user": admin, "project": admin, "roles": [{"id": "admin", "name": "admin"}],
        "issued_at": "2026-01-01T00:00:00.000000Z", "expires_at": "2099-01-01T00:00:00.000000Z", "catalog": catalog,
    }  # fmt: skip
