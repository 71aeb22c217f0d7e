"""Time zones and dates: offsets, names, the repeated hour, dates without a year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import log_records
from tracer.sources.logs import times
from tracer.sources.logs.times import Clock

BERLIN = times.parse_zone("Europe/Berlin")
SHORT = "%b %d %H:%M:%S"


def utc(time: int) -> str:
    return datetime.fromtimestamp(time / 10**9, UTC).isoformat(" ", "seconds")[:19]


@pytest.mark.parametrize(
    ("text", "offset"),
    [("+01:00", 3600), ("-0530", -19800), ("+14:00", 50400), ("UTC", 0), ("Europe/Berlin", 3600)],
)
def test_offsets_and_zone_names_are_parsed(text: str, offset: int) -> None:
    zone = times.parse_zone(text)
    assert datetime(2026, 11, 22, tzinfo=zone).utcoffset() == timedelta(seconds=offset)


@pytest.mark.parametrize(
    "text", ["+15:00", "+01:60", "1", "", "Europe", "Middle/Earth", "../etc/passwd", "x" * 300, "\0"]
)
def test_an_invalid_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is neither an offset from UTC nor a zone"):
        times.parse_zone(text)


def test_the_repeated_hour_is_resolved_by_the_order_of_lines() -> None:
    """On 25 October 2026, 03:00 summer time in Berlin became 02:00."""
    times_of_day = [
        "01:59:59", "02:00:00", "02:30:00", "02:29:59", "02:59:59", "02:00:00", "02:00:01", "02:31:00", "02:30:59",
        "02:59:59", "03:00:00",
    ]  # fmt: skip
    lines = "".join(f"2026-10-25 {clock}.000 1 INFO x [-] a\n" for clock in times_of_day)
    converted = [utc(record.time)[11:] for record in log_records.read(lines.encode(), Clock(BERLIN))]
    assert converted == ["23:59:59", "00:00:00", "00:30:00", "00:29:59", "00:59:59", "01:00:00", "01:00:01", "01:31:00",
                     "01:30:59", "01:59:59", "02:00:00"]  # fmt: skip
    clock = Clock(BERLIN)
    assert [utc(clock.of(f"2026-10-25 {text}"))[11:] for text in times_of_day] == converted


def test_a_skipped_hour_is_converted() -> None:
    assert utc(Clock(BERLIN).of("2026-03-29 02:30:00")) == "2026-03-29 01:30:00"


def test_summer_and_winter_time_differ() -> None:
    clock = Clock(BERLIN)
    assert utc(clock.of("2026-07-01 12:00:00")) == "2026-07-01 10:00:00"
    assert utc(clock.of("2026-12-01 12:00:00")) == "2026-12-01 11:00:00"


@given(
    st.integers(365 * 86400, 67 * 365 * 86400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.integers(-14, 14),
)
def test_every_time_is_read_back(moment: datetime, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    local = moment.astimezone(zone)
    clock = Clock(zone, moment)
    for form in ("%Y-%m-%d %H:%M:%S", "%d.%m.%y %I:%M:%S %p", SHORT, "%Y %j %H:%M:%S", "%d/%b/%Y:%H:%M:%S %z"):
        assert utc(clock.of(local.strftime(form), form)) == utc(int(moment.timestamp()) * 10**9)


def test_a_date_without_a_year_is_in_the_latest_possible_year() -> None:
    clock = Clock(UTC, datetime(2027, 1, 2, 8, tzinfo=UTC))
    assert utc(clock.of("Dec 31 23:59:59", SHORT)) == "2026-12-31 23:59:59"
    assert utc(clock.of("Jan  2 07:59:59", SHORT)) == "2027-01-02 07:59:59"
    assert utc(clock.of("Feb 29 07:59:59", SHORT)) == "2024-02-29 07:59:59"


@given(st.text(max_size=40), st.sampled_from([times.ISO, SHORT, "%d/%b/%Y:%H:%M:%S %z"]))
def test_any_text_is_a_time_or_zero(text: str, form: str) -> None:
    assert Clock(BERLIN).of(text, form) >= 0
    assert times.of_microseconds(text) >= 0


@given(st.one_of(st.floats(), st.integers(), st.text(), st.booleans(), st.none()))
def test_any_number_of_seconds_is_a_time_or_zero(value: object) -> None:
    assert 0 <= times.of_seconds(value) < 1 << 63


@given(
    st.datetimes(),
    st.sampled_from([BERLIN, times.parse_zone("+14:00"), times.parse_zone("-14:00")]),
    st.integers(0, 1 << 33),
)
def test_any_date_has_a_second(local: datetime, zone: timezone, after: int) -> None:
    assert times.epoch(local, zone, after)[0] >= 0
