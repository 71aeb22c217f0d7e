"""Records: formats since 2011, continuation lines, prefixes, invalid data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import log_records
from tracer.sources.logs import times
from tracer.sources.logs.records import Record
from tracer.sources.logs.times import Clock

REQUEST = "req-c29ec537-4c93-4257-b1e1-a97407e9c85d"
CALLER = "req-34e0cc7c-cdb3-461d-a9fc-d5ba3c1c01f3"
NOON = 1_795_348_800_000_000_000  # 2026-11-22 12:00:00 UTC


def read(text: str, zone: str = "+00:00") -> list[Record]:
    return list(log_records.read(text.encode(), Clock(times.parse_zone(zone))))


def test_a_record_of_today_is_read() -> None:
    (record,) = read(
        f"2026-11-22 12:00:00.393 5429 DEBUG nova.x [None {REQUEST} user project - - default default] said it"
        " _send /opt/nova/x.py:805\n"
    )
    assert record == Record(
        NOON + 393_000_000, "DEBUG", "nova.x", "said it", 5429, REQUEST, None, "", "_send", "/opt/nova/x.py", 805
    )


@pytest.mark.parametrize(
    ("bracket", "ids"),
    [
        (f"None {REQUEST} u p - - - -", (REQUEST, None)),
        (f"{CALLER} {REQUEST} u p - - - -", (REQUEST, CALLER)),
        (f"{REQUEST} u p - - -", (REQUEST, None)),
        ("d6b01029-b2b0-43f0-b452-e22b31724b95 demo demo", ("d6b01029-b2b0-43f0-b452-e22b31724b95", None)),
        ("-", (None, None)),
        ("None - - - - - -", (None, None)),
    ],
)
def test_ids_of_all_releases_are_read(bracket: str, ids: tuple[str | None, str | None]) -> None:
    (record,) = read(f"2026-11-22 12:00:00.393 5429 INFO nova.x [{bracket}] said it\n")
    assert (record.request_id, record.global_request_id, record.message) == (*ids, "said it")


def test_a_record_of_2011_has_its_process_at_the_end() -> None:
    (record,) = read(
        "2026-11-22 12:00:00,241 DEBUG nova.rpc [-] Making a cast... from (pid=3691) cast /usr/rpc.py:595\n"
    )
    assert (record.pid, record.message, record.function, record.line) == (3691, "Making a cast...", "cast", 595)


def test_a_record_continues_until_the_next_record() -> None:
    first, second = read(
        "2026-11-22 12:00:00.000 1 ERROR nova.x [-] broke\nTraceback (most recent call last):\n  File x\n"
        "2026-11-22 12:00:00.001 1 INFO nova.x [-] went on\n"
    )
    assert first.message == "broke\nTraceback (most recent call last):\n  File x"
    assert second.message == "went on"


@pytest.mark.parametrize(
    ("prefix", "name", "pid"),
    [
        ("nova-api.log:", "nova-api.log", 0),
        ("/var/log/nova/nova-api.log ", "nova-api.log", 0),
        ("nova_api | ", "nova_api", 0),
        ("[pod/nova-api-0/nova-api] ", "nova-api", 0),
        ("Nov 22 12:00:00 host1 nova-compute[77]: ", "host1/nova-compute", 77),
    ],
)
def test_a_prefix_names_the_log_and_the_process(prefix: str, name: str, pid: int) -> None:
    first, second = read(
        f"{prefix}2026-11-22 12:00:00.000 INFO nova.x [-] a\n{prefix}2026-11-22 12:00:00.001 INFO nova.x [-] b\n"
    )
    assert [(record.prefix, record.pid, record.message) for record in (first, second)] == [
        (name, pid, "a"),
        (name, pid, "b"),
    ]


def test_continuation_lines_have_the_same_prefix() -> None:
    head = "2026-11-22 12:00:00.000 1 INFO nova.x [-] "
    (record,) = read(f"nova_api  | {head}SELECT 1\nnova_api  | FROM a\n")
    assert record.message == "SELECT 1\nFROM a"


def test_a_line_quoted_inside_a_line_is_no_record() -> None:
    (record,) = read("2026-11-22 12:00:00.000 1 INFO x [-] out:\nit is '2026-11-22 12:00:00.000 1 INFO y [-] b'\n")
    assert record.logger == "x"


def test_a_local_time_is_converted_to_utc() -> None:
    (record,) = read("2026-11-22 13:00:00.000 1 INFO nova.x [-] a\n", "+01:00")
    assert record.time == NOON


def test_a_uwsgi_line_has_the_time_of_the_line_before_it() -> None:
    _, record = read(
        "2026-11-22 12:00:00.393 7 INFO nova.x [-] a\n"
        '[uwsgi 7] 127.0.0.1 [22/Nov/2026:12:00:00 +0000] "GET /v2.1 HTTP/1.1" 200 385 8ms\n'
    )
    assert (record.logger, record.pid, record.time) == ("uwsgi", 7, NOON + 393_000_000)
    (alone,) = read('[uwsgi 7] 127.0.0.1 [22/Nov/2026:12:00:00 +0000] "GET /v2.1 HTTP/1.1" 200 385 8ms\n')
    assert alone.time == NOON + 8_000_000  # the time of arrival


def test_crlf_ends_a_line() -> None:
    first, _ = read("2026-11-22 12:00:00.000 1 INFO x [-] a\r\nb\r\n2026-11-22 12:00:00.000 1 INFO x [-] c\r\n")
    assert first.message == "a\nb"


def test_an_impossible_date_is_time_zero() -> None:
    (record,) = read("2026-13-99 12:00:00.000 1 INFO x [-] a\n")
    assert record.time == 0


@pytest.mark.parametrize("lines", [1, 3, 3000])
def test_a_record_has_the_number_of_its_first_line(lines: int) -> None:
    text = "before\n\n" + "".join(
        f"2026-11-22 12:00:00.{number:03} 1 INFO nova.x [-] a\n" + "more of it\n" * (lines - 1) for number in range(100)
    )
    assert [record.log_line for record in read(text)] == [3 + number * lines for number in range(100)]


def test_lines_beyond_a_messages_longest_part_are_counted() -> None:
    head = "2026-11-22 12:00:00.000 1 INFO nova.x [-] a\n"
    first, second = read(f"{head}{('x' * 99 + chr(10)) * 9000}{head}")
    assert (first.log_line, second.log_line) == (1, 9002)


HEADS = st.sampled_from(
    [
        b"2026-11-22 12:00:00.393 5429 INFO nova.x [-] ", b"2026-11-22 12:00:00,393 DEBUG nova.x [None - - -] ",
        b"[uwsgi 7] 127.0.0.1 [22/Nov/2026:12:00:00 +0000] \"", b"nova-api.log:2026-11-22 12:00:00.393 ERROR ",
    ]
)  # fmt: skip


@given(st.lists(st.one_of(st.binary(max_size=60), HEADS, st.just(b"\n"))).map(b"".join))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    for record in log_records.read(data, Clock()):
        assert record.time >= 0


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\0 ", codec="utf-8"), min_size=1), max_size=20))
def test_messages_are_read_back_unchanged(messages: list[str]) -> None:
    lines = [
        f"2026-11-22 12:00:00.{number:03} 1 INFO nova.x [-] {message}x\n" for number, message in enumerate(messages)
    ]
    assert [record.message for record in read("".join(lines))] == [f"{message}x" for message in messages]
