"""The file messages.jsonl of a capture: one line per message that passed the broker, its secrets masked.

Each line is written at once, so that recorded messages survive a crash. A line is a JSON object:

- ``t``: seconds since the epoch at which the copy arrived;
- ``trace_key``: ``publish.EXCHANGE`` or ``deliver.QUEUE``;
- ``exchange``, ``routing_keys``, ``properties`` (AMQP's own), ``node``, ``vhost``, ``connection``, ``channel``,
  ``user``: where the message was, and who sent or received it;
- ``redelivered``: 0 or 1 for a delivered message, else null; ``routed_queues``: for a published message, else null;
- ``payload``: the body: decoded JSON, including oslo.messaging's inner ``oslo.message``; any other text as text;
  binary data as its length.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from patches import masking
from tracer.errors import TracerError
from tracer.files import folder

NAME = "messages.jsonl"
_ABOUT = ("node", "vhost", "connection", "channel", "user", "redelivered", "routed_queues")
_INNER = "oslo.message"


class MessageFile:
    """The file, open for appending to the lines of an earlier tap; readable by its owner only."""

    def __init__(self, capture: Path, cap: int) -> None:
        self.path = capture / NAME
        self.count = {"publish": 0, "deliver": 0}
        self._cap = cap
        try:
            with folder.opened(capture) as opened:
                self._file = opened.append(NAME)
            os.fchmod(self._file, 0o600)
            self._size = os.fstat(self._file).st_size
            if self._size and os.pread(self._file, 1, self._size - 1) != b"\n":
                self._write(b"\n")  # an earlier tap's disk was full in the middle of a line
        except OSError as error:
            raise TracerError(f"{self.path}: cannot be written: {error.strerror}") from None

    def add(self, kind: str, line: bytes) -> None:
        """Append a line; ``kind`` is publish or deliver. TracerError when the file is full or the write fails."""
        if self._size + len(line) > self._cap:
            raise TracerError(f"{self.path}: full ({self._cap >> 20} MB), stopped; raise the limit with --cap")
        try:
            self._write(line)
        except OSError as error:
            raise TracerError(f"{self.path}: cannot be written: {error.strerror}") from None
        self.count[kind] = self.count.get(kind, 0) + 1

    def _write(self, line: bytes) -> None:
        written = os.write(self._file, line)
        self._size += written
        if written < len(line):  # the next write raises the reason
            self._write(line[written:])

    @property
    def total(self) -> int:
        """Return the number of lines added."""
        return sum(self.count.values())

    def __enter__(self) -> MessageFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)


@lru_cache(maxsize=4096)
def masked_key(name: str) -> tuple[str, bool]:
    """Return the key, masked, and whether its value is a secret. Cached: messages repeat the same keys."""
    return masking.mask(name), masking.secret_key(name)


def encode_line(time: float, key: str, headers: Mapping[str, Any], body: bytes) -> bytes:
    """Return the line for a message with the firehose's headers, newline included."""
    fields = {
        "t": time,
        "trace_key": key,
        "exchange": masked(headers.get("exchange_name")),
        "routing_keys": masked(headers.get("routing_keys")),
        "properties": masked(headers.get("properties")),
        **{name: headers.get(name) for name in _ABOUT},
        "payload": payload(body),
    }
    return json.dumps(fields, default=_as_text).encode() + b"\n"


def payload(body: bytes) -> Any:
    """Return the body, decoded and masked. Any publisher may have written it: an undecodable one is kept as text."""
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
    """Return ``value`` with secrets, known by their keys or their shapes, masked at any depth."""
    if isinstance(value, str):
        return masking.mask(value)
    if isinstance(value, dict):
        secret = masking.secret_values(value)
        return dict(_masked_item(str(name), item, str(name) in secret) for name, item in value.items())
    if isinstance(value, list):
        if masking.is_pair(value):
            return [value[0], masking.MASK]
        return masking.arguments(value) if _is_command(value) else [masked(item) for item in value]
    return value


def _masked_item(name: str, value: Any, is_valued: bool) -> tuple[str, Any]:
    shown, is_secret = masked_key(name)
    hidden = (is_secret or is_valued) and masking.may_be_secret(value)
    return shown, masking.MASK if hidden else masked(value)


def _is_command(value: list[Any]) -> bool:
    """Return whether a list may be a program's arguments."""
    return len(value) > 2 and all(isinstance(item, str) for item in value)


def _as_text(value: Any) -> str:
    """Return a value of an AMQP type that JSON lacks (time, decimal, bytes) as text."""
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)
