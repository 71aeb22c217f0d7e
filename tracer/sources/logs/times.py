"""Times of log lines, in any format and zone, as nanoseconds since the epoch."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from tracer.sources.logs.memo import Memo

#: Nanoseconds in a second.
SECOND = 1_000_000_000
#: A file may be a little older than its last line: other hosts' clocks, buffering.
_AHEAD = timedelta(days=1)
#: Reaches the last leap day from any year.
_YEARS = 8
_FRACTION = re.compile(r"(?<=:\d\d)[.,](\d{1,9})")
ISO = "%Y-%m-%d %H:%M:%S"
_COMMON = "%d/%b/%Y:%H:%M:%S %z"
_CTIME = "%a %b %d %H:%M:%S %Y"
#: A request's duration in an access line; a path contains no blank.
_TOOK = re.compile(rb" (\d{1,9}) ?ms(?:ecs)?(?=\s|\Z)")
#: Later than any clock of this century, in nanoseconds.
_MAX_TIME = 1 << 62
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>[0-5]\d)")
_MAX_HOURS = 14
#: Lines of several threads, or of merged logs, may be so many seconds out of order.
_DISORDER = 60
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """The clock of one text: its zone, and the time of its last change, for dates without a year."""

    def __init__(self, zone: tzinfo = UTC, until: datetime | None = None) -> None:
        self.zone = zone
        self._until = (until or datetime.now(UTC)).astimezone(zone).replace(tzinfo=None) + _AHEAD
        #: the time of the record before, in nanoseconds: a line without a time takes it
        self.last_time = 0
        #: the time read last, in seconds: decides in the hour that a clock shows twice
        self._last = 0
        #: by format, the text read last and its seconds: lines of one second are adjacent
        self._known: dict[str, tuple[str, int]] = {}

    def of(self, text: str, form: str = ISO) -> int:
        """Parse a time in strptime's ``form``, with or without a fraction, to nanoseconds; return 0 if it is invalid.

        Times that datetime.fromisoformat() reads need no ``form``.
        """
        fraction = _FRACTION.search(text)
        whole = text if fraction is None else text[: fraction.start()] + text[fraction.end() :]
        known, seconds = self._known.get(form, ("", 0))
        if known != whole:
            seconds = self._seconds(whole, form)
            self._known[form] = whole, seconds
        return seconds * SECOND + (int(fraction[1].ljust(9, "0")) if fraction and seconds else 0)

    def of_access(self, date: bytes, line: bytes) -> int:
        """Return when uWSGI wrote an access line, in nanoseconds, without the fraction of the second.

        ``date`` is the request's arrival, ``22/Nov/2026:08:14:11 +0000`` or ``Sun Nov 22 08:14:11 2026``; the ``line``
        after it contains the duration.
        """
        took = _TOOK.search(line)
        arrival = self.of(date.decode("utf-8", "replace"), _CTIME if date[:1].isalpha() else _COMMON)
        return arrival + (int(took[1]) * 1_000_000 if took else 0)

    def start(self, local: datetime) -> tuple[int, bool]:
        """Return (seconds since the epoch of a local time, whether that is independent of the lines before)."""
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
            return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is applied next
        for year in range(self._until.year, self._until.year - _YEARS - 1, -1):
            local = _in_year(year, text, form)
            if local is not None and local.replace(tzinfo=None) <= self._until:
                return local
        raise ValueError(text)


class Seconds(Memo[bytes, int]):
    """Nanoseconds by ``2026-11-22 07:55:54``; not cached in an hour that a clock shows twice: the order decides."""

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
            start = 0  # the 99th of a month: the line gets the epoch's start
        return (start + int(second[17:])) * SECOND


def _in_year(year: int, text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(f"{year} {text}", f"%Y {form}")  # noqa: DTZ007 - as above
    except ValueError:
        return None  # a leap day, or no date at all


def of_seconds(value: object) -> int:
    """Convert seconds since the epoch, as from time.time(), to nanoseconds; return 0 for any other value."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _MAX_TIME // SECOND:
        return 0
    return round(value * 1_000_000) * 1000


def of_microseconds(digits: object) -> int:
    """Convert journald's microseconds, a text of digits, to nanoseconds; return 0 for any other value."""
    if not isinstance(digits, str) or not (digits.isascii() and digits.isdecimal()) or len(digits) > 16:
        return 0
    return min(int(digits) * 1000, _MAX_TIME)


def parse_zone(text: str) -> tzinfo:
    """Parse a zone, ``+01:00`` or ``Europe/Berlin``; ValueError for any other text."""
    offset = _OFFSET.fullmatch(text)
    if offset is not None and int(offset["hours"]) <= _MAX_HOURS:
        ahead = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"]))
        return timezone(-ahead if offset["sign"] == "-" else ahead)
    try:
        if offset is None:
            return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        pass  # OSError: a folder of zones, or a name too long for a file
    raise ValueError(
        f"{text!r} is neither an offset from UTC nor a zone; write it like +01:00, -05:30 or Europe/Berlin"
    )


def epoch(local: datetime, zone: tzinfo, after: int) -> tuple[int, bool]:
    """Return (seconds since the epoch of ``local``, whether that is independent of the lines before).

    In an hour that the zone's clock shows twice, the line before, at ``after`` seconds, decides. A time
    with an offset needs no zone.
    """
    if local.tzinfo is not None:
        return _since_epoch(local), True
    first, second = (_since_epoch(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first >= second:  # shown once, or, when the clock goes forward, never
        return first, True
    later = first < after - _DISORDER or datetime.fromtimestamp(after, zone).fold
    return (second if later else first), False


def _since_epoch(moment: datetime) -> int:
    """Return the seconds since the epoch, 0 before 1970, which is a clock that was never set."""
    return max((moment - _BEGINNING) // timedelta(seconds=1), 0)
