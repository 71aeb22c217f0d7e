"""Participants: the service that did a step, by RPC endpoint or WSGI application, else by the process's command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter

from tracer.model import lanes, service_names
from tracer.model.service_names import COMMANDS, LIKELY, LOGGERS, MODULES, SUB_MODULES
from tracer.model.steps import Step

#: Client programs; the names of images and servers among their arguments must not make them services.
_CLIENTS = re.compile(r"(python[\d.]* (-[XW] \S+ |-(?![XW] )\S+ )*)?(openstack|nova|glance|cinder|neutron)( |$)")
_PATHS = (
    (re.compile(r"/(resource_providers|allocation|resource_classes|traits|usages|reshaper)"), "placement"),
    (re.compile(r"/v2\.0/"), "network"),
    (re.compile(r"/v2/images"), "image"),
    (re.compile(r"/v3/(auth|users|projects|domains)"), "identity"),
    (re.compile(r"/v3/([0-9a-f]+/)?(volumes|attachments|snapshots)"), "volume-api"),
    (re.compile(r"/(servers|flavors|os-[a-z-]+)"), "API"),
)


def of_module(module: str) -> str:
    """Return the participant whose code ``module`` is, "" where it belongs to all."""
    return _by_prefix(MODULES, module)


def of_code(module: str, class_: str = "") -> str:
    """Return the service of Cinder or Neutron that alone runs a module's class, "" where several do."""
    return _by_prefix(SUB_MODULES, f"{module}.{class_}" if class_ else module)


def of_logger(logger: str) -> str:
    """Return the participant that alone logs under this name, "" where several do."""
    return _by_prefix(LOGGERS, logger)


def of_shared_logger(logger: str) -> str:
    """Return the participant that most lines of a logger are of, "" where that is unknown."""
    return _by_prefix(LIKELY, logger)


def _by_prefix(services: Sequence[tuple[str, str]], module: str) -> str:
    return next((service for prefix, service in services if (module + ".").startswith(prefix + ".")), "")


@lru_cache(maxsize=1024)
def of_command(argv: str) -> str:
    """Return the participant that a command line starts, "client" where it is none of the services."""
    # A path of the environment must not decide: only the words' last parts count.
    words = " ".join(word.rpartition("/")[2] for word in argv.split())
    if _CLIENTS.match(words):
        return "client"
    # Configuration files that follow a program may be named after others.
    matches = ((match.start(), service) for pattern, service in COMMANDS if (match := pattern.search(words)))
    return min(matches, key=itemgetter(0), default=(0, "client"))[1]


def of_topic(topic: object) -> str:
    """Return the participant that receives a topic's messages, "client" where it is none of the services."""
    service = service_names.service_of_topic(str(topic))
    return "client" if service in ("", "broker") else service


def of_step(step: Step) -> str:
    """Return the participant of the endpoint or application that served the step, "" where it names none."""
    if not step.is_server:
        return ""
    return of_module(step.text("module") or step.text("application"))


def of_peer(step: Step) -> str:
    """Return the participant that a client's step calls, by topic or path; "" where these do not name it."""
    if step.kind == "rpc":
        return _of_queue(step)
    if step.kind == "http":
        path = step.text("path")
        return next((service for pattern, service in _PATHS if pattern.search(path)), "")
    return ""


def _of_queue(step: Step) -> str:
    """Return the consumer of a message's topic, else an unknown service of its exchange's or sender's project."""
    topic = step.text("topic")
    if not topic or topic.startswith("reply_"):
        return ""
    return service_names.service_of_topic(topic) or lanes.unknown(
        service_names.project_of(step.text("exchange")) or step.service
    )


def name_peers(clients: Sequence[Step], receivers_of: Callable[[Step], Iterable[Step]]) -> None:
    """Set each client's ``peer``; ``receivers_of`` returns the heads of the chapters that a message opened.

    A topic's messages without a recorded receiver go to the service that received others of the topic.
    """
    by_host: dict[str, str] = {}
    linked = [_linked(step, receivers_of) for step in clients]
    consumers = {step.text("topic"): peer for step, peer in zip(clients, linked, strict=True) if peer}
    consumers.pop("", None)
    for step, far in zip(clients, linked, strict=True):
        peer = far or consumers.get(step.text("topic")) or of_peer(step)
        if peer:
            _set(step, peer)
            by_host.setdefault(step.text("host"), peer)
    for step in clients:
        if "peer" not in step.attributes and step.kind == "http" and step.text("host") and step.text("host") in by_host:
            step.attributes["peer"] = by_host[step.text("host")]


def _linked(step: Step, receivers_of: Callable[[Step], Iterable[Step]]) -> str:
    far = next((child.service for child in step.children if child.is_server), "")
    return far or next((receiver.service for receiver in receivers_of(step)), "")


def _set(step: Step, peer: str) -> None:
    """Set a peer where there is none, or a sub-lane of the project that the step has as its peer."""
    known = step.text("peer")
    if not known or (lanes.is_divided(known) and lanes.family(peer) == known):
        step.attributes["peer"] = peer
