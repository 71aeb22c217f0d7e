"""Conditions on boots: terms as people write them become SQL that cannot be anything else."""

from __future__ import annotations

import pytest

from tracer.errors import TracerError
from tracer.fleet import conditions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("release=32.2.1", "release = '32.2.1'"),
        ("day<2026-11-01", "day < DATE '2026-11-01'"),
        ("ports>=2,host!=compute07", "ports >= 2 AND host <> 'compute07'"),
        ("job=o'brien", "traits['job'] = 'o''brien'"),
        ("servers>3.5", "CAST(traits['servers'] AS DOUBLE) > 3.5"),
        ("", "true"),
    ],
)
def test_terms(text: str, expected: str) -> None:
    assert conditions.sql(text) == expected


@pytest.mark.parametrize(
    "text", ["release", "release=", "day<yesterday", "ports>many", "ports=nan", "a b=1", "host=x\\", "=1", "1=1"]
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(TracerError):
        conditions.sql(text)
