"""Durations on the command line."""

from __future__ import annotations

import pytest

from tracer import times
from tracer.errors import TracerError


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1.5m", 90), ("45", 45), ("1 d", 86400)]
)
def test_a_duration_is_parsed_into_seconds(text: str, seconds: float) -> None:
    assert times.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5m", "0s", "5 minutes"])
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(TracerError, match="not a length of time"):
        times.seconds(text)
