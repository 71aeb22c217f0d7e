"""The forms of logs: whatever form a service's records stand in, they are the same records."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import oslo_log_lines
from tests.support.log_traces import nova34
from tracer.errors import TracerError
from tracer.sources.logs import detect, reader
from tracer.sources.logs.oslo_formats import Formats
from tracer.sources.logs.records import MAX_MESSAGE, Record
from tracer.sources.logs.times import Clock

UNTIL = datetime(2026, 11, 23, tzinfo=UTC)
SITE = Formats((oslo_log_lines.CONTEXT, oslo_log_lines.DEFAULT), oslo_log_lines.DATE, oslo_log_lines.SUFFIX)
MANY = 700


def read(data: bytes, *own: Formats) -> list[Record]:
    return list(detect.read(data, own, Clock(until=UNTIL), Counter()))


def seen(record: Record, *, origin: bool = True, pid: bool = True) -> tuple[object, ...]:
    """What is compared: journald keeps neither empty lines nor blanks at the end."""
    lines = [line.rstrip() for line in record.message.split("\n")]
    return (
        record.time, record.level, record.logger, [line for line in lines if line], record.request_id,
        record.global_request_id, record.pid if pid else 0,
        (record.function, record.file, record.line) if origin and record.level == "DEBUG" else (),
    )  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Records of a real nova-compute at DEBUG with SQL echo."""
    folder = nova34(tmp_path_factory.mktemp("nova34"))
    found = oslo_log_lines.read((folder / "nova-conductor.log").read_bytes())[:MANY]
    assert len(found) == MANY
    assert {record.level for record in found} >= {"DEBUG", "INFO"}
    return found


def text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def as_site(said: list[Record]) -> bytes:
    return text(
        oslo_log_lines.by_context_formatter(
            said, oslo_log_lines.DATE, logging_context_format_string=oslo_log_lines.CONTEXT,
            logging_default_format_string=oslo_log_lines.DEFAULT, logging_debug_format_suffix=oslo_log_lines.SUFFIX,
        )
    )  # fmt: skip


def as_iso(said: list[Record]) -> bytes:
    string = "%(isotime)s %(process)d %(levelname)s %(name)s"
    return text(
        oslo_log_lines.by_context_formatter(
            said,
            logging_context_format_string=f"{string} [%(global_request_id)s %(request_id)s %(user_name)s] %(message)s",
            logging_default_format_string=f"{string} [-] %(message)s",
        )
    )


def as_exported(said: list[Record]) -> bytes:
    return oslo_log_lines.exported(
        oslo_log_lines.split(said, oslo_log_lines.by_context_formatter(said)), "nova-conductor", 1
    )


def as_short(said: list[Record]) -> bytes:
    return oslo_log_lines.short(
        oslo_log_lines.split(said, oslo_log_lines.by_context_formatter(said)), "nova-conductor", 1
    )


def devstack(said: list[Record]) -> list[tuple[int, str]]:
    lines = oslo_log_lines.by_context_formatter(
        said, logging_context_format_string=oslo_log_lines.DEVSTACK,
        logging_default_format_string=oslo_log_lines.DEVSTACK_DEFAULT,
        logging_debug_format_suffix=oslo_log_lines.DEVSTACK_SUFFIX,
    )  # fmt: skip
    return oslo_log_lines.split(said, lines)


FORMS: dict[str, Callable[[list[Record]], bytes]] = {
    "today's": lambda said: text(oslo_log_lines.by_context_formatter(said)),
    "isotime": as_iso,
    "json": lambda said: text(oslo_log_lines.by_json_formatter(said)),
    "journal": as_exported,
    "short": as_short,
    "site": as_site,
    "devstack in a journal": lambda said: oslo_log_lines.exported(devstack(said), "n-cond", said[0].pid),
    "devstack in syslog": lambda said: oslo_log_lines.short(devstack(said), "n-cond", said[0].pid),
}


@pytest.mark.parametrize("form", FORMS)
def test_records_are_the_same_in_every_form(said: list[Record], form: str) -> None:
    found = read(FORMS[form](said), SITE)
    # A journal's lines without a process of their own have the one that wrote them.
    pid = not form.startswith("devstack")
    assert [seen(record, pid=pid) for record in found] == [seen(record, pid=pid) for record in said]


def test_fluentd_tells_no_process_and_whole_milliseconds(said: list[Record]) -> None:
    found = read(text(oslo_log_lines.by_fluent_formatter(said)))
    assert [seen(record, origin=False, pid=False) for record in found] == [
        seen(record, origin=False, pid=False) for record in said
    ]


def test_a_traceback_stands_with_its_message_in_json(said: list[Record]) -> None:
    as_json, as_text = oslo_log_lines.failure("it failed", said[0])
    (record,) = read(as_json.encode() + b"\n")
    assert record.message.startswith("it failed\nTraceback (most recent call last):\n")
    assert record.message.endswith("\nValueError: broke")
    assert "ValueError: broke" in [record.message for record in read(as_text.encode())]


def test_of_2011_and_of_today_in_one_log() -> None:
    found = read(
        b"2026-11-22 07:20:55,241 DEBUG nova.rpc [-] old from (pid=3691) cast /usr/rpc.py:595\n"
        b"2026-11-22 07:20:55.242 5 INFO nova.rpc [-] new\n"
    )
    assert [(record.time % 10**9, record.pid, record.message) for record in found] == [
        (241_000_000, 3691, "old"),
        (242_000_000, 5, "new"),
    ]


def test_times_with_an_offset_of_their_own() -> None:
    (record,) = read(b"2026-11-22T07:55:54.393000+01:00 5 INFO nova.x [-] said\n")
    assert record.time == int(datetime(2026, 11, 22, 6, 55, 54, 393_000, tzinfo=UTC).timestamp() * 1000) * 1_000_000


UWSGI = (
    b"[pid: 28|app: 0|req: 1/1] 127.0.0.1 () {58 vars in 1234 bytes} [Sun Nov 22 07:55:54 2026] GET /v2.1/servers?a=b"
    b" => generated 1234 bytes in 23 msecs (HTTP/1.1 200) 9 headers in 400 bytes (1 switches on core 0)\n"
)


def test_an_access_line_is_a_request(tmp_path: Path) -> None:
    (tmp_path / "nova-api-access.log").write_bytes(UWSGI)
    (event,) = reader.read(tmp_path / "nova-api-access.log").events
    assert (event.kind, event.name, event.attributes["status"]) == ("http", "GET /v2.1/servers", 200)
    assert ((event.end or 0) - event.start, event.attributes["query"]) == (23_000_000, "a=b")
    assert event.start == 1_795_334_154_000_000_000  # uWSGI tells when it came


@pytest.mark.parametrize("form", ["today's", "site", "json"])
def test_access_lines_between_others_stand_where_they_were_written(said: list[Record], form: str) -> None:
    data = FORMS[form](said[:2]) + UWSGI + FORMS[form](said[2:4])
    found = read(data, SITE)
    assert [record.logger for record in found] == [*(record.logger for record in said[:2]), "uwsgi",
                                                  *(record.logger for record in said[2:4])]  # fmt: skip
    assert (found[2].time, found[2].pid) == (said[1].time, 28)


def test_a_format_without_a_time_is_refused_where_nothing_else_tells_it(tmp_path: Path) -> None:
    timeless = Formats(("%(levelname)s|%(name)s|%(message)s",))
    (tmp_path / "a.log").write_text("INFO|nova.x|said\n")
    with pytest.raises(TracerError, match=r"a\.log: .* contain a time"):
        reader.read(tmp_path / "a.log", detect.Hints(formats=(timeless,)))
    (record,) = read(b"Nov 22 07:55:54 node1 nova-api[5]: INFO|nova.x|said\n", timeless)
    assert (record.logger, record.message, record.pid, record.prefix) == ("nova.x", "said", 5, "node1/nova-api")


def test_journalds_own_file_is_for_journalctl(tmp_path: Path) -> None:
    (tmp_path / "system.journal").write_bytes(b"LPKSHHRH" + bytes(400))
    with pytest.raises(TracerError, match=r"system\.journal: journald's own file; .*journalctl --file"):
        reader.read(tmp_path / "system.journal")


def test_packed_recoded_and_with_windows_ends(said: list[Record], tmp_path: Path) -> None:
    plain = FORMS["json"](said[:50])
    for place, data in enumerate(
        (plain, gzip.compress(plain), plain.decode().encode("utf-16"), plain.replace(b"\n", b"\r\n"))
    ):
        (tmp_path / f"{place}.log").write_bytes(data)
    counts = {len(reader.read(path).events) for path in tmp_path.iterdir()}
    assert len(counts) == 1
    assert counts != {0}


SAMPLES = [
    b'{"message": "m", "asctime": "2026-11-22 07:55:54", "levelname": "INFO", "name": "nova.x", "created": 1.5}\n',
    b'{"__REALTIME_TIMESTAMP": "1795334154000000", "MESSAGE": "INFO nova.x [-] m", "_PID": "1"}\n',
    b'{"log": "2026-11-22 07:55:54.393 5 INFO nova.x [-] m\\n", "stream": "stderr", "time": "2026-11-22T07:55:54Z"}\n',
    oslo_log_lines.journal_entry({"__CURSOR": "s=1", "MESSAGE": "INFO nova.x [-] a\nb", "_PID": "5"}),
    b"Nov 22 07:55:54 node1 nova-api[5]: INFO nova.x [-] m\n",
    b"2026-11-22T07:55:54.393123456Z stderr F 2026-11-22 07:55:54.393 5 INFO nova.x [-] m\n",
    b"<134>Feb 29 07:55:54 n nova-api: ",
    b"22.11.2026 07:55:54.393|INFO    |pid=5|nova.x|-|m\n", UWSGI,
    b"2026-11-22T07:55:54.393+01:00 5 INFO nova.x [-] m\n", b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\x7fx\n", b"\n",
]  # fmt: skip


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(SAMPLES))).map(b"".join))
def test_anything_is_read_without_an_error(data: bytes) -> None:
    for record in read(data, SITE):
        assert record.time >= 0


WHOLE = dict(zip(("oslo", "journald", "docker", "export", "syslog", "cri"), SAMPLES, strict=False))


@pytest.mark.parametrize("form", WHOLE)
@given(
    dirt=st.lists(st.one_of(st.binary(max_size=60), st.just(b'{"message": "to'), st.just(b"MESSAGE\n\xff"))).map(
        b"".join
    )
)
def test_dirt_loses_no_record_that_stands_whole(form: str, dirt: bytes) -> None:
    whole = WHOLE[form]
    found = read(whole + b"\n" + dirt + b"\n" + whole)
    assert sum(record.message.startswith(("m", "a\nb")) for record in found) >= 2


def test_torn_json_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(SAMPLES[0] + SAMPLES[0][:40] + b"\n" + SAMPLES[0])
    found = reader.read(tmp_path / "a.log")
    assert (len(found.events), found.warnings) == (2, [f"{tmp_path / 'a.log'}: skipped: torn lines (1)"])


@pytest.mark.parametrize("form", ["cri", "docker"])
def test_lines_of_containers_and_long_ones_in_parts(form: str) -> None:
    parts = [
        "2026-11-22 07:55:54.393 5 INFO nova.x [-] SEL",
        "ECT 1\n",
        "FROM a\n",
        "2026-11-22 07:55:54.394 5 INFO y [-] b\n",
    ]
    times = "2026-11-22T07:55:54.393123456Z"
    if form == "cri":
        lines = [f"{times} stderr {'F' if part[-1] == chr(10) else 'P'} {part.rstrip()}" for part in parts]
    else:
        lines = [json.dumps({"log": part, "stream": "stderr", "time": times}) for part in parts]
    assert [record.message for record in read(text(lines))] == ["SELECT 1\nFROM a", "b"]


def test_json_in_a_journal_has_the_process_that_it_tells() -> None:
    inner = '{"message": "m", "levelname": "INFO", "name": "nova.x", "created": 1.5, "process": 7}'
    outer = {"__CURSOR": "s=1", "_HOSTNAME": "node1", "_SYSTEMD_UNIT": "nova-api.service", "_PID": "1"}
    (record,) = read(oslo_log_lines.journal_entry({**outer, "MESSAGE": inner}))
    assert (record.prefix, record.pid, record.message) == ("node1/nova-api", 7, "m")


def test_what_rsyslog_escaped_and_journalctl_indented() -> None:
    head = "Nov 22 07:55:54 node1 nova-api[5]: "
    (escaped, indented) = read(f"{head}INFO x [-] a#012b\n{head}INFO y [-] c\n{' ' * len(head)}d\n".encode())
    assert (escaped.message, indented.message) == ("a\nb", "c\nd")


def test_an_enormous_line_is_cut() -> None:
    line = b"2026-11-22 07:55:54.393 5 INFO nova.x [-] " + b"x" * (20 << 20)
    for data in (
        line,
        b"Nov 22 07:55:54 n nova-api[5]: " + line,
        SAMPLES[0] + b'{"message": "' + line + b'"}\n' + line,
    ):
        assert 100_000 < len(read(data)[-1].message) <= MAX_MESSAGE
