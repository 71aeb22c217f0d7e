"""Participants: the service that did a step, by RPC endpoint or WSGI application, else by the process's command."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tracer.model.service_names import COMMANDS, LIKELY, LOGGERS, MODULES
from tracer.model.steps import Step

#: Client programs; the names of images and servers among their arguments must not make them services.
_CLIENTS = re.compile(r"(python[\d.]* (-[XW] \S+ |-(?![XW] )\S+ )*)?(openstack|nova|glance|cinder|neutron)( |$)")
_TOPICS = {
    "conductor": "conductor", "scheduler": "scheduler", "compute": "compute", "compute-alt": "compute",
    "network": "network", "cinder-volume": "volume",
    "versioned_notifications": "broker", "notifications": "broker",
}  # fmt: skip
_PATHS = (
    (re.compile(r"/(resource_providers|allocation|resource_classes|traits|usages|reshaper)"), "placement"),
    (re.compile(r"/v2\.0/"), "network"),
    (re.compile(r"/v2/images"), "image"),
    (re.compile(r"/v3/(auth|users|projects|domains)"), "identity"),
    (re.compile(r"/v3/([0-9a-f]+/)?(volumes|attachments|snapshots)"), "volume"),
    (re.compile(r"/(servers|flavors|os-[a-z-]+)"), "API"),
)


def of_module(module: str) -> str:
    """Return the participant whose code ``module`` is, "" where it belongs to all."""
    return _by_prefix(MODULES, module)


def of_logger(logger: str) -> str:
    """Return the participant that alone logs under this name, "" where several do."""
    return _by_prefix(LOGGERS, logger)


def of_shared_logger(logger: str) -> str:
    """Return the participant that most lines of a logger are of, "" where that is unknown."""
    return _by_prefix(LIKELY, logger)


def _by_prefix(services: Sequence[tuple[str, str]], module: str) -> str:
    return next((service for prefix, service in services if (module + ".").startswith(prefix + ".")), "")


def of_command(argv: str) -> str:
    """Return the participant that a command line starts, "client" where it is none of the services."""
    # A path of the environment must not decide: only the words' last parts count.
    words = " ".join(word.rpartition("/")[2] for word in argv.split())
    if _CLIENTS.match(words):
        return "client"
    return next((service for pattern, service in COMMANDS if pattern.search(words)), "client")


def of_topic(topic: object) -> str:
    """Return the participant that receives a topic's messages, "client" where it is none of the services."""
    return of_command(f"nova-{topic}")


def of_step(step: Step) -> str:
    """Return the participant of the endpoint or application that served the step, "" where it names none."""
    if not step.is_server:
        return ""
    return of_module(step.text("module") or step.text("application"))


def of_peer(step: Step) -> str:
    """Return the participant that a client's step calls, by topic or path; "" where these do not name it."""
    if step.kind == "rpc":
        return _TOPICS.get(step.text("topic").partition(".")[0], "")
    if step.kind == "http":
        path = step.text("path")
        return next((service for pattern, service in _PATHS if pattern.search(path)), "")
    return ""
