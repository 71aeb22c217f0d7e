"""Ports: the ids by which steps name the ports that they work on, and requests those that they change."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.model import Step
from tracer.model.patterns import UUID

#: What agents send Neutron's server about ports: the arguments that hold their ids.
_DEVICES = ("device", "devices", "devices_up", "devices_down")
_ABOUT_DEVICES = frozenset({
    "get_device_details", "get_devices_details_list", "get_devices_details_list_and_failed_devices",
    "update_device_down", "update_device_list", "update_device_up",
})  # fmt: skip
_IN_PATH = re.compile(rf"/ports/({UUID})(?:[/?.]|\Z)")
#: An interface's name ends with the beginning of its port's id.
_INTERFACE = re.compile(r"\b(?:tap|qvo|qvb|qbr|qvm)([0-9a-f]{8}-[0-9a-f]{2})\b")
#: The length of that beginning.
PREFIX = 11


def texts(step: Step, name: str) -> tuple[str, ...]:
    """Return the texts of an attribute that is a list; () without it."""
    value = step.attributes.get(name)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def named(step: Step) -> tuple[str, ...]:
    """Return the ids of the ports that a step works on, as it names them; one that is no id stands for unknown ones."""
    if ids := texts(step, "ports"):
        return ids
    arguments = step.attributes.get("arguments")
    if step.kind != "rpc" or step.name not in _ABOUT_DEVICES or not isinstance(arguments, dict):
        return ()
    values = [arguments.get(name) for name in _DEVICES]
    return tuple(str(item) for value in values if value for item in (value if isinstance(value, list) else [value]))


def changed(step: Step) -> tuple[str, ...]:
    """Return the ids of the ports that a step asks for or works on: also a request that changes a port, by its path."""
    if step.kind == "http":
        match = _IN_PATH.search(step.text("path"))
        return (match[1],) if match and step.text("method") not in ("GET", "HEAD") else ()
    return named(step)


def interfaces(step: Step) -> set[str]:
    """Return the beginnings of port ids in the names of interfaces that an OVSDB transaction names."""
    if step.kind != "command" or step.name != "ovsdb":
        return set()
    return set(_INTERFACE.findall(" ".join(texts(step, "arguments"))))


def below(step: Step) -> Iterator[Step]:
    """Yield the topmost steps below that name ports, on each branch."""
    stack = step.children[::-1]
    while stack:
        inner = stack.pop()
        if named(inner):
            yield inner
        else:
            stack += inner.children[::-1]


def events(step: Step) -> list[tuple[str, str]]:
    """Return the events for Nova that a step queues, sends, expects or handles: key and instance."""
    value = step.attributes.get("events")
    pairs = value if isinstance(value, list) else []
    return [(str(pair.get("event")), str(pair.get("instance"))) for pair in pairs if isinstance(pair, dict)]


def sent(step: Step) -> list[tuple[str, str]]:
    """Return the events of a batch that Neutron sends: as its sender names them, else by the body that arrived."""
    if own := events(step):
        return own
    pairs = []
    for served in step.walk():
        body = served.attributes.get("body") if served.kind == "http" else None
        listed = body.get("events") if isinstance(body, dict) else None
        for event in listed if isinstance(listed, list) else ():
            if isinstance(event, dict):
                tag = event.get("tag")
                pairs.append(
                    (f"{event.get('name')}-{tag}" if tag else str(event.get("name")), str(event.get("server_uuid")))
                )
    return pairs
