"""The files that a hostile host sends: only those of a recording are written, in its own folder and within bounds."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from tracer.hosts.channel import MAX_BODY, MAX_HEAD, Channel, ChannelError
from tracer.hosts.parts import HostParts
from tracer.recording import capture as captures

SEGMENT = "cmp1-61-1796056871262356543-0000.seg"
TABLE = "cmp1-61-1796056871262356543.open"


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Return a new capture."""
    captures.make(tmp_path / "cap", points=[], ask=["ask"], echo=False)
    return tmp_path / "cap"


def message(data: bytes = b"data", **changes: Any) -> tuple[dict[str, Any], bytes]:
    """Return a part of a segment as an agent sends it, with changes."""
    head = {"part": "own", "name": SEGMENT, "offset": 0, "size": len(data)} | changes
    return head, zlib.compress(data)


def files(capture: Path) -> dict[str, bytes]:
    """Return the contents of the files below a capture's parts, by path."""
    parts = capture / "parts"
    return {str(path.relative_to(parts)): path.read_bytes() for path in parts.rglob("*") if path.is_file()}


def test_a_file_grows_and_a_table_is_replaced(capture: Path) -> None:
    parts = HostParts(capture, "cmp1", 1 << 20)
    parts.take(*message(b"first"))
    parts.take(*message(b"second", offset=5))
    parts.take(*message(b"old", name=TABLE))
    parts.take(*message(b"new table", name=TABLE))
    assert files(capture) == {
        f"cmp1+own/segments/{SEGMENT}": b"firstsecond",
        f"cmp1+own/segments/{TABLE}": b"new table",
    }
    assert all(path.stat().st_mode & 0o77 == 0 for path in capture.rglob("*"))
    again = HostParts(capture, "cmp1", 1 << 20)
    assert again.marks() == {"own": {SEGMENT: 11}}
    assert HostParts(capture, "cmp", 1 << 20).marks() == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"part": "../evil"}, {"part": ".."}, {"part": ""}, {"part": "a/b"}, {"part": "cmp2+own"}, {"part": 7},
        {"part": "x" * 101}, {"name": "../../capture.json"}, {"name": "capture.json"}, {"name": "hosts.json"},
        {"name": f"../{SEGMENT}"}, {"name": f"a/{SEGMENT}"}, {"name": f"{SEGMENT}\n"}, {"name": f"{SEGMENT}\0"},
        {"name": "lease"}, {"name": ".ask.log"}, {"name": None}, {"offset": -1}, {"offset": 1}, {"offset": True},
        {"offset": 1 << 40}, {"size": 0}, {"size": 3}, {"size": 5}, {"size": 1 << 40}, {"size": "4"},
    ],
)  # fmt: skip
def test_what_is_no_part_of_a_recording_is_refused(capture: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ChannelError, match="invalid data"):
        HostParts(capture, "cmp1", 1 << 20).take(*message(**changes))
    assert files(capture) == {}


def test_a_bomb_and_bytes_that_are_not_packed_are_refused(capture: Path) -> None:
    parts = HostParts(capture, "cmp1", 1 << 20)
    head, _ = message()
    for packed in (zlib.compress(bytes(100 << 20)), b"", b"not packed", zlib.compress(b"data")[:-2]):
        with pytest.raises(ChannelError, match="invalid data"):
            parts.take(head, packed)


def test_the_bytes_of_a_host_are_bounded(capture: Path) -> None:
    parts = HostParts(capture, "cmp1", 10)
    parts.take(*message(b"12345678"))
    with pytest.raises(ChannelError, match="more than the capture may hold"):
        parts.take(*message(b"abc", offset=8))
    assert HostParts(capture, "cmp1", 10).marks() == {"own": {SEGMENT: 8}}


def test_a_link_in_place_of_a_file_is_not_followed(capture: Path, tmp_path: Path) -> None:
    parts = HostParts(capture, "cmp1", 1 << 20)
    parts.take(*message(name=TABLE))
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    (capture / "parts" / "cmp1+own" / "segments" / SEGMENT).symlink_to(victim)
    with pytest.raises(OSError, match=r"symbolic link|Too many levels"):
        parts.take(*message(b"evil"))
    assert victim.read_bytes() == b""


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">II", MAX_HEAD + 1, 0), struct.pack(">II", 2, MAX_BODY + 1), struct.pack(">II", 0, 0),
        struct.pack(">II", 2, 0) + b"[]", struct.pack(">II", 4, 0) + b"null", struct.pack(">II", 3, 0) + b"\xff\xfe{",
        struct.pack(">II", 200_000, 0) + b"[" * 200_000, b"", b"\0\0",
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(data: bytes) -> None:
    reading, writing = os.pipe()
    own, other = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, data)
        os._exit(0)
    os.close(writing)
    try:
        with pytest.raises(ChannelError):
            Channel(reading, other).receive(20)
    finally:
        os.waitpid(pid, 0)
        for descriptor in (reading, own, other):
            os.close(descriptor)


def test_silence_is_not_waited_for_longer_than_allowed() -> None:
    reading, writing = os.pipe()
    channel = Channel(reading, writing)
    with pytest.raises(ChannelError, match="no answer in time"):
        channel.receive(0.05)
    with pytest.raises(ChannelError, match="no answer in time"):
        channel.send_bytes(bytes(1 << 20), 0.05)
    os.close(reading)
    os.close(writing)
