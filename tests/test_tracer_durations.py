"""Lengths of time as people write them."""

from __future__ import annotations

import pytest

from tracer import durations
from tracer.errors import TracerError


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1.5m", 90), ("45", 45), ("1 d", 86400)]
)
def test_seconds(text: str, seconds: float) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5m", "0s", "5 minutes"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(TracerError, match="not a length of time"):
        durations.seconds(text)
