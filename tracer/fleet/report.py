"""A fleet at a glance: the answers to the questions that need no argument, and the tree of steps with their trends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from tracer.fleet import failures, hosts, laws, odd, percentiles, since, trees
from tracer.fleet.adjusted import quantile
from tracer.fleet.scope import Run, Scope
from tracer.model.fleet import Answer, FleetReport, StepTrend, Table

_QUESTIONS: dict[str, Callable[[Run, Scope], Answer]] = {
    "failures": failures.failures,
    "hosts": hosts.hosts,
    "odd": odd.odd,
    "laws": lambda run, scope: laws.laws(run, scope, None, None),
}


def report(run: Run, scope: Scope, doing: Callable[[str, float | None], None]) -> FleetReport:
    """Return the report on the boots in a scope."""
    doing("looking for changes", 0.0)
    changed = since.since(run, scope)
    answers = [changed]
    for number, (name, question) in enumerate(_QUESTIONS.items(), 1):
        doing(f"asking about {name}", number / (len(_QUESTIONS) + 2))
        answers.append(question(run, scope))
    doing("computing percentiles", 0.9)
    facts, boots = _facts(run, scope)
    return FleetReport(facts, answers, _steps(run, scope, boots, _changes(changed.tables)), since.releases(run, scope))


def _facts(run: Run, scope: Scope) -> tuple[list[tuple[str, str]], int]:
    ((boots, failed, hosts_, first, last, median, high),) = run(
        "SELECT count(*), sum(CASE WHEN outcome = 'error' THEN 1 ELSE 0 END), count(DISTINCT host), min(day), max(day),"
        f" {quantile(0.5, 'dur_us')}, {quantile(0.95, 'dur_us')}"
        f" FROM boots WHERE {scope.condition}"
    )
    releases = run(
        f"SELECT release, count(*) FROM boots WHERE {scope.condition} GROUP BY release ORDER BY min(started), release"
    )
    facts = [
        ("boots", f"{boots:,}, of which {failed:,} failed"),
        ("days", f"{first} to {last}"),
        ("hosts", f"{hosts_:,}"),
        ("releases", ", ".join(f"{release or 'unknown'} ({count:,})" for release, count in releases)),
        ("duration", f"median {median / 1e6:.2f} s, 95th percentile {high / 1e6:.2f} s"),
    ]
    return facts, boots


def _changes(tables: list[Table]) -> dict[int, tuple[date, float]]:
    """Return day and ratio of each changed key."""
    result: dict[int, tuple[date, float]] = {}
    for table in tables:
        for row in table.rows:
            _, _, _, day, ratio, *_, key = row
            assert isinstance(day, date)
            result[int(str(key))] = day, float(str(ratio))
    return result


def _steps(run: Run, scope: Scope, boots: int, changes: dict[int, tuple[date, float]]) -> list[StepTrend]:
    totals = percentiles.by_key(run, scope, boots)
    days = percentiles.by_day(run, scope, boots)
    alone = percentiles.by_day(run, scope, boots, "self_us", changes)
    result = []
    for key in trees.tree(run).in_order():
        if key.number not in totals:
            continue
        count, occurrences, median, high = totals[key.number]
        day, ratio = changes.get(key.number, (None, None))
        result.append(StepTrend(
            key.number, key.depth, key.service, key.kind, key.name, count, int(occurrences), median, high,
            tuple(days.get(key.number, ())), day, ratio,
            tuple(alone.get(key.number, ())),
        ))  # fmt: skip
    return result
