"""Message copies: what RabbitMQ's firehose saw, a message a line of JSON, as events of those who sent and took them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

from tracer.errors import TracerError
from tracer.events import Event, Events, Process
from tracer.model import Value
from tracer.sources import values
from tracer.sources.broker import bodies
from tracer.sources.broker.senders import Senders
from tracer.sources.logs import blocks, buffers, times
from tracer.text import plural

_TIMES = ("ts", "t", "time", "timestamp")


@dataclass(slots=True)
class Copy:
    """One message as the broker took it (``published``) or handed it out."""

    number: int
    time: int
    published: bool
    exchange: str
    #: the queue it was handed out from, or the key it was published with
    place: str
    connection: str
    body: dict[str, Value]
    redelivered: bool = False
    #: published, and no queue took it
    unrouted: bool = False
    #: the same for the copies of one message: its publishing and its deliveries
    digest: str = ""


def is_copies(path: Path) -> bool:
    """Whether a file's first line is such a copy."""
    try:
        with buffers.opened(path) as data:
            return _copy(1, next(blocks.lines(data), b"")) is not None
    except TracerError:
        return False  # reading it says why it cannot be read


def read(path: Path) -> Events:
    """The events of a file of message copies; what is none is counted in a warning."""
    found = Events()
    copies, senseless, cut = [], 0, False
    with buffers.opened(path) as data:
        for number, line in enumerate(blocks.lines(data), 1):
            copy = _copy(number, line)
            cut = copy is None and bool(line.strip(b"\0\r\n\t "))
            senseless += cut
            if copy is not None:
                copies.append(copy)
        found.warnings += [f"{path}: {fault}" for fault in (data.fault, data.short and buffers.SHORTENED) if fault]
    if senseless:
        found.warnings.append(f"{path}: {plural(senseless, 'line')} of it no copy of a message, left out")
    # A last line that makes no sense is cut off.
    found.damaged = senseless > cut or data.short or data.fault not in ("", buffers.CUT_OFF)
    broker = _Broker(path)
    for copy in sorted(copies, key=lambda copy: (copy.time, copy.number)):
        broker.take(copy)
    broker.name_senders()
    found.events, found.processes = broker.events, list(broker.processes.values())
    return found


def _copy(number: int, line: bytes) -> Copy | None:
    told = values.parsed_json(line) if line.lstrip()[:1] == b"{" else None
    if not isinstance(told, dict) or "payload" not in told:
        return None
    kind, _, place = str(told.get("trace_key")).partition(".")
    if kind not in ("publish", "deliver"):
        return None
    time = times.of_seconds(next((told[name] for name in _TIMES if isinstance(told.get(name), (int, float))), None))
    body = bodies.unwrapped(told["payload"])
    if not time or not body:
        return None
    keys = told.get("routing_keys")
    key = str(keys[0]) if isinstance(keys, list) and keys else ""
    return Copy(
        number, time, kind == "publish", str(told.get("exchange") or ""), key if kind == "publish" else place,
        str(told.get("connection") or ""), body, bool(told.get("redelivered")), told.get("routed_queues") == [],
        _digest(told["payload"]),
    )  # fmt: skip


def _digest(payload: Value) -> str:
    return sha1(repr(payload).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:16]


class _Broker:
    """The copies so far: whose they are, and which calls wait for answers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.processes: dict[str, Process] = {}
        self.events: list[Event] = []
        self._senders = Senders()
        #: calls by their msg_id: the senders' events, the receivers'; what is handed out again has the same
        self._asked: dict[str, list[Event]] = defaultdict(list)
        self._served: dict[str, list[Event]] = defaultdict(list)

    def take(self, copy: Copy) -> None:
        """Look at one copy, in the order of time."""
        msg_id = self._answered(copy)
        if msg_id:
            self._take_reply(msg_id, copy)
        elif "method" in copy.body or "event_type" in copy.body:
            self._take_message(copy)

    def _answered(self, copy: Copy) -> str:
        """The call that a reply answers: named in it, or, in carrot's time, by the exchange it goes to."""
        if "result" not in copy.body and "failure" not in copy.body:
            return ""
        named = copy.body.get("_msg_id")
        place = copy.exchange if copy.published else copy.place
        return named if isinstance(named, str) and named else place

    def _take_message(self, copy: Copy) -> None:
        told = bodies.told(copy.body)
        mode = _mode(copy, told)
        topic = copy.exchange.removesuffix("_fanout") if mode == "fanout" else copy.place
        told |= {"side": "client" if copy.published else "server", "mode": mode, "topic": topic, "payload": copy.digest}
        if copy.exchange:
            told["exchange"] = copy.exchange
        told |= {name: True for name in ("redelivered", "unrouted") if getattr(copy, name)}
        event = Event(
            self._process("unknown" if copy.published else topic), copy.number, 0, "rpc", str(told.get("method", "")),
            0, copy.time, attributes=told, witnesses=("broker",),
        )  # fmt: skip
        self.events.append(event)
        msg_id = told.get("msg_id")
        if isinstance(msg_id, str) and mode == "call":
            (self._asked if copy.published else self._served)[msg_id].append(event)
        elif copy.published:
            event.end = copy.time
        (self._senders.sent if copy.published else self._senders.taken)(event, copy.connection)

    def _take_reply(self, msg_id: str, copy: Copy) -> None:
        failure = copy.body.get("failure")
        for event in (self._served if copy.published else self._asked).get(msg_id, ()):
            event.end = copy.time
            self._senders.answered(event, copy.connection, "" if copy.published else copy.place)
            if failure:
                event.error = _failure(failure)

    def _process(self, topic: str) -> Process:
        # Nova's compute has two servers in one process since 2025, of which the second's topic says so.
        topic = topic.replace("compute-alt.", "compute.")
        key = f"broker {self._path} {topic}"
        if key not in self.processes:
            self.processes[key] = Process(key, 0, "", f"nova-{topic}", clock=str(self._path))
        return self.processes[key]

    def name_senders(self) -> None:
        """Give each sent message to the process that, as far as can be told, sent it."""
        for event, topic in self._senders.resolved():
            event.process = self._process(topic)
        used = {event.process.key for event in self.events}
        self.processes = {key: process for key, process in self.processes.items() if key in used}


def _mode(copy: Copy, told: dict[str, Value]) -> str:
    if "event_type" in copy.body:
        return "notify"
    if "msg_id" in told:
        return "call"
    return "fanout" if copy.exchange.endswith("_fanout") else "cast"


def _failure(failure: Value) -> str:
    """Class and message of what went wrong at the far side, in either form."""
    if isinstance(failure, str):
        read = values.parsed_json(failure)
        failure = read if read is not None else failure
    if isinstance(failure, dict):
        return values.text(f"{failure.get('class', 'error')}: {failure.get('message', '')}")
    if isinstance(failure, list) and len(failure) > 1:
        return values.text(f"{failure[0]}: {failure[1]}")
    return values.text(str(failure))
