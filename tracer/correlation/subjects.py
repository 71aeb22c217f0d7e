"""Subjects: the instances, volumes and ports that steps name by uuid."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tracer.model import Step
from tracer.model.patterns import INSTANCE_BRACKET, UUID

#: A uuid after the word for what it identifies: ``[instance: …]``, ``volume …``, ``network-vif-plugged:…``.
_NAMED = re.compile(
    rf"\b(?P<noun>instance|server|volume|port|network-(?:vif-\w+|changed))s?(?: with)?(?:[ _-]?(?:id|uuid))?"
    rf"[^\w\n]{{1,4}}(?P<uuid>{UUID})",
    re.IGNORECASE,
)
_IN_PATH = re.compile(rf"/(?P<noun>servers|volumes|ports)/(?P<uuid>{UUID})")
_ABOUT_INSTANCE = re.compile(INSTANCE_BRACKET)
#: Interfaces of a port are named by the beginning of its id: ``tap0ba8df2f-ec``.
_INTERFACE = re.compile(r"\b(?:tap|qvo|qvb|qbr|vhu)([0-9a-f]{8}-[0-9a-f]{2})(?![\w-])")
#: Characters of a port's id in the names of its interfaces.
PREFIX = 11
#: What Nova logs when a port is an instance's.
_OWN_PORT = re.compile(rf"Successfully (?:created|updated) port: (?P<uuid>{UUID})")
_ANY = re.compile(rf"(?<!req-)\b{UUID}\b")
#: Lines about an instance that a service logs under a context of its own, whatever was asked for.
_REPORT = re.compile(r"\(Lifecycle Event\)|During (?:the )?sync_power")


def is_report(step: Step) -> bool:
    """Return whether it is a line on an instance's state, whose request id is the service's own."""
    return step.kind == "log" and _REPORT.search(step.text("message")) is not None


def about(step: Step) -> set[str]:
    """Return the uuids of what a step names as instance, volume or port."""
    if step.kind in ("log", "ask"):
        return {match["uuid"] for match in _NAMED.finditer(step.text("message"))}
    if step.kind == "http":
        return {match["uuid"] for match in _IN_PATH.finditer(step.text("path"))}
    return {step.text("instance")} - {""} if step.kind == "state" else set()


def owned(step: Step) -> set[str]:
    """Return the uuids of what a step changes, or names together with an instance that it is about."""
    if step.kind == "http":
        return about(step) if step.text("method") not in ("GET", "HEAD") else set()
    if step.kind != "log":
        return about(step) if step.kind == "state" else set()
    message = step.text("message")
    ports = {match["uuid"] for match in _OWN_PORT.finditer(message)}
    return ports | (about(step) if _ABOUT_INSTANCE.search(message) else set())


def interfaces(step: Step) -> set[str]:
    """Return the beginnings of the ids of the ports whose interfaces a line names."""
    return set(_INTERFACE.findall(step.text("message")))


def instances(steps: Iterable[Step]) -> set[str]:
    """Return the uuids of the instances that log lines name in their brackets, or as an instance."""
    return {
        match["uuid"]
        for step in steps
        if step.kind == "log"
        for match in _NAMED.finditer(step.text("message"))
        if match["noun"].lower() in ("instance", "server")
    }


def instance_of(step: Step) -> str:
    """Return the uuid of the instance that a line is about by its bracket, "" without one."""
    match = _ABOUT_INSTANCE.search(step.text("message"))
    return match[1] if match else ""


def mentioned(step: Step) -> set[str]:
    """Return every uuid in a line but those of requests."""
    return set(_ANY.findall(step.text("message")))
