"""Messages to services of a cloud that were not recorded: the steps that sent them say so."""

from __future__ import annotations

from tracer import notices
from tracer.model import Request, Step

#: A receiver: topic, and server or "".
_Receiver = tuple[str, str]


def mark(requests: list[Request]) -> list[str]:
    """Set ``unrecorded`` of each step whose message was received by nobody recorded; return a line for each receiver.

    A receiver of another message was recorded: to that one a message may have been lost.
    """
    sent = [(request, step) for request in requests for step in request.walk() if _is_message(step)]
    recorded = {_receiver(step) for _, step in sent if _is_received(step)}
    missing: dict[_Receiver, tuple[Request, Step]] = {}
    for request, step in sent:
        if not _is_received(step) and _receiver(step) not in recorded:
            step.attributes["unrecorded"] = _text(_receiver(step))
            missing.setdefault(_receiver(step), (request, step))
    return [
        notices.receiver_unrecorded(
            _text(receiver), request.number, step.address, step.text("method") or step.name
        ).text
        for receiver, (request, step) in missing.items()
    ]


def _is_message(step: Step) -> bool:
    return step.kind == "rpc" and step.is_client and step.mode in ("call", "cast") and bool(step.text("topic"))


def _is_received(step: Step) -> bool:
    return bool(step.opens) or any(child.is_server for child in step.children)


def _receiver(step: Step) -> _Receiver:
    return step.text("topic"), step.text("server")


def _text(receiver: _Receiver) -> str:
    topic, server = receiver
    return f"{topic} on {server}" if server else topic
