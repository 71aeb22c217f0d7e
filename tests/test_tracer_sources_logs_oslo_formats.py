"""Custom format strings of oslo.log: supported fields, and records read from such lines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import log_records
from tracer.errors import TracerError
from tracer.oslo_config import Options
from tracer.sources.logs import oslo_formats
from tracer.sources.logs.oslo_formats import Formats
from tracer.sources.logs.records import Record
from tracer.sources.logs.times import Clock

REQUEST = "req-c29ec537-4c93-4257-b1e1-a97407e9c85d"
NOON = 1_795_348_800_000_000_000  # 2026-11-22 12:00:00 UTC


def read(text: str, *strings: str, date: str = "%Y-%m-%d %H:%M:%S") -> list[Record]:
    return list(log_records.read(text.encode(), Clock(until=datetime(2026, 12, 1, tzinfo=UTC)), Formats(strings, date)))


def test_fields_may_be_in_any_order() -> None:
    (record,) = read(
        f"nova.x WARN [{REQUEST}] (5) 2026-11-22 12:00:00,007: [instance: 5] said\n  more\n",
        "%(name)s %(levelname).4s [%(request_id)s] (%(process)d) %(asctime)s,%(msecs)03d: %(instance)s%(message)s",
    )
    assert record == Record(NOON + 7_000_000, "WARNING", "nova.x", "[instance: 5] said\n  more", 5, REQUEST)


def test_fields_may_follow_the_message() -> None:
    (record,) = read(
        "2026-11-22 12:00:00 said 100% <nova.x> at run /a/b.py:12\n",
        "%(asctime)s %(message)s <%(foo)s> at %(funcName)s %(pathname)s:%(lineno)d",
    )
    assert (record.message, record.function, record.file, record.line) == ("said 100%", "run", "/a/b.py", 12)


def test_seconds_since_the_epoch_are_a_time() -> None:
    (record,) = read("1795348800.25 INFO x y said\n", "%(created)f %(levelname)s %(name)s %(user_name)s %(message)s")
    assert (record.time, record.logger, record.message) == (NOON + 250_000_000, "x", "said")


def test_a_record_continues_until_the_next_head() -> None:
    string = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"
    first, second = read("2026-11-22 12:00:00 INFO     a: b\nc\n2026-11-22 12:00:01 CRITICAL d: e\n", string)
    assert (first.message, second.message, second.level) == ("b\nc", "e", "CRITICAL")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%b %d %H:%M:%S", "Nov 22 12:00:00"), ("%c", "Sun Nov 22 12:00:00 2026"),
        ("%FT%T%z", "2026-11-22T14:00:00+0200"),
        ("%d/%m/%y %I:%M:%S %p", "22/11/26 12:00:00 PM"), ("%Y-%m-%dT%H:%M:%S", "2026-11-22T12:00:00"),
    ],
)  # fmt: skip
def test_date_formats_are_supported(form: str, text: str) -> None:
    (record,) = read(f"{text} INFO x said\n", "%(asctime)s %(levelname)s %(name)s %(message)s", date=form)
    assert record.time == NOON


@pytest.mark.parametrize(
    ("string", "date", "reason"),
    [
        ("%(asctime)s %(name)s", None, "has no %(message)s"),
        ("%(asctime)s %s %(message)s", None, "is not a field"),
        ("%(asctime %(message)s", None, "is not a field"),
        ("{asctime} %(message)s", None, "by which to find the start of a record"),
        ("%(message)s", None, "by which to find the start of a record"),
        ("%(asctime)s %(message)s", "%H:%M:%S", "contains no day and time"),
        ("%(asctime)s %(message)s", "%Y-%m-%d %Q", "%Q is not supported"),
        ("%(asctime)s %(message)s", "%Y-%m-%d %H %Z", "%Z is not supported"),
    ],
)
def test_an_unusable_format_is_refused_in_one_line(string: str, date: str | None, reason: str) -> None:
    with pytest.raises(TracerError) as caught:
        oslo_formats.explicit_formats([string], date)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_configuration_file_may_refer_to_other_options() -> None:
    text = """[DEFAULT]
shown = %(process)d %(levelname)s
logging_context_format_string = "%(asctime)s $shown %(name)s <%(request_id)s> %(message)s"
log_date_format = %d.%m.%Y %H:%M:%S
logging_debug_format_suffix = at %(funcName)s %(pathname)s:%(lineno)d
"""
    formats = oslo_formats.service_formats(Options(text, "nova.conf"), "nova.conf")
    lines = (
        f"22.11.2026 12:00:00 5 DEBUG nova.x <{REQUEST}> said at run /a.py:3\n22.11.2026 12:00:01.000 5 INFO y [-] z\n"
    )
    first, second = log_records.read(lines.encode(), Clock(), formats)
    assert first == Record(NOON, "DEBUG", "nova.x", "said", 5, REQUEST, None, "", "run", "/a.py", 3)
    assert (second.logger, second.message) == ("y", "z")


def test_an_unusable_format_in_a_configuration_file_is_refused() -> None:
    with pytest.raises(TracerError, match=r"^nova\.conf: .* has no %\(message\)s$"):
        oslo_formats.service_formats(Options("[DEFAULT]\nlogging_default_format_string=x\n", "nova.conf"), "nova.conf")


PARTS = st.sampled_from(
    ["%(asctime)s", "%(message)s", "%(name)s", "%(levelname)-5s", "%(foo)s", "%(msecs)03d", "%%", "%", " ", "[",
     "\x1b[01;5m", "%(lineno)d", "%(pathname)s", "%(instance)s", "é", "(", "\\"]
)  # fmt: skip


@given(st.lists(PARTS, max_size=12).map("".join), st.text(max_size=12), st.binary(max_size=200))
def test_any_format_string_is_used_or_refused(string: str, date: str, data: bytes) -> None:
    try:
        (formats,) = oslo_formats.explicit_formats([string], date)
    except TracerError:
        return
    for record in log_records.read(data, Clock(), formats):
        assert record.time >= 0
