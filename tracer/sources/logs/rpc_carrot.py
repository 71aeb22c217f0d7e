"""RPC as Nova's own rpc module and its successors logged it, 2011 to 2014: the receiver logs the whole message."""

from __future__ import annotations

import re

from tracer.events import Event
from tracer.model import Value
from tracer.sources import values
from tracer.sources.broker import bodies
from tracer.sources.logs.process_log import ProcessLog
from tracer.sources.logs.records import Record

_SENDING = re.compile(
    r"Making (?:an? )?(?:a?synchronous )?(?P<fanout>fanout )?(?P<mode>call|cast)"
    r"(?: on (?P<topic>[^\s.]+(?:\.[^\s.]+)*)\s?\.\.\.)?"
)
_ID_LINE = re.compile(r"(?P<key>MSG_ID|UNIQUE_ID) is (?P<id>[\w-]+)")
#: Fields of a message that is too long or too unusual to be parsed as a whole.
_FIELD = re.compile(r"'(?P<key>method|_context_request_id|_msg_id|_unique_id)': u?'(?P<value>[^']{1,200})'")
_NOISE = ("unpacked context", "Pool creating new connection", "Initing the Adapter Consumer", "Creating Consumer")


class CarrotRpcParser:
    """The parser of one process's messages over Nova's rpc module."""

    def __init__(self, log: ProcessLog) -> None:
        self._log = log
        self._last_sent: Event | None = None

    def take(self, record: Record) -> bool:
        """Parse a record; return whether it reports a message or the module's internals."""
        if match := _SENDING.match(record.message):
            self._send(match, record)
        elif match := _ID_LINE.match(record.message):
            if self._last_sent is not None:
                self._last_sent.attributes[match["key"].lower()] = match["id"]
        elif record.message.startswith("received {"):
            self._receive(record.message.removeprefix("received "), record)
        else:
            return record.message.startswith(_NOISE)
        return True

    def _send(self, match: re.Match[str], record: Record) -> None:
        mode = "fanout" if match["fanout"] else match["mode"]
        self._last_sent = self._log.add("rpc", "", record, side="client", mode=mode, topic=match["topic"])
        if mode != "call":
            self._last_sent.end = record.time

    def _receive(self, written: str, record: Record) -> None:
        message = values.parse_literal(written)
        if not isinstance(message, dict):
            message = {match["key"]: match["value"] for match in _FIELD.finditer(written[: values.MAX_LITERAL])}
        attributes: dict[str, Value] = {"side": "server", **bodies.message_attributes(message)}
        if "msg_id" in attributes:
            attributes["mode"] = "call"
        method = attributes.get("method")
        # The message's context is more reliable than the thread's, which may be of earlier work.
        self._log.add("rpc", method if isinstance(method, str) else "", record, **attributes)
