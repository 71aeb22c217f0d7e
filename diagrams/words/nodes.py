"""The words of a step in its normal form in a picture: its label between the lanes, and the lanes."""

from __future__ import annotations

from typing import Protocol

from diagrams.text import shorten
from tracer.notation.parse import UNAWAITED, parse

#: Longest name of a lane.
LANE = 24
#: Kinds of steps that leave their service.
LEAVING = frozenset({"http", "rpc", "libvirt"})


class Wording(Protocol):
    """A step's wording, of one boot or of several."""

    kind: str
    service: str
    text: str


def label(text: str) -> str:
    """Return a step's text without sender and receiver, which its lanes show."""
    step = parse(text)
    if mode := step.traits.get("mode"):
        message = text.partition(": ")[2]
        return message if mode == "call" else f"{message} ({mode})"
    if step.kind == "http" and "to" in step.traits:
        return text.replace(f" → {step.traits['to']}", "", 1)
    if step.kind == "sql":
        return text.removeprefix("sql: ").replace(f" #{step.traits.get('statement')}", "", 1)
    return _function(text) if step.kind == "call" else text


def _function(text: str) -> str:
    """Return ``API.create()`` of ``compute/api.py.API -> create()``, ``api.f()`` without a class."""
    home, arrow, function = text.partition(" -> ")
    path, suffix, owner = home.partition(".py")
    if not arrow or not suffix:
        return text
    return f"{owner.removeprefix('.') or path.rpartition('/')[2]}.{function}"


def short_label(text: str) -> str:
    """Return the label without a request's query, the endpoint of a message, the module of a job handed over."""
    step = parse(text)
    if step.kind == "http" and "query" in step.traits:
        text = text.replace(f"?{step.traits['query']}", "", 1)
    elif step.kind == "handoff" and not step.traits:
        return f"hand-off: {step.name.removeprefix('hand-off to ').rpartition('.')[2]}"
    elif step.traits.keys() == {"endpoint"}:
        return step.name.removesuffix(" by")
    return label(text)


def goes_out(step: Wording) -> bool:
    """Return whether it is a request's or a message's sending side."""
    traits = parse(step.text).traits
    return (step.kind == "rpc" and "mode" in traits) or (step.kind == "http" and "to" in traits)


def enters_driver(text: str) -> bool:
    """Return whether a call enters a virtualisation driver."""
    home, arrow, _ = text.partition(" -> ")
    return bool(arrow) and home.startswith("virt/") and ".py." in home and home.endswith("Driver")


def between(step: Wording, far: Wording | None, *, outermost: bool) -> tuple[str, str, str]:
    """Return what it is drawn as ("call", "cast", "self" or "note"), and from which lane to which.

    ``far`` is the receiving side of a request that is drawn together with it.
    """
    here = lane(step.service)
    if step.kind in ("log", "state", "ask"):
        return "note", here, here
    if step.kind == "libvirt":
        return _arrow("call", here, "libvirt")
    if step.kind == "sql":
        return _arrow("call", here, "database")
    if goes_out(step):
        traits = parse(step.text).traits
        mode = traits.get("mode", "")
        peer = traits.get("to") or ("broker" if mode == "notify" else "unknown")
        return _arrow("cast" if mode in UNAWAITED else "call", here, lane(far.service if far else peer))
    # A request without a recorded sender comes from the client.
    return _arrow("call", "client", here) if outermost and step.kind == "http" else ("self", here, here)


def _arrow(what: str, source: str, target: str) -> tuple[str, str, str]:
    return (what, source, target) if source != target else ("self", source, target)


def lane(service: str) -> str:
    """Return the name of a service's lane."""
    return shorten(service, LANE) or "unknown"
