"""Message copies: both envelopes, carrot, calls and replies, senders, invalid lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.events import Event
from tracer.sources.broker import copies

CONTEXT = {"_context_request_id": "req-1"}


class Firehose:
    """A growing file of copies, a millisecond apart."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "rpc.jsonl"
        self.copies: list[dict[str, Any]] = []

    def add(self, key: str, body: Any, connection: str = "c", exchange: str = "nova", routing: str = "") -> None:
        self.copies.append(
            {
                "ts": 1000 + len(self.copies) / 1000, "trace_key": key, "exchange": exchange, "connection": connection,
                "routing_keys": [routing or key.partition(".")[2]], "payload": body,
            }
        )  # fmt: skip

    def sent(self, topic: str, body: Any, sender: str, receiver: str, exchange: str = "nova") -> None:
        self.add(f"publish.{exchange}", body, sender, exchange, topic)
        self.add(f"deliver.{topic}", body, receiver, exchange, topic)

    def events(self) -> list[Event]:
        self.path.write_text("".join(json.dumps(copy) + "\n" for copy in self.copies))
        return copies.read(self.path).events


@pytest.fixture
def firehose(tmp_path: Path) -> Firehose:
    return Firehose(tmp_path)


def envelope(message: dict[str, Any]) -> dict[str, Any]:
    return {"oslo.version": "2.0", "oslo.message": json.dumps(message)}


@pytest.mark.parametrize("wrapped", [envelope, json.dumps, dict], ids=["oslo", "carrot", "decoded"])
def test_a_cast_is_read_in_every_envelope(firehose: Firehose, wrapped: Any) -> None:
    firehose.sent(
        "scheduler", wrapped({"method": "run_instance", "args": {"admin_password": "x1"}} | CONTEXT), "a", "b"
    )
    sent, received = firehose.events()
    assert [event.name for event in (sent, received)] == ["run_instance"] * 2
    assert sent.attributes["payload"] == received.attributes["payload"]
    assert sent.attributes["arguments"] == {"admin_password": "***"}
    assert [event.process.argv for event in (sent, received)] == ["nova-api", "nova-scheduler"]


def test_a_call_and_its_reply_are_linked(firehose: Firehose) -> None:
    call = {"method": "object_action", "args": {"objinst": {"nova_object.name": "Instance"}, "objmethod": "save"}}
    firehose.sent("conductor", envelope(call | {"_msg_id": "m", "_reply_q": "reply_1"} | CONTEXT), "a", "b")
    reply = envelope({"result": 1, "failure": None, "ending": True, "_msg_id": "m"})
    firehose.sent("reply_1", reply, "b", "a", exchange="")
    sent, received = firehose.events()
    assert (sent.name, sent.attributes["mode"]) == ("Instance.save", "call")
    assert [(event.end or 0) - event.start for event in (sent, received)] == [3_000_000, 1_000_000]


def test_a_reply_of_2011_is_linked_by_its_exchange(firehose: Firehose) -> None:
    """The exchange has the message id of the call as its name."""
    firehose.sent("network", {"method": "allocate", "args": {}, "_msg_id": "m"} | CONTEXT, "a", "b")
    firehose.sent("m", {"result": 1, "failure": None}, "b", "a", exchange="m")
    firehose.sent("m", {"result": None, "failure": None}, "b", "a", exchange="m")
    sent, received = firehose.events()
    assert [(event.end or 0) - event.start for event in (sent, received)] == [5_000_000, 3_000_000]


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (json.dumps({"class": "NoValidHost", "message": "none"}), "NoValidHost: none"),
        (["NoValidHost", "none", "Traceback"], "NoValidHost: none"),
        ("broke", "broke"),
    ],
)
def test_a_failure_is_the_error_of_both_ends(firehose: Firehose, failure: Any, error: str) -> None:
    firehose.sent("network", {"method": "x", "args": {}, "_msg_id": "m"}, "a", "b")
    firehose.sent("m", {"result": None, "failure": failure}, "b", "a", exchange="m")
    assert [event.error for event in firehose.events()] == [error, error]


def test_a_fanout_and_a_redelivery_are_recognised(firehose: Firehose) -> None:
    body = {"method": "update_instance_info", "args": {}, "_unique_id": "u"}
    firehose.sent("scheduler", body, "a", "b", exchange="scheduler_fanout")
    firehose.copies[-1]["redelivered"] = 1
    sent, received = firehose.events()
    assert (sent.attributes["mode"], sent.attributes["topic"]) == ("fanout", "scheduler")
    assert received.attributes["redelivered"] is True


def test_a_message_sent_while_serving_belongs_to_the_serving_process(firehose: Firehose) -> None:
    firehose.sent("compute.h1", {"method": "build", "args": {}} | CONTEXT, "api", "c1")
    firehose.sent("network", {"method": "allocate", "args": {}, "_msg_id": "m"} | CONTEXT, "c2", "n1")
    assert [event.process.argv for event in firehose.events()][2] == "nova-compute.h1"


def test_lines_that_are_no_copies_are_counted(firehose: Firehose) -> None:
    firehose.sent("scheduler", {"method": "x", "args": {}}, "a", "b")
    assert len(firehose.events()) == 2
    firehose.path.write_bytes(b"\0\xff\n{}\n[1]\n\n" + firehose.path.read_bytes() + b'{"trace_key": "publish.n')
    contents = copies.read(firehose.path)
    assert len(contents.events) == 2
    assert contents.warnings == [f"{firehose.path}: 4 lines skipped: not a message copy"]


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["ts", "trace_key", "payload", "oslo.message", "method", "args", "_msg_id", "result", "failure", "routing_keys"]
    ), inner, max_size=6),
    max_leaves=20,
))  # fmt: skip
def test_any_json_is_read_without_an_error(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    firehose = Firehose(tmp_path_factory.mktemp("copies"))
    firehose.add("publish.nova", value)
    firehose.add("deliver.x", value)
    firehose.copies.append({"ts": value, "trace_key": value, "payload": value})
    firehose.events()
