"""Message bodies: method, arguments and ids, from carrot's form of 2011 and oslo.messaging's envelopes, masked."""

from __future__ import annotations

from tracer.model import Value
from tracer.model.attributes import TRACEPARENT
from tracer.sources import values

#: Conductor methods that call a method of an object they carry, and the argument that holds the object.
_ENVELOPES = {"object_action": "objinst", "object_class_action_versions": "objname", "object_class_action": "objname"}


def unwrap(body: Value) -> dict[str, Value]:
    """Return the message inside its envelope; {} if there is none."""
    if isinstance(body, str):
        body = values.parse_json(body)
    if isinstance(body, dict) and "oslo.message" in body:
        body = body["oslo.message"]
        if isinstance(body, str):
            body = values.parse_json(body)
    return body if isinstance(body, dict) else {}


def message_attributes(message: dict[str, Value]) -> dict[str, Value]:
    """Return method, arguments and ids as a step's attributes; a reply has no method."""
    attributes: dict[str, Value] = {}
    for key, name in (
        ("_msg_id", "msg_id"), ("_unique_id", "unique_id"), ("_reply_q", "reply_queue"),
        ("_context_request_id", "request_id"), ("_context_global_request_id", "global_request_id"),
        (f"_context_{TRACEPARENT}", TRACEPARENT),
    ):  # fmt: skip
        value = message.get(key)
        if isinstance(value, str) and value:
            attributes[name] = values.text(value)
    if isinstance(message.get("method"), str):
        attributes["method"] = method(message)
        attributes["arguments"] = values.masked(message.get("args"))
    elif isinstance(event_type := message.get("event_type"), str):
        attributes["method"] = values.text(event_type)
    return attributes


def method(message: dict[str, Value]) -> str:
    """Return the method that the message calls: ``Instance.save`` for an ``object_action`` of an instance."""
    name, arguments = values.text(str(message.get("method"))), message.get("args")
    if name not in _ENVELOPES or not isinstance(arguments, dict):
        return name
    carried = arguments.get(_ENVELOPES[name])
    if isinstance(carried, dict):
        carried = carried.get("nova_object.name")
    inner = arguments.get("objmethod")
    return values.text(f"{carried}.{inner}") if isinstance(carried, str) and isinstance(inner, str) else name
