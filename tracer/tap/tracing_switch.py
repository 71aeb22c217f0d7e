"""Tracing of a virtual host, on and off: by rabbitmqctl, or by the management plugin's HTTP API."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import subprocess
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import quote

#: What the queues of taps are named, each with a random end: a queue that is not exclusive is none.
PREFIX = "bootseq-tap-"
#: Seconds that one question may take; rabbitmqctl takes one on a quiet machine.
_TIMEOUT = 60.0


class SwitchError(Exception):
    """It could not be asked or switched; says why in one line."""


class Switch(Protocol):
    """Tracing is a state of each node of the broker, not of the cluster, and gone after a restart."""

    def taps(self) -> set[str]:
        """The queues of all taps of this vhost. Ours is not among them where this is another broker than the URL's."""

    def traced(self) -> dict[str, bool]:
        """Whether tracing is on, by node."""

    def turn(self, node: str, on: bool) -> None:
        """Switch it."""


def _taps(queues: Any) -> set[str]:
    return {each["name"] for each in queues if each["exclusive"] is True and each["name"].startswith(PREFIX)}


class Rabbitmqctl:
    """``command`` is how it is called here: alone, in a container, on another machine."""

    def __init__(self, command: list[str], vhost: str) -> None:
        self._command = command
        self._vhost = vhost
        #: All that have been seen to run.
        self._nodes: set[str] = set()

    def taps(self) -> set[str]:
        """Of all nodes."""
        return _taps(self._ask_any("list_queues", "-p", self._vhost, "name", "exclusive"))

    def traced(self) -> dict[str, bool]:
        """Of the nodes that run."""
        running = self._ask_any("cluster_status")["running_nodes"]
        self._nodes |= {*running}
        return {node: self._traced(self._at(node)) for node in running}

    def _traced(self, at: list[str]) -> bool:
        vhosts = self._ask(*at, "list_vhosts", "name", "tracing")
        return any(each["name"] == self._vhost and each["tracing"] is True for each in vhosts)

    def turn(self, node: str, on: bool) -> None:
        """A node that `traced` told of."""
        self._run(*self._at(node), "trace_on" if on else "trace_off", "-p", self._vhost)

    def _at(self, node: str) -> list[str]:
        """One node alone is spoken to by the name that the command uses by itself."""
        return ["-n", node] if len(self._nodes) > 1 else []

    def _ask_any(self, *arguments: str) -> Any:
        """By the node that the command speaks to by itself or, where that one is down, by another that we know of."""
        try:
            return self._ask(*arguments)
        except SwitchError:
            for node in sorted(self._nodes) if len(self._nodes) > 1 else ():
                with suppress(SwitchError):
                    return self._ask("-n", node, *arguments)
            raise

    def _ask(self, *arguments: str) -> Any:
        try:
            return json.loads(self._run(*arguments, "--formatter", "json"))
        except ValueError:
            raise SwitchError(f"{self._command[0]} {arguments[0]}: no JSON; RabbitMQ 3.8 or newer is needed") from None

    def _run(self, *arguments: str) -> str:
        command = [*self._command, "--quiet", *arguments]
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=_TIMEOUT
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = getattr(error, "strerror", None) or f"no answer within {_TIMEOUT:.0f} s"
            raise SwitchError(f"{self._command[0]}: {reason}") from None
        if done.returncode:
            # The first line says what is wrong; suggestions follow.
            said = (done.stderr or done.stdout).strip().partition("\n")[0].partition(" Please see ")[0]
            raise SwitchError(f"{self._command[0]}: {said[:200] or f'exit code {done.returncode}'}")
        return done.stdout


class Management:
    """The HTTP API switches the node that serves it; ``user`` must be an administrator there."""

    def __init__(self, url: str, user: str, password: str, vhost: str, cafile: str | None, verify: bool) -> None:
        self._url = url.rstrip("/")
        self._vhost = quote(vhost, safe="")
        account = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {account}", "Content-Type": "application/json"}
        context = ssl.create_default_context(cafile=cafile)
        if not verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        # No proxy and no redirects: what is sent is the broker's administrator's password.
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _NoRedirect())
        self._opener = urllib.request.build_opener(*handlers)

    def taps(self) -> set[str]:
        """Of all nodes."""
        return _taps(self._call("GET", f"/api/queues/{self._vhost}?columns=name,exclusive"))

    def traced(self) -> dict[str, bool]:
        """Of the node that answers."""
        return {self._url: self._call("GET", f"/api/vhosts/{self._vhost}").get("tracing") is True}

    def turn(self, node: str, on: bool) -> None:  # noqa: ARG002 - there is the one
        """What else is set for the vhost is sent back as it is: what is left out would be emptied."""
        about = self._call("GET", f"/api/vhosts/{self._vhost}")
        kept = {name: about[name] for name in ("description", "tags", "default_queue_type") if name in about}
        if kept.get("default_queue_type") in ("undefined", None):
            kept.pop("default_queue_type", None)
        self._call("PUT", f"/api/vhosts/{self._vhost}", kept | {"tracing": on})

    def _call(self, method: str, path: str, content: Any = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self._url + path, data, self._headers, method=method)
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            error.close()
            why = _REFUSALS.get(error.code, f"answered {error.code}")
            raise SwitchError(f"{self._url}: {why} ({method} {path})") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SwitchError(
                f"{self._url}: no answer of a management API: {getattr(error, 'reason', error)}"
            ) from None


_REFUSALS = {401: "the user may not", 403: "the user may not", 404: "no such vhost, or no management API"}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def make(request: dict[str, Any]) -> Switch:
    """The switch that the command line chose, as the keeper is told of it."""
    if request["way"] == "management":
        return Management(**request["how"])
    return Rabbitmqctl(**request["how"])
