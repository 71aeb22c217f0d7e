"""Entries of journald: fields of any size, torn fields, writers, native messages and lines of stdout."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import log_records
from tests.support.oslo_log_lines import journal_entry
from tracer.sources.logs import detect, journal
from tracer.sources.logs.entries import Entry
from tracer.sources.logs.records import MAX_MESSAGE, Record
from tracer.sources.logs.skipped_lines import SkippedLines
from tracer.sources.logs.times import Clock

TIME = "1795334154000001"
REQUEST = "req-c29ec537-4c93-4257-b1e1-a97407e9c85d"
BEGIN = {"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": TIME}
NATIVE = {
    **BEGIN, "_SOURCE_REALTIME_TIMESTAMP": "1795334153000001", "_TRANSPORT": "journal", "_HOSTNAME": "node1",
    "_PID": "7", "SYSLOG_IDENTIFIER": "nova-compute", "LOGGER_NAME": "nova.x", "LOGGER_LEVEL": "DEBUG",
    "REQUEST_ID": REQUEST, "CODE_FILE": "/a.py", "CODE_FUNC": "run", "CODE_LINE": "12", "PRIORITY": "7",
}  # fmt: skip


def entries(data: bytes) -> tuple[list[Entry], Counter[str]]:
    lost: Counter[str] = Counter()
    return list(journal.read(data, lost)), lost


def read(data: bytes) -> list[Record]:
    return list(log_records.read(data, Clock()))


@pytest.mark.parametrize("as_json", [False, True])
def test_a_native_message_is_one_record(as_json: bool) -> None:
    fields = {**NATIVE, "MESSAGE": "one\n\ntwo"}
    (record,) = read(json.dumps(fields).encode() if as_json else journal_entry(fields))
    assert record == Record(
        time=1_795_334_153_000_001_000, level="DEBUG", logger="nova.x", message="one\n\ntwo", pid=7,
        request_id=REQUEST, prefix="node1/nova-compute", function="run", file="/a.py", line=12,
    )  # fmt: skip


def test_a_formatted_native_message_is_parsed() -> None:
    (record,) = read(journal_entry({**NATIVE, "MESSAGE": f"DEBUG nova.x [None {REQUEST} admin demo] said"}))
    assert (record.message, record.request_id, record.function) == ("said", REQUEST, "run")


def test_a_message_may_be_bytes_or_several_values() -> None:
    for message in ([100, 97, 255], ["da\ufffd", "b"], [[100, 97, 255], "b"]):
        (record,) = read(json.dumps({**NATIVE, "MESSAGE": message}).encode())
        assert record.message == "da\ufffd"


def test_a_message_omitted_by_journalctl_does_not_merge_other_lines() -> None:
    stdout = {**BEGIN, "_TRANSPORT": "stdout", "_STREAM_ID": "a", "_PID": "7"}
    lines = ["INFO nova.x [-] first", None, "continues the omitted message", "INFO nova.x [-] last"]
    lost: Counter[str] = Counter()
    data = "".join(json.dumps({**stdout, "MESSAGE": line}) + "\n" for line in lines).encode()
    result = list(detect.read(data, (), Clock(), lost, SkippedLines()))
    assert [record.message for record in result] == ["first", "last"]
    assert lost == {"messages that journalctl -o json prints with --all only": 1}


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"_SYSTEMD_UNIT": "devstack@n-api.service", "SYSLOG_IDENTIFIER": "uwsgi"}, "devstack@n-api"),
        ({"_SYSTEMD_UNIT": "session-3.scope", "SYSLOG_IDENTIFIER": "nova-api", "_COMM": "python"}, "nova-api"),
        ({"_SYSTEMD_UNIT": "docker.service", "CONTAINER_NAME": "nova_api"}, "nova_api"),
        ({"_COMM": "python", "_HOSTNAME": "node1"}, "node1/python"),
        ({}, "journal"),
    ],
)
def test_an_entry_names_its_writer(fields: dict[str, str], name: str) -> None:
    assert journal.entry(fields, b"").name == name


def test_alternating_lines_of_two_processes_are_separated() -> None:
    def line(pid: str, message: str) -> bytes:
        return journal_entry({**BEGIN, "_TRANSPORT": "stdout", "_STREAM_ID": pid, "_PID": pid, "MESSAGE": message})

    result = read(
        line("1", "INFO nova.x [-] SELECT 1") + line("2", "INFO nova.y [-] SELECT 2") + line("1", "FROM a")
        + line("2", "FROM b") + line("1", "INFO nova.x [-] done")
    )  # fmt: skip
    assert sorted(record.message for record in result) == ["SELECT 1\nFROM a", "SELECT 2\nFROM b", "done"]


def test_an_entry_of_no_service_is_skipped() -> None:
    assert read(journal_entry({**BEGIN, "MESSAGE": "Started a thing.", "_COMM": "systemd"})) == []


@pytest.mark.parametrize("length", [1 << 63, (1 << 64) - 1, 10_000, 3])
def test_an_impossible_length_affects_only_its_entry(length: int) -> None:
    torn = b"__CURSOR=s=2\nMESSAGE\n" + length.to_bytes(8, "little") + b"INFO nova.x [-] torn\n\n"
    whole = journal_entry({**BEGIN, "MESSAGE": "INFO nova.x [-] a\nb"})
    result, lost = entries(whole + torn + whole)
    assert [entry.message for entry in result] == [b"INFO nova.x [-] a\nb"] * 2
    assert lost == {"torn fields": 1}


def test_a_huge_field_is_skipped_and_a_huge_message_cut() -> None:
    data = journal_entry(
        {**BEGIN, "COREDUMP": b"\n\n__CURSOR=" * 400_000, "MESSAGE": "INFO nova.x [-] " + "x" * 300_000}
    )
    (record,) = read(data)
    assert len(record.message) <= MAX_MESSAGE


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["MESSAGE", "_PID", "LOGGER_NAME", "CODE_LINE", "X", "PRIORITY"]), st.binary(max_size=40)
        )
    ),
)
def test_fields_of_any_bytes_are_read_back(all_fields: list[dict[str, bytes]]) -> None:
    result, lost = entries(b"".join(journal_entry({**BEGIN, **fields}) for fields in all_fields))
    assert [entry.message for entry in result] == [fields["MESSAGE"] for fields in all_fields if "MESSAGE" in fields]
    assert not lost


@given(st.binary(max_size=300), st.integers(0, 200))
def test_a_truncated_export_loses_only_its_last_entry(dirt: bytes, cut: int) -> None:
    whole = journal_entry({**BEGIN, "MESSAGE": "a\nb"})
    result, _ = entries(whole * 3 + (whole + dirt)[:cut])
    assert [entry.message for entry in result[:3]] == [b"a\nb"] * 3
