"""One line of messages.jsonl: a message that passed the broker, with its secrets masked.

A line is a JSON object:

- ``t``: seconds of the epoch, when the copy came to us;
- ``trace_key``: ``publish.EXCHANGE`` or ``deliver.QUEUE``;
- ``exchange``, ``routing_keys``, ``properties`` (AMQP's own), ``node``, ``vhost``, ``connection``, ``channel``,
  ``user``: where the message was, who sent or took it;
- ``redelivered``: 0 or 1, of what was delivered; ``routed_queues``: of what was published; else null;
- ``payload``: the body: JSON as what it holds, oslo.messaging's inner ``oslo.message`` too; another text as a text;
  what is no text as its length.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from patches import masking

_ABOUT = ("node", "vhost", "connection", "channel", "user", "redelivered", "routed_queues")
_INNER = "oslo.message"


@lru_cache(maxsize=4096)
def named(name: str) -> tuple[str, bool]:
    """The name, masked, and whether what stands under it is a secret: messages have the same ones again and again."""
    return masking.mask(name), masking.secret_key(name)


def line(at: float, key: str, headers: Mapping[str, Any], body: bytes) -> bytes:
    """What the firehose says of one message, with the newline."""
    kept = {
        "t": at,
        "trace_key": key,
        "exchange": masked(headers.get("exchange_name")),
        "routing_keys": masked(headers.get("routing_keys")),
        "properties": masked(headers.get("properties")),
        **{name: headers.get(name) for name in _ABOUT},
        "payload": payload(body),
    }
    return json.dumps(kept, default=_other).encode() + b"\n"


def payload(body: bytes) -> Any:
    """The body, masked. It may come from anybody who may publish: what cannot be taken apart is kept as a text."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return f"<{len(body)} bytes>"
    try:
        content = json.loads(text)
        if isinstance(content, dict) and isinstance(content.get(_INNER), str):
            content = content | {_INNER: json.loads(content[_INNER])}
        return masked(content)
    except (ValueError, RecursionError):
        return masking.mask(text)


def masked(value: Any) -> Any:
    """``value`` with what stands under a secret's name, and what has a secret's shape, masked, at any depth."""
    if isinstance(value, str):
        return masking.mask(value)
    if isinstance(value, dict):
        secret = masking.secret_values(value)
        return dict(_under(str(name), each, str(name) in secret) for name, each in value.items())
    if isinstance(value, list):
        if masking.is_pair(value):
            return [value[0], masking.MASK]
        return masking.arguments(value) if _is_command(value) else [masked(each) for each in value]
    return value


def _under(name: str, value: Any, is_valued: bool) -> tuple[str, Any]:
    shown, is_secret = named(name)
    hides = (is_secret or is_valued) and value is not None and not isinstance(value, bool)
    return shown, masking.MASK if hides else masked(value)


def _is_command(value: list[Any]) -> bool:
    """Whether a list may be a program's arguments."""
    return len(value) > 2 and all(isinstance(each, str) for each in value)


def _other(value: Any) -> str:
    """AMQP's types that JSON has not: times, decimals, bytes."""
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)
