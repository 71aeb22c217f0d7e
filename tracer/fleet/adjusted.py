"""Times of steps without what all steps of a boot share: the SQL that trends, hosts and boots have in common."""

from __future__ import annotations

#: Steps of so few microseconds do not count for what a boot's steps share.
FLOOR_US = 20
#: Boots of a host and day that trends and comparisons of hosts look at.
SAMPLE = 20


def quantile(share: float, of: str) -> str:
    """Return the SQL of an interpolated quantile, the same in every engine."""
    return f"percentile_cont({share}) WITHIN GROUP (ORDER BY {of})"


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
