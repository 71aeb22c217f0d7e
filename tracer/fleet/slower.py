"""Steps that became slower from one set of boots to another.

A step's time is its self time. Each boot is compared without what all of its steps share (load, machine); the ranks
of a step have their variance over units (host and day), since boots of a unit are not independent. Repeated steps are
compared among boots that have equally many of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, pi, sqrt

from tracer.errors import TracerError
from tracer.fleet import conditions, trees
from tracer.fleet.adjusted import FLOOR_US, quantile, ranked
from tracer.fleet.scope import Run, Scope, unit
from tracer.fleet.statistics import (
    FALSE_DISCOVERIES,
    MIN_RATIO,
    MIN_UNITS,
    discoveries,
    t_quantile,
    t_two_sided,
    welch,
)
from tracer.model.fleet import CANNOT_TELL, FOUND, NOTHING, Answer, Column, Table

#: The key under which the query returns boots as a whole.
_WHOLE = 0
#: The share of true changes of the smallest detectable size that are found: 0.84 is the normal quantile of 80 %.
_POWER = 0.84


_QUERY = """
WITH chosen AS (
    SELECT boot, CASE WHEN {a} THEN 0 ELSE 1 END AS side, {unit} AS unit FROM boots
    WHERE outcome = 'active' AND {scope} AND (({a}) OR ({b}))),
s AS (
    SELECT s.key AS key, s.n AS n, s.boot AS boot, c.side AS side, c.unit AS unit, ln(greatest(s.self_us, 1)) AS x
    FROM steps s JOIN chosen c ON s.boot = c.boot WHERE s.total_us > 0),
m AS (SELECT key, n, {med_x} AS med FROM s GROUP BY key, n HAVING min(side) <> max(side)),
x AS (
    SELECT s.key AS key, s.boot AS boot, s.side AS side, s.unit AS unit, s.x - m.med AS dev, m.med AS med
    FROM s JOIN m ON s.key = m.key AND s.n = m.n),
f AS (SELECT boot, side, unit, {med_dev} AS shared FROM x WHERE med > ln({floor}) GROUP BY boot, side, unit),
y AS (
    SELECT x.key AS key, x.side AS side, x.unit AS unit, round(x.dev - f.shared, 6) AS y
    FROM x JOIN f ON x.boot = f.boot
    UNION ALL SELECT CAST({whole} AS BIGINT) AS key, side, unit, round(shared, 6) AS y FROM f),
e AS (SELECT key, {med_y0} AS y0, {med_y1} AS y1, avg(abs(y)) AS width FROM y GROUP BY key),
{ranks}
SELECT a.key AS key, a.units AS u0, b.units AS u1, a.n AS n0, b.n AS n1, a.mean AS m0, b.mean AS m1,
    a.squares / (a.n * a.n) AS v0, b.squares / (b.n * b.n) AS v1, e.y1 - e.y0 AS shift, e.width AS width
FROM k a JOIN k b ON a.key = b.key AND a.side = 0 AND b.side = 1 JOIN e ON e.key = a.key
ORDER BY a.key
"""


def query(scope: Scope, a: str, b: str, units: str) -> str:
    """Return the question as SQL; ``a`` and ``b`` are conditions in SQL."""
    return _QUERY.format(
        a=a, b=b, unit=unit(units), scope=scope.condition, floor=FLOOR_US, whole=_WHOLE,
        ranks=ranked("y", "side", "unit"),
        med_x=quantile(0.5, "x"), med_dev=quantile(0.5, "dev"),
        med_y0=quantile(0.5, "CASE WHEN side = 0 THEN y END"), med_y1=quantile(0.5, "CASE WHEN side = 1 THEN y END"),
    )  # fmt: skip


@dataclass(slots=True)
class Test:
    """A step's comparison: ``ratio`` of medians without what boots share, ``detectable`` the smallest ratio."""

    key: int
    boots: tuple[int, int]
    units: tuple[int, int]
    ratio: float
    p: float
    error: float
    degrees: float
    width: float
    q: float = 1.0
    detectable: float = 0.0

    @property
    def changed(self) -> bool:
        """True if the change is neither chance nor too small to report."""
        return self.q < FALSE_DISCOVERIES and abs(log(self.ratio)) >= log(MIN_RATIO)


def tests(rows: list[tuple[float, ...]]) -> tuple[list[Test], Test | None, int]:
    """Return the tests of the steps, that of boots as a whole, and the number of steps with too few units."""
    result, whole, few = [], None, 0
    for key, u0, u1, n0, n1, m0, m1, v0, v1, shift, width in rows:
        if min(u0, u1) < MIN_UNITS:
            few += key != _WHOLE
            continue
        variances = v0 * u0 / (u0 - 1), v1 * u1 / (u1 - 1)
        t, degrees = welch((m0, m1), variances, (int(u0), int(u1)))
        test = Test(
            int(key), (int(n0), int(n1)), (int(u0), int(u1)), exp(shift), t_two_sided(t, degrees),
            sqrt(sum(variances)), degrees, width,
        )  # fmt: skip
        if key == _WHOLE:
            whole = test
        else:
            result.append(test)
    for test, q in zip(result, discoveries([test.p for test in result]), strict=True):
        test.q = q
    _set_detectable(result)
    return sorted(result, key=lambda test: (test.p, test.key)), whole, few


def _set_detectable(result: list[Test]) -> None:
    """Set the smallest change of each step that would be found in four of five comparisons.

    For a small shift the mean rank moves by the shift × the integral of the density's square, 1/(2 s √π) for a normal
    distribution, whose deviation s is 1.25 × the mean distance from the median.
    """
    changes = sum(test.changed for test in result)
    level = FALSE_DISCOVERIES * max(changes, 1) / max(len(result), 1)
    for test in result:
        spread = max(test.width * sqrt(pi / 2), 1e-6)
        shift = (t_quantile(level, test.degrees) + _POWER) * test.error * 2 * sqrt(pi) * spread
        test.detectable = max(exp(min(shift, 50)), MIN_RATIO)


_COLUMNS = (
    *trees.STEP, Column("old_us", "A", "us"), Column("new_us", "B", "us"),
    Column("ratio", "change", "ratio"), Column("q", "q", "p"), Column("old_boots", "boots A", "count"),
    Column("new_boots", "boots B", "count"), Column("detectable", "detectable", "ratio"), Column("key", "key", "key"),
)  # fmt: skip


def slower(run: Run, scope: Scope, a: str, b: str, units: str) -> Answer:
    """Return the steps that became slower or faster from the boots with ``a`` to those with ``b``."""
    conditions_ = conditions.sql(a), conditions.sql(b)
    answer = Answer(f"slower: {a} → {b}", sentences=list(scope.sentences))
    sizes = _sizes(run, scope, conditions_, (a, b), units)
    answer.sentences.append(
        f"A: {sizes[0][0]} boots in {sizes[0][1]} units with {a}; B: {sizes[1][0]} boots in {sizes[1][1]} with {b}"
        f" (a unit is a {units})."
    )
    results, whole, few = tests(run(query(scope, *conditions_, units)))
    if not results:
        answer.verdict = CANNOT_TELL
        answer.sentences.append(
            f"Cannot tell: fewer than {MIN_UNITS} units on a side. Boots of a {units} share its load and are no "
            "independent measurements; more boots in other units are needed."
        )
        return answer
    changed = [test for test in results if test.changed]
    names = trees.names(run, [test.key for test in changed])
    medians = _medians(run, scope, conditions_, [test.key for test in changed])
    for name, title, tests_ in (
        ("slower", "Slower", [test for test in changed if test.ratio > 1]),
        ("faster", "Faster", [test for test in changed if test.ratio < 1]),
    ):
        rows = [(*names[t.key], *medians[t.key], t.ratio, t.q, *t.boots, t.detectable, str(t.key)) for t in tests_]
        answer.tables.append(Table(name, title, _COLUMNS, rows))
    answer.verdict = FOUND if answer.tables[0].rows else NOTHING
    answer.sentences += [_summary(results, few), _detectable(results)] + ([_whole(whole)] if whole else [])
    return answer


def _medians(run: Run, scope: Scope, sides: tuple[str, str], keys: list[int]) -> dict[int, tuple[float, float]]:
    """Return the medians of the self time of each key, of A and of B."""
    if not keys:
        return {}
    rows = run(f"""WITH chosen AS (
    SELECT boot, CASE WHEN {sides[0]} THEN 0 ELSE 1 END AS side FROM boots
    WHERE outcome = 'active' AND {scope.condition} AND (({sides[0]}) OR ({sides[1]})))
SELECT s.key, {quantile(0.5, "CASE WHEN c.side = 0 THEN s.self_us END")},
    {quantile(0.5, "CASE WHEN c.side = 1 THEN s.self_us END")}
FROM steps s JOIN chosen c ON s.boot = c.boot WHERE s.total_us > 0 AND s.key IN ({", ".join(map(str, keys))})
GROUP BY s.key""")
    return {key: (old, new) for key, old, new in rows}


def _sizes(run: Run, scope: Scope, sides: tuple[str, str], texts: tuple[str, str], units: str) -> list[tuple[int, int]]:
    sizes = []
    for condition, text in zip(sides, texts, strict=True):
        ((boots, count),) = run(
            f"SELECT count(*), count(DISTINCT {unit(units)}) FROM boots"
            f" WHERE outcome = 'active' AND {scope.condition} AND ({condition})"
        )
        if not boots:
            raise TracerError(f"no boot that became active has {text}")
        sizes.append((boots, count))
    ((both,),) = run(f"SELECT count(*) FROM boots WHERE {scope.condition} AND ({sides[0]}) AND ({sides[1]})")
    if both:
        raise TracerError(
            f"{both} boots have both {texts[0]} and {texts[1]}; choose conditions that exclude each other"
        )
    return sizes


def _summary(results: list[Test], few: int) -> str:
    changed = sum(test.changed for test in results)
    rest = f"; {few} others have fewer than {MIN_UNITS} units on a side: cannot tell" if few else ""
    return (
        f"{changed} of {len(results)} steps changed by 10 % or more (false discoveries ≤ "
        f"{FALSE_DISCOVERIES:.0%}){rest}."
    )


def _detectable(results: list[Test]) -> str:
    ratios = sorted(test.detectable for test in results)
    quiet, middle, noisy = (ratios[min(int(len(ratios) * share), len(ratios) - 1)] for share in (0.1, 0.5, 0.9))
    return (
        f"Smallest change found in 4 of 5 cases: ×{quiet:.2f} in the quietest tenth of the steps, ×{middle:.2f} in "
        f"half of them, ×{noisy:.2f} in nine of ten."
    )


def _whole(whole: Test) -> str:
    shift = f"Boots as a whole: ×{whole.ratio:.2f}"
    if whole.p < FALSE_DISCOVERIES and abs(whole.ratio - 1) >= 0.02:
        return f"{shift} (p {whole.p:.2g}), a shift that all steps share; it is taken out of the changes above."
    return f"{shift}, no more than chance (p {whole.p:.2g}); what all steps share is taken out of the changes above."
