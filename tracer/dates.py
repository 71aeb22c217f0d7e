"""Dates in output: UTC, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(nanoseconds: int) -> str:
    """Return ``2024-03-01T10:00:00.500+00:00`` for nanoseconds since the epoch."""
    return _datetime(nanoseconds).isoformat(timespec="milliseconds")


def plain(nanoseconds: int) -> str:
    """Return ``2024-03-01 10:00:00.500`` for nanoseconds since the epoch."""
    return _datetime(nanoseconds).replace(tzinfo=None).isoformat(" ", "milliseconds")


def _datetime(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, 10**9)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
