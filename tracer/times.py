"""Times in text: durations on the command line, such as 30s; dates in output, in UTC, to the millisecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tracer.errors import TracerError

_UNITS = {"": 1, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> float:
    """Return the seconds of a duration such as ``10m``; a bare number is seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(us|µs|ms|[smhd]?)", text.strip())
    if match is None or not float(match[1]):
        raise TracerError(f"{text}: not a length of time; write it as 50ms, 30s, 10m or 2h")
    return float(match[1]) * _UNITS[match[2]]


def iso(nanoseconds: int) -> str:
    """Return ``2024-03-01T10:00:00.500+00:00`` for nanoseconds since the epoch."""
    return _datetime(nanoseconds).isoformat(timespec="milliseconds")


def plain(nanoseconds: int) -> str:
    """Return ``2024-03-01 10:00:00.500`` for nanoseconds since the epoch."""
    return _datetime(nanoseconds).replace(tzinfo=None).isoformat(" ", "milliseconds")


def _datetime(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, 10**9)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
