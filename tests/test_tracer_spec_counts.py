"""Counts of a spec: their grammar, their values, and what is refused."""

from __future__ import annotations

import pytest

from tracer.spec import counts

AMOUNTS = {"port": 2, "volume": 1, "host": 3}


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("4", (4, 4)),
        ("exactly 4", (4, 4)),
        ("none", (0, 0)),
        ("at most 12", (0, 12)),
        ("at least 1", (1, None)),
        ("2 to 5", (2, 5)),
        ("4 + 2 per port", (8, 8)),
        ("2 per volume", (2, 2)),
        ("1 + 1 per port + 2 per host", (9, 9)),
        ("at most 1 + 3 per port", (0, 7)),
        ("2 per port to 3 per port", (4, 6)),
    ],
)
def test_counts_have_limits_for_a_boots_ports_volumes_and_hosts(text: str, limits: tuple[int, int | None]) -> None:
    count = counts.parse(text)
    assert count is not None
    assert count.limits(AMOUNTS) == limits
    assert counts.parse(str(count)) == count
    assert count.holds(limits[0], AMOUNTS)
    assert not count.holds(limits[0] - 1, AMOUNTS)
    assert limits[1] is None or not count.holds(limits[1] + 1, AMOUNTS)


@pytest.mark.parametrize(
    "text",
    ["", "some", "-1", "4.5", "1e3", "4 per cat", "at most", "at most none", "2 to", "to 3", "4 +", "9999999999", "٤"],
)
def test_other_texts_are_no_counts(text: str) -> None:
    assert counts.parse(text) is None
