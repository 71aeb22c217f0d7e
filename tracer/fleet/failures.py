"""Steps that only failures have, and steps that fail only in them."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.fleet import trees
from tracer.fleet.scope import Run, Scope
from tracer.fleet.statistics import FALSE_DISCOVERIES, MIN_UNITS, discoveries, more_often
from tracer.model.fleet import CANNOT_TELL, FOUND, Answer, Cell, Column, Table

#: A step of failures is so many times as frequent in them, and in this share of them.
_LIFT, _SHARE = 10.0, 0.05


@dataclass(frozen=True, slots=True)
class _Step:
    """The boots of a kind of failure, and those that ended well, that have a step, or in which it fails."""

    key: int
    failed: int
    good: int
    p: float


def query(scope: Scope) -> str:
    """Return the question as SQL: a row a key and outcome with the boots that have it, and in which it raises."""
    return f"""WITH chosen AS (
    SELECT boot, CASE WHEN outcome = 'error' THEN coalesce(error, 'unknown') ELSE '' END AS error FROM boots
    WHERE outcome IN ('active', 'error') AND {scope.condition})
SELECT s.key AS key, c.error AS error, count(*) AS boots, sum(CASE WHEN s.errors > 0 THEN 1 ELSE 0 END) AS raised
FROM steps s JOIN chosen c ON s.boot = c.boot GROUP BY s.key, c.error ORDER BY s.key, c.error"""


def _totals(run: Run, scope: Scope) -> dict[str, int]:
    rows = run(
        "SELECT CASE WHEN outcome = 'error' THEN coalesce(error, 'unknown') ELSE '' END AS error, count(*) FROM boots"
        f" WHERE outcome IN ('active', 'error') AND {scope.condition} GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return dict(rows)


_COLUMNS = (
    Column("error", "failure"), *trees.STEP,
    Column("failed", "of failures", "share"), Column("good", "of others", "share"), Column("p", "p", "p"),
    Column("key", "key", "key"),
)  # fmt: skip


def failures(run: Run, scope: Scope) -> Answer:
    """Return, for each kind of failure, the topmost steps that only it has, and the deepest that fail only in it."""
    answer = Answer("failures", sentences=list(scope.sentences))
    totals = _totals(run, scope)
    good, kinds = totals.pop("", 0), {error: count for error, count in totals.items() if count >= MIN_UNITS}
    failed = sum(totals.values())
    answer.sentences.append(
        f"{failed} of {good + failed} boots failed: {_listed(totals)}." if failed else "No boot failed."
    )
    if failed and (not kinds or good < MIN_UNITS):
        answer.verdict = CANNOT_TELL
        answer.sentences.append(
            f"Cannot tell: no kind of failure has {MIN_UNITS} boots."
            if not kinds
            else f"Cannot tell: only {good} boots ended well."
        )
        return answer
    rows = run(query(scope)) if kinds else []
    tree = trees.tree(run)
    present, raised = _counts(rows, 2), _counts(rows, 3)
    for name, title, counts, choose in (
        ("steps", "Only in failures: the topmost steps", present, tree.top),
        ("errors", "Failing only in failures: the deepest steps", raised, tree.deepest),
    ):
        lines: list[tuple[Cell, ...]] = []
        for error, count in kinds.items():
            steps = {step.key: step for step in _typical(counts, error, count, good)}
            shown = sorted((steps[key] for key in choose(steps.keys())), key=lambda step: (-step.failed, step.key))
            lines.extend((error, *tree.name(s.key), s.failed / count, s.good / good, s.p, str(s.key)) for s in shown)
        answer.tables.append(Table(name, title, _COLUMNS, lines))
    answer.verdict = FOUND if any(table.rows for table in answer.tables) else answer.verdict
    return answer


def _listed(totals: dict[str, int]) -> str:
    return ", ".join(f"{count} by {error}" for error, count in totals.items())


def _counts(rows: list[tuple[int, str, int, int]], column: int) -> dict[int, dict[str, int]]:
    result: dict[int, dict[str, int]] = {}
    for row in rows:
        result.setdefault(row[0], {})[row[1]] = int(row[column])
    return result


def _typical(counts: dict[int, dict[str, int]], error: str, failed: int, good: int) -> list[_Step]:
    """Return the steps that are far more frequent in a kind of failure than in boots that ended well."""
    steps = [
        _Step(key, hits, others, more_often(hits, failed, others, good))
        for key, by_error in counts.items()
        if (hits := by_error.get(error, 0)) >= _SHARE * failed
        and hits
        and hits / failed >= _LIFT * (others := by_error.get("", 0)) / good
    ]
    return [step for step, q in zip(steps, discoveries([s.p for s in steps]), strict=True) if q < FALSE_DISCOVERIES]
