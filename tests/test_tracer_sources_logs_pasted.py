"""Pasted logs: any text, in any wrapping, gives the records that the bare text gives."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import log_records
from tests.support.log_traces import nova34
from tests.support.log_wrappers import WRAPPERS
from tracer.sources.logs import reader
from tracer.sources.logs.records import Record
from tracer.sources.logs.times import Clock

UNTIL = datetime(2026, 11, 23, tzinfo=UTC)
DIABLO = Path(__file__).parent / "data" / "diablo"
_RECORD = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE)
#: Longer records are not posted.
LONGEST = 3000


@cache
def texts() -> list[list[str]]:
    """Return the records of each recorded log, as the texts that they are in it."""
    with TemporaryDirectory() as folder:
        paths = [*sorted(nova34(Path(folder)).glob("*.log")), *sorted(DIABLO.glob("*.log"))]
        logs = [_RECORD.split(path.read_text(errors="replace").replace("\r", ""))[1:] for path in paths]
    short = [[record for record in log if len(record) < LONGEST and "\n\n" not in record] for log in logs]
    return [log for log in short if len(log) > 50]


@st.composite
def excerpts(draw: st.DrawFn, rows: int = 12) -> list[str]:
    """Draw the lines of a few records that follow each other in a recorded log."""
    log = draw(st.sampled_from(texts()))
    start = draw(st.integers(0, len(log) - rows))
    return "".join(log[start : start + draw(st.integers(2, rows))]).splitlines()


def read(lines: list[str]) -> list[tuple[object, ...]]:
    return [comparable(record) for record in log_records.read(("\n".join(lines) + "\n").encode(), Clock(until=UNTIL))]


def comparable(record: Record) -> tuple[object, ...]:
    """Return the fields that a prefix does not name; blanks at the edges of cut rows are lost."""
    text = f"{record.message}{record.function}{record.file}{record.line or ''}".replace(":", "")
    return record.time, record.level, record.logger, "".join(text.split()), record.request_id, record.global_request_id


@pytest.mark.parametrize("wrapper", WRAPPERS)
@given(lines=excerpts())
def test_wrapped_lines_give_the_records_of_the_bare_ones(wrapper: str, lines: list[str]) -> None:
    assert read(WRAPPERS[wrapper](lines)) == read(lines)


@given(excerpt=excerpts(), others=st.lists(st.tuples(excerpts(4), st.sampled_from(sorted(WRAPPERS))), max_size=4))
def test_stretches_in_several_wrappings_give_the_records_of_each(
    excerpt: list[str], others: list[tuple[list[str], str]]
) -> None:
    whole, expected = list(excerpt), read(excerpt)
    for lines, wrapper in others:
        whole += ["", *WRAPPERS[wrapper](lines), ""]
        expected += read(lines)
    assert sorted(read(whole), key=repr) == sorted(expected, key=repr)


def test_prose_before_a_fence_is_no_part_of_the_record_above() -> None:
    lines = [f"{HEAD}a", f"{HEAD}b"]
    text = [*lines, "", *WRAPPERS["fenced"](lines), "", *WRAPPERS["fenced"](lines), ""]
    assert sorted(read(text), key=repr) == sorted(read(lines) * 3, key=repr)


def warnings(folder: Path, text: str) -> list[str]:
    (folder / "a.log").write_text(text)
    return [warning.partition("a.log: ")[2] for warning in reader.read(folder / "a.log").warnings]


HEAD = "2026-11-22 12:00:00.000 1 INFO nova.x [-] "


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (f"{HEAD}a\n", ""),
        (f"Dear all,\n\nit fails:\n{HEAD}a\n", "2 lines not understood, the first at line 1: 'Dear all,'"),
        (
            f"{HEAD}a\n2026-11-22 12:00:00.1+0000: 7: error : virNet:1 : End\n{HEAD}b\n",
            "1 line not understood, the first at line 2: '2026-11-22 12:00:00.1+0000: 7: error : virNet:1 : End'",
        ),
        (
            f"> {HEAD}a\n>   more\n\nThat is all.\x07\n",
            "1 line not understood, the first at line 4: 'That is all.\ufffd'",
        ),
        (f"web | {HEAD}a\nweb |   more\n$ ls\n", "1 line not understood, the first at line 3: '$ ls'"),
    ],
)
def test_lines_that_are_no_records_are_counted(tmp_path: Path, text: str, warning: str) -> None:
    assert warnings(tmp_path, text) == [warning] * bool(warning)


def test_what_continues_a_line_of_another_program_joins_no_record(tmp_path: Path) -> None:
    path = tmp_path / "journal.txt"
    head = "Nov 22 07:55:54 ctl-1 {}: "
    own = head.format("nova-api[7]") + "2026-11-22 07:55:54.393 7 INFO nova.x [-] one"
    other = head.format("cron[9]") + "two"
    path.write_text(f"{own}\n{other}\n{' ' * (len(other) - 3)}three\n{own.replace('one', 'four')}\n")
    events = reader.read(path)
    assert [event.attributes["message"] for event in events.events] == ["one", "four"]
    assert "2 lines not understood" in "".join(events.warnings)


def test_interleaved_containers_keep_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(f"web  | {HEAD}a\ndb   | {HEAD}b\nweb  | of a\ndb   | of b\nweb  | {HEAD}c\n")
    events = reader.read(tmp_path / "a.log").events
    messages = [(event.process.argv, event.attributes["message"]) for event in events]
    assert sorted(messages, key=str) == [("db", "b\nof b"), ("web", "a\nof a"), ("web", "c")]


@pytest.mark.parametrize(
    "date",
    [
        "2026-11-22 12:00:00", "2026-11-22T12:00:00Z", "2026-11-22T13:00:00.000+01:00", "Nov 22 12:00:00",
        "22/Nov/2026:12:00:00", "22/Nov/2026:12:00:00 +0000", "2026/11/22 12:00:00", "22.11.2026 12:00:00",
        "22 Nov 2026 12:00:00", "Sun Nov 22 12:00:00 2026", "1795348800", "1795348800.000", "[2026-11-22 12:00:00]",
    ],
)  # fmt: skip
def test_dates_of_any_site_are_read(date: str) -> None:
    text = f"{date} 7 INFO nova.x [-] a\n"
    (record,) = log_records.read(text.encode(), Clock(until=UNTIL))
    assert (record.time, record.pid, record.message) == (1_795_348_800_000_000_000, 7, "a")


@pytest.mark.parametrize("prefix", ["> ", "a.log:12:", "&gt; ", "name | ", "Nov 22 07:55:54 n x[1]: ", "[pod/a/b] "])
def test_hostile_texts_take_bounded_time(tmp_path: Path, prefix: str) -> None:
    """Lines as long as a block, or with nothing but prefixes, would take minutes if a pattern backtracked."""
    text = prefix * 20_000 + "\n" + f"{prefix}{HEAD}{prefix * 20_000}\n" + prefix * 20_000
    (tmp_path / "a.log").write_text(text)
    assert len(reader.read(tmp_path / "a.log").events) == 1


def test_a_text_that_names_many_processes_has_a_bounded_number(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("".join(f"name-{number} | {HEAD}a\n" for number in range(5200)))
    result = reader.read(tmp_path / "a.log")
    assert (len(result.events), len(result.processes)) == (5200, 5000)
