"""Statistics without a library: t distribution, exact rank sums, Fisher's test, false discoveries, least squares."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import comb, erfc, exp, inf, lgamma, log, sqrt

#: The share of false findings among all that is accepted.
FALSE_DISCOVERIES = 0.01
#: The smallest change of a median that is reported.
MIN_RATIO = 1.10
#: Units (host and day, or a night) that a side needs.
MIN_UNITS = 8


def t_two_sided(t: float, degrees: float) -> float:
    """Return the probability of a Student's t at least this far from 0."""
    if t in (inf, -inf):
        return 0.0
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def t_quantile(p: float, degrees: float) -> float:
    """Return the t whose two-sided probability is ``p``, by bisection."""
    low, high = 0.0, 1.0
    while t_two_sided(high, degrees) > p:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if t_two_sided(middle, degrees) > p else (low, middle)
    return high


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function, by its continued fraction (Lentz's method)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    value, c, d = 1.0, 1.0, 0.0
    for i in range(400):
        d = 1 + _term(a, b, x, i) * d
        d = 1 / (d or 1e-300)
        c = 1 + _term(a, b, x, i) / c
        c = c or 1e-300
        value *= c * d
        if abs(1 - c * d) < 1e-14:
            break
    return front * (value - 1)


def _term(a: float, b: float, x: float, i: int) -> float:
    m = i // 2
    if i == 0:
        return 1.0
    if i % 2 == 0:
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))


def welch(means: tuple[float, float], variances: tuple[float, float], units: tuple[int, int]) -> tuple[float, float]:
    """Return t and its degrees of freedom for a difference of means with these variances of the means."""
    total = sum(variances)
    parts = sum(variance * variance / (count - 1) for variance, count in zip(variances, units, strict=True))
    if total <= 0 or parts <= 0:
        return (0.0 if means[0] == means[1] else inf), float(min(units) - 1)
    return (means[1] - means[0]) / sqrt(total), total * total / parts


def discoveries(probabilities: Sequence[float]) -> list[float]:
    """Return the q-value of each probability (Benjamini and Hochberg)."""
    order = sorted(range(len(probabilities)), key=probabilities.__getitem__)
    result, last = [1.0] * len(order), 1.0
    for rank in range(len(order), 0, -1):
        index = order[rank - 1]
        last = min(last, probabilities[index] * len(order) / rank)
        result[index] = last
    return result


#: Above so many values the normal distribution replaces the exact one, which costs their cube.
_EXACT = 80


def rank_sum_two_sided(left: int, right: int, statistic: float) -> float:
    """Return the probability of a Mann–Whitney U at least this far from its mean, without ties."""
    mean = left * right / 2
    distance = abs(statistic - mean)
    if left + right > _EXACT:
        return erfc(max(distance - 0.5, 0) / sqrt(left * right * (left + right + 1) / 12) / sqrt(2))
    ways = _ways(min(left, right), max(left, right))
    tail = sum(count for value, count in enumerate(ways) if abs(value - mean) >= distance - 1e-9)
    return tail / comb(left + right, left)


@lru_cache(maxsize=256)
def _ways(left: int, right: int) -> tuple[int, ...]:
    """Return for each U the number of orders that have it: the coefficients of a Gaussian binomial."""
    size = left * right + 1
    ways = [1] + [0] * (size - 1)
    for i in range(1, left + 1):
        for value in range(size - 1, right + i - 1, -1):
            ways[value] -= ways[value - right - i]
        for value in range(i, size):
            ways[value] += ways[value - i]
    return tuple(ways)


def more_often(hits: int, of: int, other_hits: int, other_of: int) -> float:
    """Return the probability of at least ``hits`` on the first side if both sides had one rate (Fisher's test)."""
    total, drawn = of + other_of, hits + other_hits
    return sum(
        exp(_log_comb(of, k) + _log_comb(other_of, drawn - k) - _log_comb(total, drawn))
        for k in range(hits, min(of, drawn) + 1)
    )


def _log_comb(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) if 0 <= k <= n else -inf


def solve(matrix: Sequence[Sequence[float]], *sides: Sequence[float]) -> list[list[float]] | None:
    """Return the solutions for the right sides by Gauss's elimination; None for a singular matrix."""
    size = len(matrix)
    rows = [[*matrix[i], *(side[i] for side in sides)] for i in range(size)]
    scale = [max(map(abs, row[:size])) or 1.0 for row in rows]
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]) / scale[r])
        if abs(rows[pivot][i]) < 1e-9 * scale[pivot]:
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        scale[i], scale[pivot] = scale[pivot], scale[i]
        for r in range(size):
            if r != i and (factor := rows[r][i] / rows[i][i]):
                rows[r] = [x - factor * y for x, y in zip(rows[r], rows[i], strict=True)]
    return [[rows[i][size + k] / rows[i][i] for i in range(size)] for k in range(len(sides))]


def median(values: Sequence[float]) -> float:
    """Return the median of at least one value."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
