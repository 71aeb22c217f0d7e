"""Exports of Loki, Grafana, Kibana and OpenSearch: each gives what the service's own log gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.log_exports import CONTAINER, FORMS, HOST, LINE_FORMS
from tracer.events import Event, Events
from tracer.sources import contents
from tracer.sources.logs.detect import Hints

R = "req-c29ec537-4c93-4257-b1e1-a97407e9c85d"


def record(number: int, text: str, level: str = "INFO") -> str:
    return f"2026-11-22 12:00:{number:02}.250 7 {level} nova.compute.manager [None {R} u p - - default default] {text}"


RECORDS = (
    record(0, "[instance: 7a7a7a7a-0000-4000-8000-000000000001] Took 6.20 seconds to build instance."),
    record(0, 'quoted "text", with {braces} and, commas'),
    record(3, "two\n  lines"),
    record(4, "Traceback (most recent call last):", "ERROR"),
    record(4, "ValueError: ünknown", "ERROR"),
)


def read(folder: Path, name: str, text: str) -> Events:
    (folder / name).write_text(text, encoding="utf-8")
    return contents.read(folder / name, Hints())


def facts(event: Event) -> tuple[object, ...]:
    return event.start, event.kind, event.process.pid, *(event.attributes.get(name) for name in (
        "logger", "level", "message", "request_id",
    ))  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_an_export_gives_what_the_log_gives(tmp_path: Path, form: str) -> None:
    expected = read(tmp_path, "nova-compute.log", "\n".join(RECORDS) + "\n")
    events = read(tmp_path, f"export.{form}", FORMS[form](RECORDS))
    assert [facts(event) for event in events.events] == [facts(event) for event in expected.events]
    assert (events.warnings, events.damaged) == ([], False)
    assert {(process.host, process.argv) for process in events.processes} == {(HOST, CONTAINER)}


@pytest.mark.parametrize("form", LINE_FORMS)
def test_an_export_as_text_gives_what_the_log_gives(tmp_path: Path, form: str) -> None:
    lines = [line for line in RECORDS if "\n" not in line]
    expected = read(tmp_path, "nova-compute.log", "\n".join(lines) + "\n")
    events = read(tmp_path, f"export.{form}", LINE_FORMS[form](lines))
    assert [facts(event) for event in events.events] == [facts(event) for event in expected.events]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1), min_size=1),
    form=st.sampled_from(sorted(FORMS)),
)
def test_any_text_is_the_same_in_any_export(tmp_path: Path, texts: list[str], form: str) -> None:
    records = [record(number % 60, text) for number, text in enumerate(texts[:60])]
    expected = read(tmp_path, "nova-compute.log", "\n".join(records) + "\n")
    events = read(tmp_path, f"export.{form}", FORMS[form](records))
    assert [facts(event) for event in events.events] == [facts(event) for event in expected.events]


def test_lines_of_a_store_are_joined_by_stream(tmp_path: Path) -> None:
    """Containers write interleaved lines, of which the continuing ones have no head."""
    lines = [
        (1, "nova-api", record(1, "first")),
        (2, "nova-compute", record(2, "other")),
        (3, "nova-api", "  continued"),
    ]
    rows = "".join(
        f'{{"labels":{{"container":"{name}"}},"line":"{line}","timestamp":"2026-11-22T12:00:0{second}Z"}}\n'
        for second, name, line in reversed(lines)
    )
    events = read(tmp_path, "a.jsonl", rows)
    assert sorted(str(event.attributes["message"]) for event in events.events) == ["first\n  continued", "other"]
    assert {process.argv for process in events.processes} == {"nova-api", "nova-compute"}


@pytest.mark.parametrize("form", ["kibana.json", "opensearch.json"])
def test_a_cut_export_is_read_up_to_the_cut(tmp_path: Path, form: str) -> None:
    text = FORMS[form](RECORDS)
    events = read(tmp_path, f"export.{form}", text[: len(text) * 3 // 5])
    assert 0 < len(events.events) < len(RECORDS)
    assert len(events.warnings) == 1
    assert "cut off" in events.warnings[0]


@pytest.mark.parametrize(
    "text", ["[]", "{}", "[[[", '{"hits": 3}', '[{"_source": 1}]', "Time,Line\n", '{"data": {"result": [1]}}']
)
def test_documents_without_lines_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    events = read(tmp_path, "a.json", text)
    assert (events.events, len(events.warnings)) == ([], 1)


@pytest.mark.parametrize("broken", ['"1","a\rb"c\rd', "x" * 70, 'free\rtext, "and" more'])
def test_a_row_that_is_no_csv_is_counted_and_the_others_are_read(tmp_path: Path, broken: str) -> None:
    records = (RECORDS[0], record(9, "the last"))
    form = next(form for form in FORMS if form.endswith("csv"))
    events = read(tmp_path, f"export.{form}", f"{FORMS[form](records).rstrip()}\n{broken}\n")
    expected = read(tmp_path, "nova-compute.log", "\n".join(records) + "\n")
    assert [facts(event) for event in events.events] == [facts(event) for event in expected.events]
    assert "\r" not in broken or any("not CSV" in warning for warning in events.warnings)
