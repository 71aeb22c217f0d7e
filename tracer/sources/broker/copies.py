"""Message copies from RabbitMQ's firehose, one JSON object per line, as events of senders and receivers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

from tracer.events import Event, Events, Process
from tracer.model import Value, service_names
from tracer.model.service_names import PROGRAMS
from tracer.sources import packing, values
from tracer.sources.broker import bodies, copy_forms
from tracer.sources.broker.senders import Senders
from tracer.sources.logs import buffers, times
from tracer.sources.logs.blocks import Text
from tracer.text import plural

_TIMES = ("ts", "t", "time", "timestamp")


@dataclass(slots=True)
class Copy:
    """A message as the broker received it (``published``) or delivered it."""

    number: int
    time: int
    published: bool
    exchange: str
    #: the queue it was delivered from, or the routing key it was published with
    target: str
    connection: str
    body: dict[str, Value]
    redelivered: bool = False
    #: published, but routed to no queue
    unrouted: bool = False
    #: equal for all copies of one message: its publishing and its deliveries
    digest: str = ""


def read(path: Path) -> Events:
    """Read a file of message copies."""
    with buffers.opened(path) as data:
        return read_copies(path, data)


def read_copies(path: Path, data: Text) -> Events:
    """Read message copies; other lines are skipped and counted in a warning."""
    result = Events()
    copies, invalid, is_last_invalid = [], 0, False
    for number, fields in copy_forms.read(data):
        copy = _copy(number, fields)
        is_last_invalid = copy is None
        invalid += is_last_invalid
        if copy is not None:
            copies.append(copy)
    result.warnings += [f"{path}: {fault}" for fault in (data.fault, data.short and buffers.SHORTENED) if fault]
    if invalid:
        result.warnings.append(f"{path}: {plural(invalid, 'line')} skipped: not a message copy")
    # A last line that is invalid was cut off.
    result.damaged = invalid > is_last_invalid or data.short or data.fault not in ("", packing.CUT_OFF)
    broker = _Broker(path)
    for copy in sorted(copies, key=lambda copy: (copy.time, copy.number)):
        broker.take(copy)
    broker.name_senders()
    result.events, result.processes = broker.events, list(broker.processes.values())
    return result


def _copy(number: int, fields: copy_forms.Fields | None) -> Copy | None:
    if fields is None:
        return None
    kind, _, queue = str(fields.get("trace_key")).partition(".")
    if kind not in ("publish", "deliver"):
        return None
    time = times.of_seconds(next((fields[name] for name in _TIMES if isinstance(fields.get(name), (int, float))), None))
    body = bodies.unwrap(fields["payload"])
    if not time or not body:
        return None
    keys = fields.get("routing_keys")
    key = str(keys[0]) if isinstance(keys, list) and keys else ""
    return Copy(
        number, time, kind == "publish", str(fields.get("exchange") or ""), key if kind == "publish" else queue,
        str(fields.get("connection") or ""), body, bool(fields.get("redelivered")), fields.get("routed_queues") == [],
        _digest(fields["payload"]),
    )  # fmt: skip


def _digest(payload: Value) -> str:
    return sha1(repr(payload).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:16]


class _Broker:
    """The processes and events of the copies so far, and the calls that wait for answers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.processes: dict[str, Process] = {}
        self.events: list[Event] = []
        self._senders = Senders()
        #: calls by msg_id: the senders' events, and the receivers', of which a redelivered call has several
        self._sent: dict[str, list[Event]] = defaultdict(list)
        self._received: dict[str, list[Event]] = defaultdict(list)

    def take(self, copy: Copy) -> None:
        """Add a copy; to be called in the order of time."""
        msg_id = self._answered_call(copy)
        if msg_id:
            self._take_reply(msg_id, copy)
        elif "method" in copy.body or "event_type" in copy.body:
            self._take_message(copy)

    def _answered_call(self, copy: Copy) -> str:
        """Return the msg_id of the call that a reply answers, "" for other copies.

        The reply names it; in carrot's time the exchange that it is sent to did.
        """
        if "result" not in copy.body and "failure" not in copy.body:
            return ""
        named = copy.body.get("_msg_id")
        exchange = copy.exchange if copy.published else copy.target
        return named if isinstance(named, str) and named else exchange

    def _take_message(self, copy: Copy) -> None:
        attributes = bodies.message_attributes(copy.body)
        mode = _mode(copy, attributes)
        topic = copy.exchange.removesuffix("_fanout") if mode == "fanout" else copy.target
        attributes |= {
            "side": "client" if copy.published else "server",
            "mode": mode,
            "topic": topic,
            "payload": copy.digest,
        }
        if copy.exchange:
            attributes["exchange"] = copy.exchange
        attributes |= {name: True for name in ("redelivered", "unrouted") if getattr(copy, name)}
        process, method = self._process("unknown" if copy.published else topic), str(attributes.get("method", ""))
        event = Event(
            process, copy.number, 0, "rpc", method, 0, copy.time, attributes=attributes, witnesses=("broker",),
        )  # fmt: skip
        self.events.append(event)
        msg_id = attributes.get("msg_id")
        if isinstance(msg_id, str) and mode == "call":
            (self._sent if copy.published else self._received)[msg_id].append(event)
        elif copy.published:
            event.end = copy.time
        (self._senders.sent if copy.published else self._senders.taken)(event, copy.connection)

    def _take_reply(self, msg_id: str, copy: Copy) -> None:
        failure = copy.body.get("failure")
        for event in (self._received if copy.published else self._sent).get(msg_id, ()):
            event.end = copy.time
            self._senders.answered(event, copy.connection, "" if copy.published else copy.target)
            if failure:
                event.error = _failure(failure)

    def _process(self, topic: str) -> Process:
        # Since 2025 nova-compute runs two servers in one process; the second has a topic of its own.
        topic = topic.replace("compute-alt.", "compute.")
        key = f"broker {self._path} {topic}"
        if key not in self.processes:
            self.processes[key] = Process(key, 0, "", _program(topic), clock=str(self._path))
        return self.processes[key]

    def name_senders(self) -> None:
        """Assign each sent message to its most likely sender, and remove processes without events."""
        for event, topic in self._senders.resolved():
            event.process = self._process(topic)
        used = {event.process.key for event in self.events}
        self.processes = {key: process for key, process in self.processes.items() if key in used}


def _program(topic: str) -> str:
    """Return the program that consumes a topic, with the topic: Nova's are named after their topics."""
    program = PROGRAMS.get(service_names.service_of_topic(topic), "nova")
    return f"nova-{topic}" if program.startswith("nova") else f"{program} ({topic})"


def _mode(copy: Copy, attributes: dict[str, Value]) -> str:
    if "event_type" in copy.body:
        return "notify"
    if "msg_id" in attributes:
        return "call"
    return "fanout" if copy.exchange.endswith("_fanout") else "cast"


def _failure(failure: Value) -> str:
    """Return class and message of the error at the far side, from carrot's or oslo.messaging's form."""
    if isinstance(failure, str):
        parsed = values.parse_json(failure)
        failure = parsed if parsed is not None else failure
    if isinstance(failure, dict):
        return values.text(f"{failure.get('class', 'error')}: {failure.get('message', '')}")
    if isinstance(failure, list) and len(failure) > 1:
        return values.text(f"{failure[0]}: {failure[1]}")
    return values.text(str(failure))
