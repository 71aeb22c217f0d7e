"""Detection of log formats: the same records are read from every format."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import log_records, oslo_log_lines
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
    return list(log_records.read(data, Clock(until=UNTIL), *own))


def comparable(record: Record, *, origin: bool = True, pid: bool = True) -> tuple[object, ...]:
    """Return the comparable fields: journald drops empty lines and trailing blanks."""
    lines = [line.rstrip() for line in record.message.split("\n")]
    return (
        record.time, record.level, record.logger, [line for line in lines if line], record.request_id,
        record.global_request_id, record.pid if pid else 0,
        (record.function, record.file, record.line) if origin and record.level == "DEBUG" else (),
    )  # fmt: skip


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Return records of a real nova-conductor at DEBUG with SQL echo."""
    folder = nova34(tmp_path_factory.mktemp("nova34"))
    result = oslo_log_lines.read((folder / "nova-conductor.log").read_bytes())[:MANY]
    assert len(result) == MANY
    assert {record.level for record in result} >= {"DEBUG", "INFO"}
    return result


def text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def as_site(records: list[Record]) -> bytes:
    return text(
        oslo_log_lines.by_context_formatter(
            records, oslo_log_lines.DATE, logging_context_format_string=oslo_log_lines.CONTEXT,
            logging_default_format_string=oslo_log_lines.DEFAULT, logging_debug_format_suffix=oslo_log_lines.SUFFIX,
        )
    )  # fmt: skip


def as_iso(records: list[Record]) -> bytes:
    string = "%(isotime)s %(process)d %(levelname)s %(name)s"
    return text(
        oslo_log_lines.by_context_formatter(
            records,
            logging_context_format_string=f"{string} [%(global_request_id)s %(request_id)s %(user_name)s] %(message)s",
            logging_default_format_string=f"{string} [-] %(message)s",
        )
    )


def as_exported(records: list[Record]) -> bytes:
    return oslo_log_lines.exported(
        oslo_log_lines.split(records, oslo_log_lines.by_context_formatter(records)), "nova-conductor", 1
    )


def as_short(records: list[Record]) -> bytes:
    return oslo_log_lines.short(
        oslo_log_lines.split(records, oslo_log_lines.by_context_formatter(records)), "nova-conductor", 1
    )


def devstack(records: list[Record]) -> list[tuple[int, str]]:
    lines = oslo_log_lines.by_context_formatter(
        records, logging_context_format_string=oslo_log_lines.DEVSTACK,
        logging_default_format_string=oslo_log_lines.DEVSTACK_DEFAULT,
        logging_debug_format_suffix=oslo_log_lines.DEVSTACK_SUFFIX,
    )  # fmt: skip
    return oslo_log_lines.split(records, lines)


FORMS: dict[str, Callable[[list[Record]], bytes]] = {
    "today's": lambda records: text(oslo_log_lines.by_context_formatter(records)),
    "isotime": as_iso,
    "json": lambda records: text(oslo_log_lines.by_json_formatter(records)),
    "journal": as_exported,
    "short": as_short,
    "site": as_site,
    "devstack in a journal": lambda records: oslo_log_lines.exported(devstack(records), "n-cond", records[0].pid),
    "devstack in syslog": lambda records: oslo_log_lines.short(devstack(records), "n-cond", records[0].pid),
}


@pytest.mark.parametrize("form", FORMS)
def test_records_are_the_same_in_every_format(records: list[Record], form: str) -> None:
    result = read(FORMS[form](records), SITE)
    # Lines of a journal without a process of their own have the writing process.
    pid = not form.startswith("devstack")
    assert [comparable(record, pid=pid) for record in result] == [comparable(record, pid=pid) for record in records]


def test_fluentd_records_are_the_same_without_process_and_origin(records: list[Record]) -> None:
    result = read(text(oslo_log_lines.by_fluent_formatter(records)))
    assert [comparable(record, origin=False, pid=False) for record in result] == [
        comparable(record, origin=False, pid=False) for record in records
    ]


def test_a_traceback_in_json_belongs_to_its_message(records: list[Record]) -> None:
    as_json, as_text = oslo_log_lines.failure("it failed", records[0])
    (record,) = read(as_json.encode() + b"\n")
    assert record.message.startswith("it failed\nTraceback (most recent call last):\n")
    assert record.message.endswith("\nValueError: broke")
    assert "ValueError: broke" in [record.message for record in read(as_text.encode())]


def test_lines_of_2011_and_of_today_may_be_mixed() -> None:
    result = read(
        b"2026-11-22 07:20:55,241 DEBUG nova.rpc [-] old from (pid=3691) cast /usr/rpc.py:595\n"
        b"2026-11-22 07:20:55.242 5 INFO nova.rpc [-] new\n"
    )
    assert [(record.time % 10**9, record.pid, record.message) for record in result] == [
        (241_000_000, 3691, "old"),
        (242_000_000, 5, "new"),
    ]


def test_a_time_may_have_an_offset() -> None:
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
    assert event.start == 1_795_334_154_000_000_000  # uWSGI logs the time of arrival


@pytest.mark.parametrize("form", ["today's", "site", "json"])
def test_access_lines_keep_their_position_among_other_lines(records: list[Record], form: str) -> None:
    data = FORMS[form](records[:2]) + UWSGI + FORMS[form](records[2:4])
    result = read(data, SITE)
    assert [record.logger for record in result] == [*(record.logger for record in records[:2]), "uwsgi",
                                                  *(record.logger for record in records[2:4])]  # fmt: skip
    assert (result[2].time, result[2].pid) == (records[1].time, 28)


def test_a_format_without_a_time_is_refused_unless_syslog_has_one(tmp_path: Path) -> None:
    timeless = Formats(("%(levelname)s|%(name)s|%(message)s",))
    (tmp_path / "a.log").write_text("INFO|nova.x|said\n")
    with pytest.raises(TracerError, match=r"a\.log: .* contain a time"):
        reader.read(tmp_path / "a.log", detect.Hints(formats=(timeless,)))
    (record,) = read(b"Nov 22 07:55:54 node1 nova-api[5]: INFO|nova.x|said\n", timeless)
    assert (record.logger, record.message, record.pid, record.prefix) == ("nova.x", "said", 5, "node1/nova-api")


def test_journalds_own_file_is_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "system.journal").write_bytes(b"LPKSHHRH" + bytes(400))
    with pytest.raises(TracerError, match=r"system\.journal: journald's own file; .*journalctl --file"):
        reader.read(tmp_path / "system.journal")


def test_compression_encoding_and_line_ends_do_not_matter(records: list[Record], tmp_path: Path) -> None:
    plain = FORMS["json"](records[:50])
    for number, data in enumerate(
        (plain, gzip.compress(plain), plain.decode().encode("utf-16"), plain.replace(b"\n", b"\r\n"))
    ):
        (tmp_path / f"{number}.log").write_bytes(data)
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
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    for record in read(data, SITE):
        assert record.time >= 0


WHOLE = dict(zip(("oslo", "journald", "docker", "export", "syslog", "cri"), SAMPLES, strict=False))


@pytest.mark.parametrize("form", WHOLE)
@given(
    dirt=st.lists(st.one_of(st.binary(max_size=60), st.just(b'{"message": "to'), st.just(b"MESSAGE\n\xff"))).map(
        b"".join
    )
)
def test_binary_data_loses_no_intact_record(form: str, dirt: bytes) -> None:
    whole = WHOLE[form]
    result = read(whole + b"\n" + dirt + b"\n" + whole)
    assert sum(record.message.startswith(("m", "a\nb")) for record in result) >= 2


def test_torn_json_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(SAMPLES[0] + SAMPLES[0][:40] + b"\n" + SAMPLES[0])
    result = reader.read(tmp_path / "a.log")
    assert (len(result.events), result.warnings) == (2, [f"{tmp_path / 'a.log'}: skipped: torn lines (1)"])


@pytest.mark.parametrize("form", ["cri", "docker"])
def test_split_lines_of_containers_are_joined(form: str) -> None:
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


def test_json_in_a_journal_has_its_own_process_id() -> None:
    inner = '{"message": "m", "levelname": "INFO", "name": "nova.x", "created": 1.5, "process": 7}'
    outer = {"__CURSOR": "s=1", "_HOSTNAME": "node1", "_SYSTEMD_UNIT": "nova-api.service", "_PID": "1"}
    (record,) = read(oslo_log_lines.journal_entry({**outer, "MESSAGE": inner}))
    assert (record.prefix, record.pid, record.message) == ("node1/nova-api", 7, "m")


def test_escapes_of_rsyslog_and_indents_of_journalctl_are_undone() -> None:
    head = "Nov 22 07:55:54 node1 nova-api[5]: "
    (escaped, indented) = read(f"{head}INFO x [-] a#012b\n{head}INFO y [-] c\n{' ' * len(head)}d\n".encode())
    assert (escaped.message, indented.message) == ("a\nb", "c\nd")


def test_a_huge_line_is_cut() -> None:
    line = b"2026-11-22 07:55:54.393 5 INFO nova.x [-] " + b"x" * (20 << 20)
    for data in (
        line,
        b"Nov 22 07:55:54 n nova-api[5]: " + line,
        SAMPLES[0] + b'{"message": "' + line + b'"}\n' + line,
    ):
        assert 100_000 < len(read(data)[-1].message) <= MAX_MESSAGE
