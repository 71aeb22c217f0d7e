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


def warnings(folder: Path, text: str) -> list[str]:
    (folder / "a.log").write_text(text)
    return [warning.partition("a.log: ")[2] for warning in reader.read(folder / "a.log").warnings]
