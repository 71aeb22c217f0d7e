"""Dates: what stands as time before a line, in any form that logs have it, as nanoseconds since the epoch."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from tracer.sources.logs.memo import Memo

#: Nanoseconds in a second.
SECOND = 1_000_000_000
#: A file may be a little older than its last line: clocks of other hosts, time to write it.
_AHEAD = timedelta(days=1)
#: Back to the last leap day, wherever it is asked.
_YEARS = 8
_FRACTION = re.compile(r"(?<=:\d\d)[.,](\d{1,9})")
ISO = "%Y-%m-%d %H:%M:%S"
_COMMON = "%d/%b/%Y:%H:%M:%S %z"
_CTIME = "%a %b %d %H:%M:%S %Y"
#: How long a request took, in an access line; a path holds no blank.
_TOOK = re.compile(rb" (\d{1,9}) ?ms(?:ecs)?(?=\s|\Z)")
#: Beyond what any clock gives in this century, in nanoseconds.
_MAX_TIME = 1 << 62
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>[0-5]\d)")
_MAX_HOURS = 14
#: Lines of several threads, or of merged logs, may stand so many seconds out of order.
_DISORDER = 60
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """The clock of one text: its zone, and for dates without a year the moment ``until`` it was written."""

    def __init__(self, zone: tzinfo = UTC, until: datetime | None = None) -> None:
        self.zone = zone
        self._until = (until or datetime.now(UTC)).astimezone(zone).replace(tzinfo=None) + _AHEAD
        #: the time of the record before, in nanoseconds: what has none of its own stands there
        self.last_time = 0
        #: the time told last, in seconds: decides in the hour that a clock shows twice
        self._last = 0
        #: of each form the text read last and its seconds: lines of one second stand together
        self._known: dict[str, tuple[str, int]] = {}

    def of(self, text: str, form: str = ISO) -> int:
        """The time that ``text`` tells in strptime's ``form``, with or without a fraction; 0 where it tells none.

        What datetime.fromisoformat() reads needs no form.
        """
        fraction = _FRACTION.search(text)
        whole = text if fraction is None else text[: fraction.start()] + text[fraction.end() :]
        known, seconds = self._known.get(form, ("", 0))
        if known != whole:
            seconds = self._seconds(whole, form)
            self._known[form] = whole, seconds
        return seconds * SECOND + (int(fraction[1].ljust(9, "0")) if fraction and seconds else 0)

    def of_access(self, date: bytes, line: bytes) -> int:
        """When uWSGI wrote an access line, in nanoseconds, the fraction of the second left out.

        ``date`` is when the request came, ``22/Nov/2026:08:14:11 +0000`` or ``Sun Nov 22 08:14:11 2026``; the ``line``
        after it tells how long it took.
        """
        took = _TOOK.search(line)
        came = self.of(date.decode("utf-8", "replace"), _CTIME if date[:1].isalpha() else _COMMON)
        return came + (int(took[1]) * 1_000_000 if took else 0)

    def start(self, local: datetime) -> tuple[int, bool]:
        """(seconds since the epoch of a local time, whether that holds wherever it stands)."""
        self._last, everywhere = epoch(local, self.zone, self._last)
        return self._last, everywhere

    def _seconds(self, text: str, form: str) -> int:
        try:
            local = datetime.fromisoformat(text) if form == ISO else self._parsed(text, form)
        except (ValueError, OverflowError):
            return 0
        return self.start(local)[0]

    def _parsed(self, text: str, form: str) -> datetime:
        if "%Y" in form or "%y" in form:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is asked for next
        for year in range(self._until.year, self._until.year - _YEARS - 1, -1):
            local = _in_year(year, text, form)
            if local is not None and local.replace(tzinfo=None) <= self._until:
                return local
        raise ValueError(text)


class Seconds(Memo[bytes, int]):
    """``2026-11-22 07:55:54`` as nanoseconds; not kept in an hour that a clock shows twice, where the order decides."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(self._of)
        self._clock = clock
        self._everywhere = True

    def __missing__(self, second: bytes) -> int:
        time = super().__missing__(second)
        if not self._everywhere:
            del self[second]
        return time

    def _of(self, second: bytes) -> int:
        try:
            start, self._everywhere = self._clock.start(datetime.fromisoformat(second[:16].decode()))
        except ValueError:
            start = 0  # the 99th of a month: the line is kept, and stands at the beginning
        return (start + int(second[17:])) * SECOND


def _in_year(year: int, text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(f"{year} {text}", f"%Y {form}")  # noqa: DTZ007 - as above
    except ValueError:
        return None  # a leap day, or no date at all


def of_seconds(told: object) -> int:
    """Nanoseconds since the epoch of a number of seconds, as Python's time.time() gives it; 0 where it is none."""
    if isinstance(told, bool) or not isinstance(told, (int, float)) or not 0 <= told < _MAX_TIME // SECOND:
        return 0
    return round(told * 1_000_000) * 1000


def of_microseconds(digits: object) -> int:
    """The same of journald's microseconds, written as digits."""
    if not isinstance(digits, str) or not (digits.isascii() and digits.isdecimal()) or len(digits) > 16:
        return 0
    return min(int(digits) * 1000, _MAX_TIME)


def parse_zone(text: str) -> tzinfo:
    """The zone that ``+01:00`` or ``Europe/Berlin`` names; ValueError where it is neither."""
    offset = _OFFSET.fullmatch(text)
    if offset is not None and int(offset["hours"]) <= _MAX_HOURS:
        ahead = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"]))
        return timezone(-ahead if offset["sign"] == "-" else ahead)
    try:
        if offset is None:
            return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        pass  # OSError: a folder of zones, or a name too long for a file
    raise ValueError(f"{text!r} is no offset from UTC and no zone; write it like +01:00, -05:30 or Europe/Berlin")


def epoch(local: datetime, zone: tzinfo, after: int) -> tuple[int, bool]:
    """(seconds since the epoch of ``local``, whether that holds wherever it stands).

    An hour that the zone's clock shows twice is the later one where the line before it, at ``after`` seconds, says so.
    A time with an offset of its own needs no zone.
    """
    if local.tzinfo is not None:
        return _since_epoch(local), True
    first, second = (_since_epoch(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first >= second:  # shown once, or, when the clock goes forward, never
        return first, True
    later = first < after - _DISORDER or datetime.fromtimestamp(after, zone).fold
    return (second if later else first), False


def _since_epoch(moment: datetime) -> int:
    """Years before 1970 are a clock that was never set: they count as its beginning."""
    return max((moment - _BEGINNING) // timedelta(seconds=1), 0)
