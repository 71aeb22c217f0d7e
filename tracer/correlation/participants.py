"""Participants: the service that did a step, by RPC endpoint or WSGI application, else by the process's command."""

from __future__ import annotations

import re

from tracer.model import Step

#: Module prefixes of endpoints and applications.
_MODULES = (
    ("nova.conductor", "conductor"),
    ("nova.scheduler", "scheduler"),
    ("nova.compute", "compute"),
    ("nova.api", "API"),
    ("nova.network.manager", "network"),
    ("nova.volume.manager", "volume"),
    ("placement", "placement"),
    ("keystone", "identity"),
    ("glance", "image"),
    ("neutron", "network"),
    ("cinder", "volume"),
)
#: Command lines of services, the more specific first.
_COMMANDS = (
    (re.compile(r"nova[-.](cmd\.)?conductor"), "conductor"),
    (re.compile(r"nova[-.](cmd\.)?scheduler"), "scheduler"),
    (re.compile(r"nova[-.](cmd\.)?compute"), "compute"),
    (re.compile(r"nova[-.](cmd\.|wsgi\.)?(osapi|api)"), "API"),
    (re.compile(r"nova[-.](cmd\.)?network"), "network"),
    (re.compile(r"nova[-.](cmd\.)?volume"), "volume"),
    (re.compile(r"\bplacement[-.]?(api|wsgi)?\b"), "placement"),
    (re.compile(r"\bkeystone\b"), "identity"),
    (re.compile(r"\bglance\b"), "image"),
    (re.compile(r"\bneutron\b"), "network"),
    (re.compile(r"\bcinder\b"), "volume"),
)
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
    return next((service for prefix, service in _MODULES if (module + ".").startswith(prefix + ".")), "")


def of_command(argv: str) -> str:
    """Return the participant that a command line starts, "client" where it is none of the services."""
    # A path of the environment must not decide: only the words' last parts count.
    words = " ".join(word.rpartition("/")[2] for word in argv.split())
    if _CLIENTS.match(words):
        return "client"
    return next((service for pattern, service in _COMMANDS if pattern.search(words)), "client")


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
