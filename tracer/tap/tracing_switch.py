"""The switch of a virtual host's tracing: by rabbitmqctl, or by the management plugin's HTTP API."""

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

#: Begins the names of the taps' queues, which end at random; a queue that is not exclusive is no tap's.
PREFIX = "bootseq-tap-"
#: Seconds that a request may take; rabbitmqctl takes one on a quiet machine.
_TIMEOUT = 60.0


class SwitchError(Exception):
    """The switch could not be read or set; the text is one line with the reason."""


class Switch(Protocol):
    """The switch of tracing, which is a state of each broker node, not of the cluster, and lost at a restart."""

    def taps(self) -> set[str]:
        """Return the queues of all taps of this vhost. Ours is missing if this is another broker than the URL's."""

    def traced(self) -> dict[str, bool]:
        """Return whether tracing is on, by node."""

    def turn(self, node: str, on: bool) -> None:
        """Switch tracing on a node."""


def _taps(queues: Any) -> set[str]:
    return {queue["name"] for queue in queues if queue["exclusive"] is True and queue["name"].startswith(PREFIX)}


class Rabbitmqctl:
    """The switch by rabbitmqctl; ``command`` is how to call it: directly, in a container, on another machine."""

    def __init__(self, command: list[str], vhost: str) -> None:
        self._command = command
        self._vhost = vhost
        #: Every node that has been running at some time.
        self._nodes: set[str] = set()

    def taps(self) -> set[str]:
        """Return the names of the taps' queues on all nodes."""
        return _taps(self._ask_any("list_queues", "-p", self._vhost, "name", "exclusive"))

    def traced(self) -> dict[str, bool]:
        """Return whether tracing is on, by running node."""
        running = self._ask_any("cluster_status")["running_nodes"]
        self._nodes |= {*running}
        return {node: self._is_traced(self._target(node)) for node in running}

    def _is_traced(self, target: list[str]) -> bool:
        vhosts = self._ask(*target, "list_vhosts", "name", "tracing")
        return any(vhost["name"] == self._vhost and vhost["tracing"] is True for vhost in vhosts)

    def turn(self, node: str, on: bool) -> None:
        """Switch tracing on a node that `traced` returned."""
        self._run(*self._target(node), "trace_on" if on else "trace_off", "-p", self._vhost)

    def _target(self, node: str) -> list[str]:
        """Return the options that select a node; none for a single node, where the command's default is right."""
        return ["-n", node] if len(self._nodes) > 1 else []

    def _ask_any(self, *arguments: str) -> Any:
        """Ask the command's default node or, if that is down, any other known node."""
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
            raise SwitchError(
                f"{self._command[0]} {arguments[0]}: output is not JSON; it needs RabbitMQ 3.8 or newer"
            ) from None

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
            # The first line is the error; suggestions follow.
            reason = (done.stderr or done.stdout).strip().partition("\n")[0].partition(" Please see ")[0]
            raise SwitchError(f"{self._command[0]}: {reason[:200] or f'exit code {done.returncode}'}")
        return done.stdout


class Management:
    """The switch by the HTTP API, for the node that serves it; ``user`` must be an administrator there."""

    def __init__(self, url: str, user: str, password: str, vhost: str, cafile: str | None, verify: bool) -> None:
        self._url = url.rstrip("/")
        self._vhost = quote(vhost, safe="")
        account = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {account}", "Content-Type": "application/json"}
        context = ssl.create_default_context(cafile=cafile)
        if not verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        # No proxy and no redirects: every request carries the broker administrator's password.
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _NoRedirect())
        self._opener = urllib.request.build_opener(*handlers)

    def taps(self) -> set[str]:
        """Return the names of the taps' queues on all nodes."""
        return _taps(self._call("GET", f"/api/queues/{self._vhost}?columns=name,exclusive"))

    def traced(self) -> dict[str, bool]:
        """Return whether tracing is on, for the node that answers."""
        return {self._url: self._call("GET", f"/api/vhosts/{self._vhost}").get("tracing") is True}

    def turn(self, node: str, on: bool) -> None:  # noqa: ARG002 - there is one node only
        """Switch tracing, and send the vhost's other settings back unchanged: an omitted one would be cleared."""
        about = self._call("GET", f"/api/vhosts/{self._vhost}")
        settings = {name: about[name] for name in ("description", "tags", "default_queue_type") if name in about}
        if settings.get("default_queue_type") in ("undefined", None):
            settings.pop("default_queue_type", None)
        self._call("PUT", f"/api/vhosts/{self._vhost}", settings | {"tracing": on})

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
                f"{self._url}: no valid answer from a management API: {getattr(error, 'reason', error)}"
            ) from None


_REFUSALS = {401: "permission denied", 403: "permission denied", 404: "vhost or management API not found"}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def make(request: dict[str, Any]) -> Switch:
    """Return the switch that the command line chose, from the request that the watchdog receives."""
    if request["way"] == "management":
        return Management(**request["how"])
    return Rabbitmqctl(**request["how"])
