"""Services' logs that went through a real journald, and came out by journalctl in every form."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support import journald
from tests.support.log_traces import nova34
from tests.support.oslo_log_lines import journal_entry
from tracer.sources.logs import detect, records
from tracer.sources.logs.records import Record
from tracer.sources.logs.times import Clock

REQUEST = "req-c29ec537-4c93-4257-b1e1-a97407e9c85d"
NATIVE = {
    "MESSAGE": "one\ntwo \x1b[0m", "LOGGER_NAME": "nova.x", "LOGGER_LEVEL": "DEBUG", "REQUEST_ID": REQUEST,
    "SYSLOG_IDENTIFIER": "nova-native", "CODE_FILE": "/a.py", "CODE_FUNC": "run", "CODE_LINE": "12", "PRIORITY": "7",
}  # fmt: skip


LONG = 100_000


def seen(record: Record) -> tuple[object, ...]:
    """What is compared: journald keeps neither empty lines nor blanks at their ends, and has its own times."""
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
def kept(logs: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    # journald cuts lines that are longer than 48 KB.
    long = f"2026-11-22 08:14:11.055 7 INFO nova.x [-] {'x' * LONG}\nmore\n"
    return journald.export(
        {**logs, "long": long.encode()}, [journal_entry(NATIVE)[:-1]], tmp_path_factory.mktemp("journald")
    )


@pytest.mark.slow
@journald.needs_journald
@pytest.mark.parametrize("form", journald.FORMS)
def test_all_services_records_come_back(form: str, logs: dict[str, bytes], kept: dict[str, bytes]) -> None:
    lost: Counter[str] = Counter()
    found: dict[str, list[tuple[object, ...]]] = {name: [] for name in [*logs, "nova-native", "long"]}
    native = []
    for record in detect.read(kept[form], (), Clock(), lost):
        name = record.prefix.rpartition("/")[2]
        found[name].append(seen(record))
        native += [record] if name == "nova-native" else []
    assert not +lost
    for name, data in logs.items():
        assert found[name] == [seen(record) for record in records.read(data, Clock())]
    if form in ("export", "json"):  # the short forms tell nothing of what is beside the message
        assert [each[6] for each in found["long"]] == [["x" * LONG, "more"]]
        assert [(each.message, each.request_id, each.function, each.line) for each in native] == [
            ("one\ntwo", REQUEST, "run", 12)
        ]
