"""Forms of message copies: the tracing plugin's text and JSON, rabbitmqadmin's answers, pika's dumps."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracer.events import Events
from tracer.sources import contents
from tracer.sources.logs.detect import Hints

Message = dict[str, Any]
R = "req-c29ec537-4c93-4257-b1e1-a97407e9c85d"


def body(method: str, **more: Any) -> str:
    message = {
        "method": method, "args": {"pipe": "a | b", "umlaut": "x"}, "_context_request_id": R,
        "_context_timestamp": "2026-11-22T12:00:01.250000", **more,
    }  # fmt: skip
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(message)})


#: A cast to the conductor and a call to the scheduler with its answer: (published or received, exchange, key, body).
STORY = (
    ("published", "nova", "conductor", body("schedule_and_build_instances", _unique_id="1")),
    ("received", "nova", "conductor", body("schedule_and_build_instances", _unique_id="1")),
    ("published", "nova", "scheduler", body("select_destinations", _msg_id="m1", _reply_q="reply_1")),
    ("received", "nova", "scheduler", body("select_destinations", _msg_id="m1", _reply_q="reply_1")),
    ("published", "", "reply_1", json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(
        {"_msg_id": "m1", "result": [], "failure": None, "ending": True},
    )})),
)  # fmt: skip


def as_text() -> str:
    copies = []
    for number, (kind, exchange, key, payload) in enumerate(STORY):
        routed = f'Routed queues: [<<"{key}">>]\n' if kind == "published" else ""
        queue = f"Queue:        {key}\n" if kind == "received" else ""
        copies.append(
            f"\n{'=' * 80}\n2026-11-22 12:00:0{number}:7: Message {kind}\n\nNode:         rabbit@kite\n"
            f"Connection:   192.0.2.1:5000{number} -> 192.0.2.2:5672\nVirtual host: /\nUser:         openstack\n"
            f'Channel:      1\nExchange:     {exchange}\nRouting keys: [<<"{key}">>]\n{queue}{routed}'
            f'Properties:   [{{<<"priority">>,signedint,0}},\n               {{<<"delivery_mode">>,signedint,2}}]\n'
            f"Payload: \n{payload}\n"
        )
    return "".join(copies)


def as_json() -> str:
    return "".join(
        json.dumps({
            "timestamp": f"2026-11-22 12:00:0{number}:7", "type": kind, "node": "rabbit@kite",
            "connection": f"192.0.2.1:5000{number}", "vhost": "/", "user": "openstack", "channel": 1,
            "exchange": exchange, "queue": key if kind == "received" else "none",
            "routed_queues": [key] if kind == "published" else "none", "routing_keys": [key], "properties": {},
            "payload": base64.b64encode(payload.encode()).decode(),
        }) + "\n"
        for number, (kind, exchange, key, payload) in enumerate(STORY)
    )  # fmt: skip


def as_firehose_dump() -> str:
    """Return what a program writes that consumes the firehose with pika."""
    return "".join(
        json.dumps({
            "method": {
                "exchange": "amq.rabbitmq.trace", "redelivered": False, "delivery_tag": number,
                "routing_key": f"publish.{exchange}" if kind == "published" else f"deliver.{key}",
            },
            "properties": {"headers": {
                "exchange_name": exchange, "routing_keys": [key], "node": "rabbit@kite", "connection": f"c{number}",
                "routed_queues": [key] if kind == "published" else None,
            }},
            "timestamp": f"2026-11-22 12:00:0{number}.007000", "body": payload,
        }) + "\n"
        for number, (kind, exchange, key, payload) in enumerate(STORY)
    )  # fmt: skip


def read(folder: Path, name: str, text: str) -> Events:
    (folder / name).write_text(text, encoding="utf-8")
    return contents.read(folder / name, Hints())


@pytest.mark.parametrize(
    ("name", "write"),
    [("nova-trace.log", as_text), ("nova-trace.log", as_json), ("trace.json", as_json), ("a.jsonl", as_firehose_dump)],
    ids=["text", "json", "json by name", "pika"],
)
def test_copies_of_the_firehose_are_read(tmp_path: Path, name: str, write: Callable[[], str]) -> None:
    events = read(tmp_path, name, write())
    assert (events.warnings, events.damaged) == ([], False)
    assert [(e.name, e.attributes["side"], e.attributes["mode"], e.attributes["topic"]) for e in events.events] == [
        ("schedule_and_build_instances", "client", "cast", "conductor"),
        ("schedule_and_build_instances", "server", "cast", "conductor"),
        ("select_destinations", "client", "call", "scheduler"),
        ("select_destinations", "server", "call", "scheduler"),
    ]
    call = events.events[3]
    assert call.end is not None
    assert call.end - call.start == 1_000_000_000
    assert call.start % 1_000_000_000 == 7_000_000


def waiting(payload: str) -> Message:
    return {
        "payload_bytes": len(payload), "redelivered": False, "exchange": "nova", "routing_key": "conductor",
        "message_count": 0, "properties": {"delivery_mode": 2}, "payload": payload, "payload_encoding": "string",
    }  # fmt: skip


def table(payload: str) -> str:
    """Return rabbitmqadmin's own form."""
    row = {name: str(value) for name, value in waiting(payload).items()}
    names = ("routing_key", "exchange", "message_count", "payload", "payload_bytes", "payload_encoding", "redelivered")
    widths = [max(len(name), len(row[name])) for name in names]
    edge = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
        for cells in (names, [row[name] for name in names])
    ]
    return "\n".join([edge, lines[0], edge, lines[1], edge]) + "\n"


_SENT = body("build_instances", _unique_id="2")
_NOTICE = json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps({
    "event_type": "compute.instance.create.start", "timestamp": "2026-11-22 12:00:01.250000", "payload": {},
    "_context_request_id": R,
})})  # fmt: skip


@pytest.mark.parametrize("payload", [_SENT, _NOTICE], ids=["call", "notification"])
@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("queue.json", lambda payload: json.dumps([waiting(payload)])),
        ("queue.json", lambda payload: json.dumps([waiting(payload)], indent=2)),
        ("queue.txt", table),
        ("pika.jsonl", lambda payload: json.dumps({
            "method": {"exchange": "nova", "routing_key": "conductor", "redelivered": False}, "properties": {},
            "body": payload,
        })),
    ],
    ids=["json", "pretty", "table", "pika"],
)  # fmt: skip
def test_messages_in_a_queue_are_read(tmp_path: Path, name: str, write: Callable[[str], str], payload: str) -> None:
    """A queue keeps no times: a notification names its own, other messages that of their request."""
    events = read(tmp_path, name, write(payload))
    assert (events.warnings, events.damaged) == ([], False)
    (event,) = events.events
    assert (event.attributes["topic"], event.attributes["request_id"], event.attributes["side"]) == (
        "conductor",
        R,
        "client",
    )
    assert event.start == 1_795_348_801_250_000_000


@pytest.mark.parametrize("end", [-1, -100, -400])
def test_a_cut_trace_is_read_up_to_the_cut(tmp_path: Path, end: int) -> None:
    events = read(tmp_path, "trace.log", as_text()[:end])
    assert len(events.events) == 4
    assert not events.damaged


def test_a_message_of_unknown_time_is_counted(tmp_path: Path) -> None:
    events = read(tmp_path, "queue.json", json.dumps([waiting('{"method": "x"}'), waiting(_SENT), waiting(_SENT)]))
    assert len(events.events) == 2
    assert len(events.warnings) == 1
