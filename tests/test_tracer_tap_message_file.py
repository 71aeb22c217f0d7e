"""Lines of messages.jsonl: what the firehose says, with its secrets masked, whatever a publisher put into it."""

from __future__ import annotations

import datetime
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import TracerError
from tracer.tap.message_file import MessageFile, encode_line, payload

HEADERS = {
    "exchange_name": "nova", "routing_keys": ["conductor"], "properties": {"headers": {}, "delivery_mode": 2},
    "node": "rabbit@a", "vhost": "/", "connection": "10.0.0.1:5096 -> 10.0.0.2:5672", "channel": 1, "user": "openstack",
    "routed_queues": ["conductor"],
}  # fmt: skip


def written(body: bytes, **headers: Any) -> dict[str, Any]:
    text = encode_line(1.5, "publish.nova", HEADERS | headers, body)
    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    said = json.loads(text)
    assert isinstance(said, dict)
    return said


def oslo(**message: Any) -> bytes:
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(message)}).encode()


def test_the_form_that_is_documented() -> None:
    """The keys, and their order, are those of captures that were made before there was a tap."""
    said = written(oslo(method="m", args={"name": "vm1"}, _unique_id="1"))
    assert said == {
        "t": 1.5, "trace_key": "publish.nova", "exchange": "nova", "routing_keys": ["conductor"],
        "properties": {"headers": {}, "delivery_mode": 2}, "node": "rabbit@a", "vhost": "/",
        "connection": "10.0.0.1:5096 -> 10.0.0.2:5672", "channel": 1, "user": "openstack", "redelivered": None,
        "routed_queues": ["conductor"],
        "payload": {"oslo.version": "2.0", "oslo.message": {"method": "m", "args": {"name": "vm1"}, "_unique_id": "1"}},
    }  # fmt: skip


def test_secrets_are_masked() -> None:
    """By key at any depth, by shape in any text, within JSON in a text too, in AMQP's own headers."""
    said = written(
        oslo(
            _context_auth_token="SECRET1", _context_request_id="req-1",
            args={"admin_password": "SECRET2", "injected_files": [["/x", "SECRET3"]], "user_data": None,
                  "deep": [{"url": "mysql://u:SECRET4@h/d"}], "text": json.dumps({"adminPass": "SECRET5"})},
        ),
        properties={"headers": {"x-auth-token": "SECRET6"}},
    )  # fmt: skip
    assert "SECRET" not in json.dumps(said)
    message = said["payload"]["oslo.message"]
    assert message["_context_request_id"] == "req-1"
    assert message["args"]["user_data"] is None
    assert message["args"]["injected_files"] == "***"


def test_carrot_s_payload_of_2011() -> None:
    """JSON without an envelope."""
    assert payload(b'{"method": "run_instance", "args": {"admin_password": "x"}}') == {
        "method": "run_instance",
        "args": {"admin_password": "***"},
    }


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", ""),
        (b"plain password=SECRET", "plain password=***"),
        (b"\xff\xfe\x00", "<3 bytes>"),
        (b"[" * 100_000, "[" * 100_000),
        (b'{"oslo.message": "{half"}', '{"oslo.message": "{half"}'),
        (b'"\\ud800"', "\ud800"),
        (b"5" * 5000, "5" * 5000),
    ],
)
def test_what_is_no_rpc_is_kept_as_what_it_is(body: bytes, kept: str) -> None:
    assert payload(body) == kept
    assert written(body)["payload"] == kept


def test_types_that_json_has_not() -> None:
    about = {"headers": {"x": b"\xff\xff", "d": Decimal("1.5")}, "timestamp": datetime.datetime(2026, 1, 2)}  # noqa: DTZ001
    assert written(b"{}", properties=about)["properties"] == {
        "headers": {"x": "<2 bytes>", "d": "1.5"},
        "timestamp": "2026-01-02 00:00:00",
    }


@given(st.binary(max_size=200))
def test_no_body_breaks_it(body: bytes) -> None:
    written(body)
    written(b'{"oslo.message": ' + body)


def test_the_file_is_the_owner_s_and_goes_on(tmp_path: Path) -> None:
    """An earlier tap's lines stay; half a line, which a full disk left, does not spoil the next."""
    path = tmp_path / "messages.jsonl"
    path.write_bytes(b'{"t": 1}\n{"t"')
    path.chmod(0o644)
    with MessageFile(tmp_path, 1 << 20) as messages:
        messages.add("publish", b'{"t": 2}\n')
        assert path.read_bytes() == b'{"t": 1}\n{"t"\n{"t": 2}\n'
    assert path.stat().st_mode & 0o777 == 0o600
    assert messages.count == {"publish": 1, "deliver": 0}


def test_full(tmp_path: Path) -> None:
    with MessageFile(tmp_path, 10) as messages:
        messages.add("publish", b"12345678\n")
        with pytest.raises(TracerError, match=r"full .* --cap"):
            messages.add("publish", b"12\n")
    assert (tmp_path / "messages.jsonl").read_bytes() == b"12345678\n"


def test_no_link_is_followed_and_no_pipe_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TracerError, match="cannot be written"):
        MessageFile(tmp_path, 1)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(TracerError, match="not the caller's own file"):
        MessageFile(tmp_path, 1)
