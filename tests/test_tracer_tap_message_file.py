"""Lines of messages.jsonl: copies of the firehose with masked secrets, for messages of any content."""

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


def encode(body: bytes, **headers: Any) -> dict[str, Any]:
    text = encode_line(1.5, "publish.nova", HEADERS | headers, body)
    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    fields = json.loads(text)
    assert isinstance(fields, dict)
    return fields


def oslo(**message: Any) -> bytes:
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(message)}).encode()


def test_a_line_has_the_documented_fields() -> None:
    """The keys are those of captures made before the tap existed."""
    fields = encode(oslo(method="m", args={"name": "vm1"}, _unique_id="1"))
    assert fields == {
        "t": 1.5, "trace_key": "publish.nova", "exchange": "nova", "routing_keys": ["conductor"],
        "properties": {"headers": {}, "delivery_mode": 2}, "node": "rabbit@a", "vhost": "/",
        "connection": "10.0.0.1:5096 -> 10.0.0.2:5672", "channel": 1, "user": "openstack", "redelivered": None,
        "routed_queues": ["conductor"],
        "payload": {"oslo.version": "2.0", "oslo.message": {"method": "m", "args": {"name": "vm1"}, "_unique_id": "1"}},
    }  # fmt: skip


def test_secrets_are_masked() -> None:
    """By key at any depth, by shape in any text, in JSON within text, in AMQP's own headers."""
    fields = encode(
        oslo(
            _context_auth_token="SECRET1", _context_request_id="req-1",
            args={"admin_password": "SECRET2", "injected_files": [["/x", "SECRET3"]], "user_data": None,
                  "deep": [{"url": "mysql://u:SECRET4@h/d"}], "text": json.dumps({"adminPass": "SECRET5"})},
        ),
        properties={"headers": {"x-auth-token": "SECRET6"}},
    )  # fmt: skip
    assert "SECRET" not in json.dumps(fields)
    message = fields["payload"]["oslo.message"]
    assert message["_context_request_id"] == "req-1"
    assert message["args"]["user_data"] is None
    assert message["args"]["injected_files"] == "***"


def test_a_carrot_payload_of_2011_is_read() -> None:
    """It is JSON without an envelope."""
    assert payload(b'{"method": "run_instance", "args": {"admin_password": "x"}}') == {
        "method": "run_instance",
        "args": {"admin_password": "***"},
    }


@pytest.mark.parametrize(
    ("body", "expected"),
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
def test_a_payload_that_is_no_rpc_is_text(body: bytes, expected: str) -> None:
    assert payload(body) == expected
    assert encode(body)["payload"] == expected


def test_types_that_json_lacks_are_text() -> None:
    about = {"headers": {"x": b"\xff\xff", "d": Decimal("1.5")}, "timestamp": datetime.datetime(2026, 1, 2)}  # noqa: DTZ001
    assert encode(b"{}", properties=about)["properties"] == {
        "headers": {"x": "<2 bytes>", "d": "1.5"},
        "timestamp": "2026-01-02 00:00:00",
    }


@given(st.binary(max_size=200))
def test_any_body_is_encoded(body: bytes) -> None:
    encode(body)
    encode(b'{"oslo.message": ' + body)


def test_the_file_is_private_and_continued(tmp_path: Path) -> None:
    """Lines of an earlier tap stay; half a line, left by a full disk, does not corrupt the next."""
    path = tmp_path / "messages.jsonl"
    path.write_bytes(b'{"t": 1}\n{"t"')
    path.chmod(0o644)
    with MessageFile(tmp_path, 1 << 20) as messages:
        messages.add("publish", b'{"t": 2}\n')
        assert path.read_bytes() == b'{"t": 1}\n{"t"\n{"t": 2}\n'
    assert path.stat().st_mode & 0o777 == 0o600
    assert messages.count == {"publish": 1, "deliver": 0}


def test_a_full_file_is_reported(tmp_path: Path) -> None:
    with MessageFile(tmp_path, 10) as messages:
        messages.add("publish", b"12345678\n")
        with pytest.raises(TracerError, match=r"full .* --cap"):
            messages.add("publish", b"12\n")
    assert (tmp_path / "messages.jsonl").read_bytes() == b"12345678\n"


def test_a_link_or_pipe_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TracerError, match="cannot be written"):
        MessageFile(tmp_path, 1)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(TracerError, match="not the caller's own file"):
        MessageFile(tmp_path, 1)
