"""What a step in its normal form says in a picture: from where to where it goes, and its label between the lanes."""

from __future__ import annotations

import re
from typing import Protocol

from diagrams.text import shorten
from tracer.notation.parse import UNAWAITED

#: Longest name of a lane.
LANE = 24

_SENT = re.compile(r"rpc\.(\w+)\(\)(?: to ([^\s:]+))?: (.+)$")
_ASKED = re.compile(r"([A-Z]+ /.*?) → ([^\s:]+)(.*)$")
_CODE = re.compile(r"(?:\S*/)?(\w+)\.py(?:\.(\S+))? -> (\w+\(\).*)$")
_HANDOFF = re.compile(r"hand-off to (?:\S+\.)?(\S+)$")
_SERVED = re.compile(r"(\S+) by \S+(?: -> \S+\(\))?$")
_QUERY = re.compile(r"\?\S*?(?=: \d+$|$)")
_FINGERPRINT = re.compile(r"^sql: | #\w+")
_DRIVER = re.compile(r"virt/\S+\.py\.\w*Driver -> ")


class Said(Protocol):
    """A step in words: of one boot, or of several."""

    kind: str
    service: str
    text: str


def label(text: str) -> str:
    """A step's text where its lanes say already who asks whom."""
    if sent := _SENT.match(text):
        return sent[3] if sent[1] == "call" else f"{sent[3]} ({sent[1]})"
    if asked := _ASKED.match(text):
        return asked[1] + asked[3]
    if code := _CODE.match(text):
        return f"{code[2] or code[1]}.{code[3]}"
    return _FINGERPRINT.sub("", text) if text.startswith("sql: ") else text


def short_label(text: str) -> str:
    """The same without queries of requests, the endpoint that serves a message, where a handed-over job lives."""
    if asked := _ASKED.match(text):
        text = text.replace(asked[1], asked[1].partition("?")[0], 1)
    elif text.startswith("/", text.find(" ") + 1):
        text = _QUERY.sub("", text, count=1)
    elif handed := _HANDOFF.match(text):
        return f"hand-off: {handed[1]}"
    served = _SERVED.match(text)
    return served[1] if served else label(text)


def goes_out(step: Said) -> bool:
    """Whether it is a request's or a message's sending side."""
    return (step.kind == "rpc" and bool(_SENT.match(step.text))) or (step.kind == "http" and " → " in step.text)


def enters_driver(text: str) -> bool:
    """Whether a call enters a virtualisation driver."""
    return _DRIVER.match(text) is not None


def between(step: Said, far: Said | None, *, outermost: bool) -> tuple[str, str, str]:
    """What it is drawn as ("call", "cast", "self" or "note"), and from which lane to which.

    ``far`` is the receiving side of a request that is drawn as one with it.
    """
    here = lane(step.service)
    if step.kind in ("log", "state", "ask"):
        return "note", here, here
    if step.kind == "libvirt":
        return _arrow("call", here, "libvirt")
    if step.kind == "sql":
        return _arrow("call", here, "database")
    if goes_out(step):
        sent, asked = _SENT.match(step.text), _ASKED.match(step.text)
        mode = sent[1] if sent else ""
        named = (sent and sent[2]) or (asked and asked[2]) or ("broker" if mode == "notify" else "unknown")
        return _arrow("cast" if mode in UNAWAITED else "call", here, lane(far.service if far else named))
    # A request that nobody was seen to send came from the client.
    return _arrow("call", "client", here) if outermost and step.kind == "http" else ("self", here, here)


def _arrow(what: str, source: str, target: str) -> tuple[str, str, str]:
    return (what, source, target) if source != target else ("self", source, target)


def lane(service: str) -> str:
    """The name of a service's lane."""
    return shorten(service, LANE) or "unknown"
