"""Services' logs written to a real journald and read back in every output format of journalctl."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support import journald, log_records
from tests.support.log_traces import nova34
from tests.support.oslo_log_lines import journal_entry
from tracer.sources.logs import detect
from tracer.sources.logs.records import Record
from tracer.sources.logs.skipped_lines import SkippedLines
from tracer.sources.logs.times import Clock

REQUEST = "req-c29ec537-4c93-4257-b1e1-a97407e9c85d"
NATIVE = {
    "MESSAGE": "one\ntwo \x1b[0m", "LOGGER_NAME": "nova.x", "LOGGER_LEVEL": "DEBUG", "REQUEST_ID": REQUEST,
    "SYSLOG_IDENTIFIER": "nova-native", "CODE_FILE": "/a.py", "CODE_FUNC": "run", "CODE_LINE": "12", "PRIORITY": "7",
}  # fmt: skip


LONG = 100_000


def comparable(record: Record) -> tuple[object, ...]:
    """Return the comparable fields: journald drops empty lines and trailing blanks, and sets its own times."""
    lines = [line.rstrip() for line in record.message.split("\n")]
    return (
        record.logger, record.level, record.pid, record.time if record.logger != "uwsgi" else 0, record.request_id,
        record.global_request_id, [line for line in lines if line], record.file, record.line,
    )  # fmt: skip


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = nova34(tmp_path_factory.mktemp("nova34"))
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.log"))}


@pytest.fixture(scope="module")
def journal(logs: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    # journald splits lines longer than 48 KB.
    long = f"2026-11-22 08:14:11.055 7 INFO nova.x [-] {'x' * LONG}\nmore\n"
    return journald.export(
        {**logs, "long": long.encode()}, [journal_entry(NATIVE)[:-1]], tmp_path_factory.mktemp("journald")
    )


@pytest.mark.slow
@journald.needs_journald
@pytest.mark.parametrize("form", journald.FORMS)
def test_a_record_read_back_from_the_journal_equals_the_original(
    form: str, logs: dict[str, bytes], journal: dict[str, bytes]
) -> None:
    lost: Counter[str] = Counter()
    records: dict[str, list[tuple[object, ...]]] = {name: [] for name in [*logs, "nova-native", "long"]}
    native = []
    for entry in detect.read(journal[form], (), Clock(), lost, SkippedLines()):
        name = entry.prefix.rpartition("/")[2]
        records[name].append(comparable(entry))
        native += [entry] if name == "nova-native" else []
    assert not +lost
    for name, data in logs.items():
        assert records[name] == [comparable(record) for record in log_records.read(data, Clock())]
    if form in ("export", "json"):  # the short formats contain only the message
        assert [record[6] for record in records["long"]] == [["x" * LONG, "more"]]
        assert [(record.message, record.request_id, record.function, record.line) for record in native] == [
            ("one\ntwo", REQUEST, "run", 12)
        ]
