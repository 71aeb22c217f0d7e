"""Forms of message copies: the tracing plugin's text and JSON, rabbitmqadmin's answers, pika's dumps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.traced_copies import R, as_firehose_dump, as_json, as_text, body, table, waiting
from tracer.events import Events
from tracer.sources import contents
from tracer.sources.logs.detect import Hints


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
