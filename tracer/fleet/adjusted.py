"""Times of steps without what all steps of a boot share: the SQL that trends, hosts and boots have in common."""

from __future__ import annotations

#: Steps of so few microseconds do not count for what a boot's steps share.
FLOOR_US = 20
#: Boots of a host and day that trends and comparisons of hosts look at.
SAMPLE = 20


def quantile(share: float, of: str) -> str:
    """Return the SQL of an interpolated quantile, the same in every engine."""
    return f"percentile_cont({share}) WITHIN GROUP (ORDER BY {of})"


def ranked(table: str, side: str, unit: str) -> str:
    """Return the common table expressions from ``table`` (key, side, unit, y) to ``k``, the mean ranks of keys by side.

    ``k`` has the key, the side, the number of units, that of values as ``n``, the mean rank, and the units' squares.
    """
    return f"""r AS (
    SELECT key, {side}, {unit}, (rank() OVER (PARTITION BY key ORDER BY y)
        + (count(*) OVER (PARTITION BY key, y) - 1) / 2.0 - 0.5) / count(*) OVER (PARTITION BY key) AS r
    FROM {table}),
c AS (SELECT key, {side}, {unit}, CAST(count(*) AS DOUBLE) AS cn, sum(r) AS cr FROM r GROUP BY key, {side}, {unit}),
d AS (
    SELECT key, {side}, cn, cr,
        sum(cr) OVER (PARTITION BY key, {side}) / sum(cn) OVER (PARTITION BY key, {side}) AS mean
    FROM c),
k AS (
    SELECT key, {side}, count(*) AS units, sum(cn) AS n, max(mean) AS mean,
        sum((cr - cn * mean) * (cr - cn * mean)) AS squares
    FROM d GROUP BY key, {side})"""


def adjusted(condition: str, most: int | None = None) -> str:
    """Return CTEs that end with ``y`` (key, boot, host, day, y): logarithms less the step's and the boot's medians.

    Repeated steps are compared with boots that have equally many. ``most`` limits the boots of a host and day, so that
    large fleets cost no more; which ones is fixed by their digests.
    """
    limit = f" WHERE number <= {most}" if most is not None else ""
    return f"""WITH chosen AS (
    SELECT boot, host, day FROM (
        SELECT boot, host, day, row_number() OVER (PARTITION BY host, day ORDER BY boot) AS number FROM boots
        WHERE outcome = 'active' AND {condition}) ranked{limit}),
s AS (
    SELECT s.key AS key, s.n AS n, s.boot AS boot, c.host AS host, c.day AS day, ln(greatest(s.self_us, 1)) AS x
    FROM steps s JOIN chosen c ON s.boot = c.boot WHERE s.total_us > 0),
m AS (SELECT key, n, {quantile(0.5, "x")} AS med FROM s GROUP BY key, n),
x AS (
    SELECT s.key AS key, s.boot AS boot, s.host AS host, s.day AS day, s.x - m.med AS dev, m.med AS med
    FROM s JOIN m ON s.key = m.key AND s.n = m.n),
f AS (SELECT boot, {quantile(0.5, "dev")} AS shared FROM x WHERE med > ln({FLOOR_US}) GROUP BY boot),
y AS (
    SELECT x.key AS key, x.boot AS boot, x.host AS host, x.day AS day, round(x.dev - f.shared, 6) AS y
    FROM x JOIN f ON x.boot = f.boot)"""
