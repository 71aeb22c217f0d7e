"""Requests to the cloud's HTTP interfaces, with the token of its administrator."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from examples.cloud.errors import CloudError
from examples.cloud.plan import Plan

TIMEOUT = 120.0
# Nova's: from 2.37 a server may request no network. Placement has its own.
VERSIONS = {
    "nova-api": ("X-OpenStack-Nova-API-Version", "2.79"),
    "cinder-api": ("OpenStack-API-Version", "volume 3.70"),
    "placement": ("OpenStack-API-Version", "placement 1.30"),
}


class RefusedError(CloudError):
    """A refused request; `status` is 0 without an answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Client:
    plan: Plan
    token: str = ""

    def get(self, service: str, path: str) -> Any:
        return self.send("GET", service, path)

    def post(self, service: str, path: str, body: object) -> Any:
        return self.send("POST", service, path, body)

    def put(self, service: str, path: str, body: object = None) -> Any:
        return self.send("PUT", service, path, body)

    def send(self, method: str, service: str, path: str, body: object = None) -> Any:
        """Send a request; `body` is sent as JSON, or unchanged if it is bytes. Return the answer likewise."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        headers = {"Content-Type": kind, "Accept": "application/json", "X-Auth-Token": self.token}
        headers |= dict([VERSIONS[service]] if service in VERSIONS else [])
        what = f"{method} {service} {path}"
        request = urllib.request.Request(self.plan.url(service) + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RefusedError(
                f"{what}: {error.code} {_reason(error)}; its log: {self.plan.log(service)}", error.code
            ) from None
        except OSError as error:
            raise RefusedError(f"{what}: {error}; its log: {self.plan.log(service)}", 0) from None
        return json.loads(text) if text else None


def log_in(plan: Plan) -> Client:
    """Request a token for the administrator."""
    domain = {"name": "Default"}
    user = {"name": "admin", "domain": domain, "password": plan.secret}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": domain}},
        }
    }
    request = urllib.request.Request(
        f"{plan.url('keystone')}/auth/tokens", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return Client(plan, answer.headers["X-Subject-Token"])
    except OSError as error:
        raise RefusedError(f"keystone issues no token: {error}; its log: {plan.log('keystone')}", 0) from None


def answers(plan: Plan, service: str) -> bool:
    """Return whether the service answers, and without a server error."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{plan.port(service)}/", timeout=10).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
    return True


def _reason(error: urllib.error.HTTPError) -> str:
    return " ".join(error.read().decode(errors="replace").split())[:300]
