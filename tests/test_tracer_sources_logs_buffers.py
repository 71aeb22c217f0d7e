"""Buffers of logs: compressed, recoded, piped, dirty, empty and unreadable files."""

from __future__ import annotations

import gzip
import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import log_records
from tracer.errors import TracerError
from tracer.sources import packing
from tracer.sources.logs import buffers
from tracer.sources.logs.reader import read
from tracer.sources.logs.times import Clock

LINE = "2026-11-22 12:00:00.000 1 INFO nova.compute.x [-] so söß\n"


def content(path: Path) -> bytes:
    with buffers.opened(path) as data:
        return bytes(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_encoding_is_decoded(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.log").write_bytes(LINE.encode(encoding))
    assert content(tmp_path / "a.log") == LINE.encode()


def test_a_compressed_file_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(LINE.encode()) * 2)
    assert content(tmp_path / "a.log.gz") == LINE.encode() * 2


def test_a_pipe_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(LINE.encode()))
    writer.start()
    assert content(tmp_path / "pipe") == LINE.encode()
    writer.join()


def test_a_malformed_compressed_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"\x1f\x8bnothing of the kind")
    with pytest.raises(TracerError, match=r"a\.gz: cannot be read: [^\n]+\Z"):
        content(tmp_path / "a.gz")


@pytest.mark.parametrize(("damage", "message", "damaged"), [("cut", "cut off", False), ("changed", "damaged", True)])
def test_a_compressed_file_is_read_up_to_its_damage(tmp_path: Path, damage: str, message: str, damaged: bool) -> None:
    packed = gzip.compress("".join(LINE.replace(" so ", f" {n} ") for n in range(90_000)).encode())
    (tmp_path / "a.log.gz").write_bytes(packed[:-20] if damage == "cut" else packed[:-8] + bytes(8))
    contents = read(tmp_path / "a.log.gz")
    assert len(contents.events) > 80_000
    assert (contents.damaged, len(contents.warnings)) == (damaged, 1)
    assert message in contents.warnings[0]


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_UNPACKED", 1 << 20)
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(4 << 20)))
    with pytest.raises(TracerError, match="unpacked"):
        content(tmp_path / "a.gz")


def test_a_closed_stdin_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(TracerError, match="-: cannot be read: closed"):
        read(buffers.STDIN)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.log", tmp_path):
        with pytest.raises(TracerError, match="cannot be read"):
            content(path)


@pytest.mark.parametrize(("data", "reason"), [(b"", "empty"), (b"\0\xff\n" * 100, "no line in a known log format")])
def test_empty_and_foreign_files_are_reported(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "a.log").write_bytes(data)
    contents = read(tmp_path / "a.log")
    assert (contents.events, contents.warnings) == ([], [f"{tmp_path / 'a.log'}: {reason}, skipped"])


@given(st.lists(st.one_of(st.binary(max_size=80), st.just(LINE.encode()), st.just(b"\r\n"))).map(b"".join))
def test_binary_data_between_lines_loses_no_line(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("dirt") / "a.log"
    path.write_bytes(b"\n" + data + b"\n" + LINE.encode())
    assert read(path).events[-1].attributes["message"] == "so söß"


def read_interrupted(path: Path) -> None:
    with buffers.opened(path) as data:
        reader = log_records.read(data, Clock())
        next(reader)
        raise KeyboardInterrupt


def test_an_exception_while_reading_is_passed_on(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINE * 2)
    with pytest.raises(KeyboardInterrupt):
        read_interrupted(tmp_path / "a.log")
