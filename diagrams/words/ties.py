"""The wording of ties: how a step was assigned to its parent, and a summary over a boot."""

from __future__ import annotations

from collections import Counter, defaultdict

from tracer.model import Request, Step

_WORDS = {
    "context": "by its thread", "handoff": "by its hand-off", "msg_id": "by message id", "unique_id": "by message id",
    "message": "by the message itself", "payload": "by the message's text", "request_id": "by request id",
    "global_request_id": "by the caller's request id", "topic_order": "by the order in its topic",
    "request": "by method, path and time", "instance": "by instance", "time": "by time",
}  # fmt: skip
#: Ties that may be wrong, based only on the order, the time or the instance.
_WEAK = frozenset({"topic_order", "request", "instance", "time"})


def tie(step: Step) -> str:
    """Return ``by request id``, ``by time``; "" at a root."""
    return _WORDS.get(step.tied_by, f"by {step.tied_by}" if step.tied_by else "")


def doubt(step: Step) -> str:
    """Return the tie if it is less certain than an id, else ""."""
    return tie(step) if step.tied_by in _WEAK else ""


def summary(boot: Request) -> str:
    """Return ``tied: rpc 34 by message id; sql 812 by request id, 40 by time``; "" if hooks recorded every step."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    unhooked = False
    for step in boot.walk():
        unhooked = unhooked or "hooks" not in step.witnesses
        if step.tied_by and step.kind != "state":
            counts[step.kind][tie(step)] += 1
    parts = (
        f"{kind} {', '.join(f'{count} {how}' for how, count in counts[kind].most_common())}" for kind in sorted(counts)
    )
    return f"tied: {'; '.join(parts)}" if unhooked and counts else ""
