"""The fleet's statistics against values that others have computed, and against brute force."""

from __future__ import annotations

from itertools import combinations
from math import gamma, pi, sqrt

import pytest

from tracer.fleet import statistics
from tracer.fleet.since import scan


@pytest.mark.parametrize(
    ("t", "degrees", "expected"),
    [  # scipy.stats.t.sf(t, degrees) * 2
        (0.0, 5, 1.0),
        (1.0, 1, 0.5),
        (2.228138851986274, 10, 0.05),
        (4.586893858702636, 10, 0.001),
    ],
)
def test_the_t_distribution(t: float, degrees: float, expected: float) -> None:
    assert statistics.t_two_sided(t, degrees) == pytest.approx(expected, rel=1e-6)


def test_the_far_tail_of_the_t_distribution_is_its_density_integrated() -> None:
    degrees, low, width = 30, 6.0, 0.001
    norm = gamma((degrees + 1) / 2) / gamma(degrees / 2) / sqrt(degrees * pi)
    tail = sum(norm * (1 + (low + (i + 0.5) * width) ** 2 / degrees) ** (-(degrees + 1) / 2) for i in range(60_000))
    assert statistics.t_two_sided(low, degrees) == pytest.approx(2 * tail * width, rel=1e-6)


def test_the_t_quantile_inverts_the_distribution() -> None:
    for p in (0.5, 0.01, 1e-6):
        assert statistics.t_two_sided(statistics.t_quantile(p, 12), 12) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize(("left", "right"), [(3, 4), (5, 5), (2, 7)])
def test_rank_sums_are_exact(left: int, right: int) -> None:
    orders = [sum(order) - left * (left + 1) / 2 for order in combinations(range(1, left + right + 1), left)]
    mean = left * right / 2
    for statistic in range(left * right + 1):
        expected = sum(abs(u - mean) >= abs(statistic - mean) for u in orders) / len(orders)
        assert statistics.rank_sum_two_sided(left, right, statistic) == pytest.approx(expected)


def test_many_ranks_are_close_to_exact_ones() -> None:
    exact = statistics.rank_sum_two_sided(40, 40, 1000)
    assert statistics.rank_sum_two_sided(40, 41, 1000 + 20) == pytest.approx(exact, rel=0.1)


def test_false_discoveries() -> None:
    assert statistics.discoveries([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])


def test_fishers_test() -> None:
    # scipy.stats.fisher_exact([[8, 2], [1, 5]], alternative="greater")
    assert statistics.more_often(8, 10, 1, 6) == pytest.approx(0.024475524, rel=1e-6)
    assert statistics.more_often(0, 10, 0, 10) == pytest.approx(1.0)


def test_least_squares_reports_a_singular_matrix() -> None:
    solutions = statistics.solve([[2.0, 1.0], [1.0, 3.0]], [3.0, 5.0])
    assert solutions is not None
    assert solutions[0] == pytest.approx([0.8, 1.4])
    assert statistics.solve([[1.0, 2.0], [2.0, 4.0]], [1.0, 2.0]) is None


def test_a_scan_finds_the_day_of_a_step_and_nothing_in_a_constant_series() -> None:
    noise = [((i * 7919) % 101) / 101 for i in range(40)]
    split, p = scan([value + (2 if i >= 25 else 0) for i, value in enumerate(noise)])
    assert split == 25
    assert p < 1e-6
    assert scan(noise)[1] > 0.01
