"""Zones: from the local time that a log tells to seconds since the epoch, also where a clock goes back an hour."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>[0-5]\d)")
_MAX_HOURS = 14
#: Lines of several threads, or of merged logs, may stand so many seconds out of order.
_DISORDER = 60


def parse(text: str) -> tzinfo:
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
        return _seconds(local), True
    first, second = (_seconds(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first >= second:  # shown once, or, when the clock goes forward, never
        return first, True
    later = first < after - _DISORDER or datetime.fromtimestamp(after, zone).fold
    return (second if later else first), False


def _seconds(moment: datetime) -> int:
    """Years before 1970 are a clock that was never set: they count as its beginning."""
    return max((moment - _BEGINNING) // timedelta(seconds=1), 0)


_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
