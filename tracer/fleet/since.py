"""Change points: the day since which a step is slower or faster, from its daily medians without what boots share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import exp, log

from tracer.fleet import trees
from tracer.fleet.adjusted import SAMPLE, adjusted, quantile
from tracer.fleet.scope import Run, Scope
from tracer.fleet.statistics import FALSE_DISCOVERIES, MIN_RATIO, MIN_UNITS, discoveries, median, rank_sum_two_sided
from tracer.model.fleet import CANNOT_TELL, FOUND, Answer, Column, Table

#: Days on each side of a change.
_SIDE = 5


@dataclass(frozen=True, slots=True)
class Change:
    """The most likely change of a step: the first day after it, the ratio, and its q-value."""

    key: int
    day: date
    ratio: float
    q: float


def query(scope: Scope) -> str:
    """Return the question as SQL: a row a key and day."""
    return f"""{adjusted(scope.condition, SAMPLE)}
SELECT key, day, {quantile(0.5, "y")} AS y FROM y GROUP BY key, day ORDER BY key, day"""


def changes(rows: list[tuple[int, date, float]]) -> tuple[list[Change], int, int]:
    """Return the changes, the number of steps that were examined, and that of steps with too few days."""
    series: dict[int, list[tuple[date, float]]] = {}
    for key, day, value in rows:
        series.setdefault(key, []).append((day, value))
    enough = {key: days for key, days in series.items() if len(days) >= 2 * MIN_UNITS}
    scans = {key: scan([value for _, value in days]) for key, days in enough.items()}
    keys = list(scans)
    result = []
    for key, q in zip(keys, discoveries([scans[key][1] for key in keys]), strict=True):
        split, _ = scans[key]
        values = [value for _, value in enough[key]]
        ratio = exp(median(values[split:]) - median(values[:split]))
        if q < FALSE_DISCOVERIES and abs(log(ratio)) >= log(MIN_RATIO):
            result.append(Change(key, enough[key][split][0], ratio, q))
    return (
        sorted(result, key=lambda change: (-abs(log(change.ratio)), change.key)),
        len(enough),
        len(series) - len(enough),
    )


def scan(values: list[float]) -> tuple[int, float]:
    """Return the most likely split of a series and its probability by chance, for as many splits as there are.

    Ranks, so that one wild day does not matter.
    """
    count = len(values)
    order = sorted(range(count), key=values.__getitem__)
    ranks = [0] * count
    for rank, index in enumerate(order, 1):
        ranks[index] = rank
    total, best, split = 0, -1.0, _SIDE
    for i in range(1, count - _SIDE + 1):
        total += ranks[i - 1]
        if i < _SIDE:
            continue
        distance = abs(total - i * (count + 1) / 2) / (i * (count - i)) ** 0.5
        if distance > best:
            best, split = distance, i
    statistic = sum(ranks[:split]) - split * (split + 1) / 2
    chance = rank_sum_two_sided(split, count - split, statistic)
    return split, min(1.0, chance * (count - 2 * _SIDE + 1))


_COLUMNS = (
    *trees.STEP, Column("since", "since", "day"),
    Column("ratio", "change", "ratio"), Column("release", "first day of release"), Column("q", "q", "p"),
    Column("key", "key", "key"),
)  # fmt: skip


def since(run: Run, scope: Scope) -> Answer:
    """Return the steps that changed, and since when."""
    answer = Answer("since", sentences=list(scope.sentences))
    result, examined, few = changes(run(query(scope)))
    if not examined:
        answer.verdict = CANNOT_TELL
        answer.sentences.append(f"Cannot tell: no step has {2 * MIN_UNITS} days with boots.")
        return answer
    first = {day: release for release, day in releases(run, scope)}
    names = trees.names(run, [change.key for change in result])
    rows = [
        (*names[c.key], c.day, c.ratio, first.get(c.day, ""), c.q, str(c.key)) for c in result
    ]  # fmt: skip
    answer.tables.append(Table("changes", "Changed", _COLUMNS, list(rows)))
    rest = f"; {few} others have fewer than {2 * MIN_UNITS} days: cannot tell" if few else ""
    answer.sentences.append(f"{len(rows)} of {examined} steps changed by 10 % or more{rest}.")
    answer.verdict = FOUND if any(change.ratio > 1 for change in result) else answer.verdict
    return answer


def releases(run: Run, scope: Scope) -> list[tuple[str, date]]:
    """Return each release with its first day, in order, without those of the store's first day."""
    rows = run(
        f"SELECT release, min(day) AS first FROM boots WHERE {scope.condition} GROUP BY release ORDER BY first, release"
    )
    return [(release, day) for release, day in rows if day != rows[0][1]]
