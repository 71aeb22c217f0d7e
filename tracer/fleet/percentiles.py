"""Percentiles of steps, exact for few boots and from logarithmic bins, which need no more memory, for many."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from tracer.fleet.adjusted import quantile
from tracer.fleet.scope import Run, Scope

#: Boots above which times are counted in bins of 1 %.
EXACT_BOOTS = 20_000
_BINS = 100


def by_key(run: Run, scope: Scope, boots: int) -> dict[int, tuple[int, int, float, float]]:
    """Return for each key its boots, its occurrences, median and 95th percentile of the time in a boot."""
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in run(query(scope, ("key",), boots > EXACT_BOOTS))}


def by_day(
    run: Run, scope: Scope, boots: int, of: str = "total_us", keys: Collection[int] | None = None
) -> dict[int, list[tuple[date, float, float]]]:
    """Return for each key, or each of the given ones, its days with median and 95th percentile of a time."""
    result: dict[int, list[tuple[date, float, float]]] = {}
    if keys is not None and not keys:
        return result
    for key, day, _, _, median, high in run(query(scope, ("key", "day"), boots > EXACT_BOOTS, of, keys)):
        result.setdefault(key, []).append((day, median, high))
    return result


def query(
    scope: Scope, groups: tuple[str, ...], binned: bool, of: str = "total_us", keys: Collection[int] | None = None
) -> str:
    """Return the question as SQL: the groups, boots, occurrences, median and 95th percentile."""
    names = ", ".join(groups)
    columns = ", ".join(f"s.{group} AS {group}" for group in groups)
    only = f" AND s.key IN ({', '.join(map(str, keys))})" if keys is not None else ""
    source = f"""WITH chosen AS (SELECT boot FROM boots WHERE outcome = 'active' AND {scope.condition}),
s AS (
    SELECT {columns}, s.n AS n, greatest(s.{of}, 1) AS us FROM steps s JOIN chosen c ON s.boot = c.boot
    WHERE s.total_us > 0{only})"""
    if not binned:
        return f"""{source}
SELECT {names}, count(*) AS boots, sum(n) AS n, {quantile(0.5, "us")} AS median, {quantile(0.95, "us")} AS high
FROM s GROUP BY {names} ORDER BY {names}"""
    return f"""{source},
h AS (
    SELECT {names}, CAST(floor(ln(us) * {_BINS}) AS INTEGER) AS bin, count(*) AS boots, sum(n) AS n
    FROM s GROUP BY {names}, CAST(floor(ln(us) * {_BINS}) AS INTEGER)),
r AS (
    SELECT *, sum(boots) OVER (PARTITION BY {names} ORDER BY bin) AS rank,
        sum(boots) OVER (PARTITION BY {names}) AS total
    FROM h)
SELECT {names}, sum(boots) AS boots, sum(n) AS n,
    min(CASE WHEN rank >= 0.5 * total THEN exp((bin + 0.5) / {_BINS}) END) AS median,
    min(CASE WHEN rank >= 0.95 * total THEN exp((bin + 0.5) / {_BINS}) END) AS high
FROM r GROUP BY {names} ORDER BY {names}"""
