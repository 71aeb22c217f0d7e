"""Message copies as RabbitMQ's tracing plugin, rabbitmqadmin and programs with pika write them."""

from __future__ import annotations

import base64
import json
from typing import Any

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


def as_answer() -> str:
    """Return rabbitmqadmin's JSON of the waiting messages."""
    return json.dumps([waiting(payload) for *_, payload in STORY])


#: Writers of texts that hold the story, in every form.
FORMS = (as_text, as_json, as_firehose_dump, as_answer, lambda: table(STORY[0][3]))
