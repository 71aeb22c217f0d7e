"""Hosts that stand out: steps that are slower on one host than on the others, and hosts that are slower as a whole."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import exp, sqrt

from tracer.fleet import trees
from tracer.fleet.adjusted import SAMPLE, adjusted, quantile, ranked
from tracer.fleet.scope import Run, Scope
from tracer.fleet.statistics import FALSE_DISCOVERIES, MIN_RATIO, MIN_UNITS, discoveries, median, t_two_sided
from tracer.model.fleet import CANNOT_TELL, FOUND, Answer, Column, Table

#: Hosts that a comparison needs.
_MIN_HOSTS = 3
_WHOLE = 0


@dataclass(frozen=True, slots=True)
class _Row:
    """A step on a host: days, mean rank, its variance over days, median of the adjusted logarithm."""

    key: int
    host: str
    days: int
    boots: float
    mean: float
    variance: float
    level: float


@dataclass(frozen=True, slots=True)
class Outlier:
    """A step that is slower on a host than on the others; key 0 is all steps."""

    key: int
    host: str
    ratio: float
    p: float
    boots: int


def query(scope: Scope) -> str:
    """Return the question as SQL: a row a key and host."""
    return f"""{adjusted(scope.condition, SAMPLE)},
z AS (
    SELECT key, host, day, y FROM y
    UNION ALL SELECT CAST({_WHOLE} AS BIGINT) AS key, c.host AS host, c.day AS day, round(f.shared, 6) AS y
    FROM f JOIN chosen c ON f.boot = c.boot),
{ranked("z", "host", "day")},
e AS (SELECT key, host, {quantile(0.5, "y")} AS y FROM z GROUP BY key, host)
SELECT k.key AS key, k.host AS host, k.units AS days, k.n AS n, k.mean AS mean,
    k.squares / (k.n * k.n) * k.units / (k.units - 1) AS variance, e.y AS y
FROM k JOIN e ON k.key = e.key AND k.host = e.host WHERE k.units >= {MIN_UNITS} ORDER BY k.key, k.host"""


def outliers(rows: list[tuple[object, ...]]) -> tuple[list[Outlier], int, int]:
    """Return the hosts' steps that stand out, the number of steps that were examined, and of their hosts."""
    by_key: defaultdict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        by_key[row[0]].append(_Row(*row))  # type: ignore[arg-type, index]
    compared = {key: group for key, group in by_key.items() if len(group) >= _MIN_HOSTS}
    tests = [_test(row, group) for group in compared.values() for row in group]
    hosts = {row.host for group in compared.values() for row in group}
    result = [
        test
        for test, q in zip(tests, discoveries([test.p for test in tests]), strict=True)
        if q < FALSE_DISCOVERIES and test.ratio >= MIN_RATIO
    ]
    return sorted(result, key=lambda test: (test.p, test.host, test.key)), len(compared), len(hosts)


def _test(row: _Row, group: list[_Row]) -> Outlier:
    """Compare a host with the others, which differ among themselves: it must stand out of their differences."""
    others = [other for other in group if other is not row]
    total = sum(other.boots for other in others)
    mean = sum(other.boots * other.mean for other in others) / total
    variance = row.variance + sum((other.boots / total) ** 2 * other.variance for other in others)
    centre = sum(other.mean for other in others) / len(others)
    variance += sum((other.mean - centre) ** 2 for other in others) / (len(others) - 1)
    t = (row.mean - mean) / sqrt(variance) if variance > 0 else 0.0
    p = t_two_sided(t, min(row.days, len(others)) - 1)
    ratio = exp(row.level - median([other.level for other in others]))
    return Outlier(row.key, row.host, ratio, p, int(row.boots))


_COLUMNS = (
    Column("host", "host"), *trees.STEP, Column("ratio", "to others", "ratio"),
    Column("p", "p", "p"), Column("boots", "boots", "count"), Column("key", "key", "key"),
)  # fmt: skip


def hosts(run: Run, scope: Scope) -> Answer:
    """Return the hosts that stand out, by their steps."""
    answer = Answer("hosts", sentences=list(scope.sentences))
    result, examined, count = outliers(run(query(scope)))
    if not examined:
        answer.verdict = CANNOT_TELL
        answer.sentences.append(f"Cannot tell: fewer than {_MIN_HOSTS} hosts have boots on {MIN_UNITS} days or more.")
        return answer
    names = trees.names(run, [test.key for test in result if test.key != _WHOLE])
    names[_WHOLE] = ("", "the boot as a whole", "")
    rows = [(t.host, *names[t.key], t.ratio, t.p, t.boots, str(t.key)) for t in result]
    answer.tables.append(Table("hosts", "Stand out", _COLUMNS, list(rows)))
    answer.sentences.append(
        f"{len({test.host for test in result})} of {count} hosts stand out, in {len(rows)} steps of {examined}; at "
        f"most {SAMPLE} boots of a host and day were compared."
    )
    answer.verdict = FOUND if rows else answer.verdict
    return answer
