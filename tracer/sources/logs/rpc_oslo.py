"""RPC as oslo.messaging's driver logs it at DEBUG: sent, received and answered messages with their ids."""

from __future__ import annotations

import re

from tracer.events import Event
from tracer.sources.logs.process_log import ProcessLog
from tracer.sources.logs.records import Ids, Record

_CALLING = re.compile(r"Calling RPC method (?P<method>\S+) on target (?P<target>\S+)")
_SENT = re.compile(
    r"(?P<verb>CALL|CAST) (?P<key>msg_id|unique_id): (?P<id>\S+) (?P<kind>FANOUT|NOTIFY)? ?"
    r"(?:exchange '(?P<exchange>[^']*)' )?topic '(?P<topic>[^']*)'"
)
_RECEIVED = re.compile(r"received message (?:with )?(?P<key>msg_id|unique_id): (?P<id>\S+)")
_DISPATCHED = re.compile(r"Receive incoming message with id (?P<id>\S+) and method: (?P<method>\S+?)\.?\Z")
_DONE = re.compile(r"Replied \w+ message with id (?P<id>\S+) and method")
_REPLYING = re.compile(r"sending (?P<result>reply|failure) msg_id: (?P<id>\S+)")
_REPLIED = re.compile(r"received reply msg_id: (?P<id>\S+)|Received RPC response for msg (?P<other>\S+)")
#: How those lines begin; most of the driver's lines begin differently.
_OPENINGS = (b"Calling RPC", b"CALL ", b"CAST ", b"received ", b"Receive", b"Replied ", b"sending ")
#: A line that follows "Calling RPC method" later than this, in nanoseconds, belongs to another message.
_SOON = 1_000_000_000


class OsloRpcParser:
    """The parser of one process's messages over oslo.messaging."""

    def __init__(self, log: ProcessLog) -> None:
        self._log = log
        self._calling: dict[Ids, tuple[int, str]] = {}
        self._sent: dict[str, Event] = {}
        self._received: dict[str, Event] = {}
        #: received and not yet dispatched: a cast's dispatch logs another id than its arrival
        self._undispatched: list[Event] = []

    def take(self, record: Record) -> bool:
        """Parse a record; return whether it reports a message or the driver's internals."""
        if not record.opening.startswith(_OPENINGS):
            return record.level == "DEBUG"
        message = record.message
        if match := _CALLING.match(message):
            self._calling[record.ids] = record.time, match["method"]
        elif match := _SENT.match(message):
            self._send(match, record)
        elif match := _RECEIVED.match(message):
            self._receive(match, record)
        elif match := _DISPATCHED.match(message):
            self._dispatch(match)
        elif match := _REPLYING.match(message):
            self._reply(match, record)
        elif match := _DONE.match(message):
            self._name_request(match["id"], record)
        elif match := _REPLIED.match(message):
            self._take_reply(match["id"] or match["other"], record)
        return record.level == "DEBUG"

    def _send(self, match: re.Match[str], record: Record) -> None:
        begun, method = self._calling.pop(record.ids, (record.time, ""))
        if not 0 <= record.time - begun <= _SOON:
            begun, method = record.time, ""
        kind = match["kind"]
        mode = kind.lower() if kind else match["verb"].lower()
        event = self._log.add(
            "rpc", method, record, side="client", mode=mode, method=method or None, topic=match["topic"],
            exchange=match["exchange"],
        )  # fmt: skip
        event.attributes[match["key"]] = match["id"]
        event.start = begun
        if mode != "call":
            event.end = record.time
        self._sent[match["id"]] = event

    def _receive(self, match: re.Match[str], record: Record) -> None:
        event = self._log.add("rpc", "", record, side="server", mode="cast" if match["key"] == "unique_id" else "call")
        if match["key"] == "unique_id":
            del event.attributes["mode"]  # a fanout's arrival looks the same: the sender's line decides
        event.attributes[match["key"]] = match["id"]
        # The listener's thread may still have the context of an earlier message.
        for name in ("request_id", "global_request_id"):
            event.attributes.pop(name, None)
        self._received[match["id"]] = event
        self._undispatched.append(event)

    def _dispatch(self, match: re.Match[str]) -> None:
        event = self._received.get(match["id"])
        if event is None:
            event = next((event for event in self._undispatched if "unique_id" in event.attributes), None)
        if event is None:
            return
        if event in self._undispatched:
            self._undispatched.remove(event)
        self._received[match["id"]] = event
        event.name = event.name or match["method"]
        event.attributes["method"] = event.name

    def _reply(self, match: re.Match[str], record: Record) -> None:
        event = self._name_request(match["id"], record)
        if event is None:
            return
        event.end = max(record.time, event.start)
        if match["result"] == "failure":
            event.error = "failed, as its answer said"

    def _name_request(self, key: str, record: Record) -> Event | None:
        """Set a received message's request to that of the line on its completion; return the message.

        A completed cast has not ended: a thread may continue it.
        """
        event = self._received.get(key)
        if event is not None and record.request_id:
            event.attributes["request_id"] = record.request_id
            if record.global_request_id:
                event.attributes["global_request_id"] = record.global_request_id
        return event

    def _take_reply(self, msg_id: str, record: Record) -> None:
        event = self._sent.get(msg_id)
        if event is not None:
            event.end = max(record.time, event.start)
