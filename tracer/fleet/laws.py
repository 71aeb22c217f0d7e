"""Counts as linear laws: how many statements, requests and calls a port, a volume, a server on the host cost.

Sums come from the engine; least squares are solved here. Two laws are compared by their standard errors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from typing import Any

from tracer.fleet import conditions, schema, trees
from tracer.fleet.scope import Run, Scope
from tracer.fleet.statistics import FALSE_DISCOVERIES, MIN_UNITS, discoveries, solve, t_two_sided
from tracer.model.fleet import CANNOT_TELL, FOUND, Answer, Column, Table

#: The smallest change of a coefficient that is reported: one more in ten boots.
MIN_CHANGE = 0.1
#: A variable is used if so many of the boots have it.
_KNOWN = 0.5
_UNITS = {"ports": "port", "volumes": "volume", "from_volume": "boot from a volume", "servers": "server on the host"}
_KINDS = {"sql": "SQL", "http": "HTTP", "rpc": "RPC", "call": "calls", "log": "log lines"}
_CONSTANT = "boot"


@dataclass(frozen=True, slots=True)
class Law:
    """A count by its coefficients, the constant first, their standard errors, and the share that they explain."""

    coefficients: tuple[float, ...]
    errors: tuple[float, ...]
    r2: float


@dataclass(slots=True)
class Fit:
    """The laws of a group of boots: of kinds by name, of steps by key."""

    name: str
    boots: int
    variables: tuple[str, ...]
    kinds: dict[str, Law] = field(default_factory=dict)
    steps: dict[int, Law] = field(default_factory=dict)


def variables(run: Run, scope: Scope) -> list[tuple[str, str]]:
    """Return the numeric traits that differ among the boots: name, SQL."""
    candidates = {
        "ports": "CAST(ports AS DOUBLE)",
        "volumes": "CAST(volumes AS DOUBLE)",
        "from_volume": "CASE WHEN image = '' THEN 1.0 WHEN image IS NOT NULL THEN 0.0 END",
    }
    rows = run(
        f"SELECT DISTINCT k.name FROM (SELECT unnest(map_keys(traits)) AS name FROM boots WHERE {scope.condition}) k"
        " ORDER BY 1"
    )
    candidates |= {name: f"TRY_CAST({conditions.column(name)} AS DOUBLE)" for (name,) in rows}
    tests = ", ".join(
        f"count({sql}) >= {_KNOWN} * count(*) AND min({sql}) <> max({sql})" for sql in candidates.values()
    )
    ((*usable,),) = run(f"SELECT {tests} FROM boots WHERE outcome = 'active' AND {scope.condition}")
    return [item for item, use in zip(candidates.items(), usable, strict=True) if use]


def fit(run: Run, scope: Scope, name: str, condition: str, names: list[tuple[str, str]]) -> Fit | None:
    """Return the laws of the boots with a condition; None if there are too few of them."""
    xs = [f"x{i}" for i in range(len(names))]
    columns = "".join(f", {sql} AS {x}" for x, (_, sql) in zip(xs, names, strict=True))
    known = "".join(f" AND {sql} IS NOT NULL" for _, sql in names)
    counts = ", ".join(f"CAST({kind} AS DOUBLE) AS {kind}" for kind in schema.COUNTED)
    chosen = (
        f"WITH g AS (SELECT boot, {counts}{columns} FROM boots"
        f" WHERE outcome = 'active' AND {scope.condition} AND ({condition}){known})"
    )
    terms = ["1", *xs]
    products = ", ".join(f"sum({a} * {b})" for a in terms for b in terms)
    totals = "".join(f", sum({kind} * {x})" for kind in schema.COUNTED for x in [*terms, kind])
    (row,) = run(f"{chosen} SELECT {products}{totals} FROM g")
    size = len(terms)
    matrix = [list(map(_number, row[i * size : (i + 1) * size])) for i in range(size)]
    if matrix[0][0] < MIN_UNITS:
        return None
    independent = _independent(matrix)
    if matrix[0][0] <= len(independent) + 1:
        return None
    result = Fit(name, int(matrix[0][0]), tuple(names[i - 1][0] for i in independent[1:]))
    rest = list(map(_number, row[size * size :]))
    sides = {kind: rest[i * (size + 1) : (i + 1) * (size + 1)] for i, kind in enumerate(schema.COUNTED)}
    result.kinds = _laws(matrix, independent, sides)
    sums = ", ".join(f"sum(CAST(s.n AS DOUBLE) * {x if x == '1' else 'g.' + x})" for x in terms)
    rows = run(
        f"{chosen} SELECT s.key, {sums}, sum(CAST(s.n AS DOUBLE) * s.n) FROM steps s JOIN g ON s.boot = g.boot"
        " GROUP BY s.key ORDER BY s.key"
    )
    result.steps = _laws(matrix, independent, {key: list(map(_number, values)) for key, *values in rows})
    return result


def _number(value: Any) -> float:
    return float(value or 0)


def _independent(matrix: list[list[float]]) -> list[int]:
    """Return the indexes of the constant and of those variables that no combination of earlier ones equals."""
    chosen = [0]
    for i in range(1, len(matrix)):
        tried = [*chosen, i]
        if solve([[matrix[a][b] for b in tried] for a in tried], [0.0] * len(tried)) is not None:
            chosen = tried
    return chosen


def _laws(matrix: list[list[float]], chosen: list[int], sides: dict[Any, list[float]]) -> dict[Any, Law]:
    """Return the law of each right side: the sums of y, y × each variable, and y²."""
    inner = [[matrix[a][b] for b in chosen] for a in chosen]
    units = [[float(i == j) for i in range(len(chosen))] for j in range(len(chosen))]
    inverse = solve(inner, *units)
    assert inverse is not None
    boots = inner[0][0]
    result = {}
    for name, sums in sides.items():
        y = [sums[i] for i in chosen]
        b = [sum(row[i] * y[i] for i in range(len(y))) for row in inverse]
        rest = max(sums[-1] - sum(x * z for x, z in zip(b, y, strict=True)), 0.0)
        spread = sums[-1] - y[0] * y[0] / boots
        exact = rest <= 1e-9 * max(sums[-1], 1.0)
        variance = 0.0 if exact else rest / (boots - len(chosen))
        errors = tuple(sqrt(max(variance * inverse[i][i], 0.0)) for i in range(len(b)))
        r2 = 1.0 if exact else 1 - rest / spread if spread > 0 else 0.0
        result[name] = Law(tuple(b), errors, r2)
    return result


def law_text(kind: str, law: Law, names: tuple[str, ...]) -> str:
    """Return ``SQL = 212 + 4.0 servers``, without what is nearly zero."""
    terms = [f"{law.coefficients[0]:.1f}".removesuffix(".0")]
    for name, value in zip(names, law.coefficients[1:], strict=True):
        if abs(value) >= MIN_CHANGE / 2:
            terms.append(f"{'+' if value > 0 else '−'} {abs(value):.1f} {name}")
    return f"{kind} = {' '.join(terms)}"


_LAWS = (
    Column("group", "boots with"), Column("law", "law"), Column("r2", "R²", "number"),
    Column("boots", "boots", "count"),
)  # fmt: skip
_STEP_LAWS = (
    Column("per", "per"), *trees.STEP, Column("slope", "times", "number"),
    Column("key", "key", "key"),
)  # fmt: skip
_CHANGES = (
    Column("per", "per"), *trees.STEP, Column("old", "A", "number"),
    Column("new", "B", "number"), Column("change", "change", "number"), Column("p", "p", "p"),
    Column("key", "key", "key"),
)  # fmt: skip


def laws(run: Run, scope: Scope, a: str | None, b: str | None) -> Answer:
    """Return the laws of A and B, or of each release, and how they changed."""
    answer = Answer("laws", sentences=list(scope.sentences))
    names = variables(run, scope)
    groups = [(text, conditions.sql(text)) for text in (a, b) if text] or _releases(run, scope)
    fits = [fitted for name, sql in groups if (fitted := fit(run, scope, name, sql, names))]
    few = [name for name, _ in groups if name not in {fitted.name for fitted in fits}]
    if few:
        answer.sentences.append(f"Too few boots that became active: {', '.join(few)}.")
    if not fits or ((a or b) and few):
        answer.verdict = CANNOT_TELL
        answer.sentences.append("Cannot tell.")
        return answer
    if not names:
        answer.sentences.append("The boots do not differ in ports, volumes or numeric traits: the laws are constants.")
    answer.tables.append(Table("laws", "Laws", _LAWS, [
        (fitted.name, law_text(_KINDS[kind], law, fitted.variables), round(law.r2, 5), fitted.boots)
        for kind in schema.COUNTED for fitted in fits for law in [fitted.kinds[kind]]
    ]))  # fmt: skip
    answer.tables.append(_growing(run, fits[-1]))
    for old, new in pairwise(fits):
        tables = _changes(run, old, new)
        answer.tables += tables
        if any(row[6] > 0 for table in tables for row in table.rows if row[0] != _CONSTANT):  # type: ignore[operator]
            answer.verdict = FOUND
        count = sum(len(table.rows) for table in tables)
        answer.sentences.append(
            f"{old.name} → {new.name}: {count} coefficients changed."
            if count
            else f"{old.name} → {new.name}: no law changed."
        )
    return answer


def _releases(run: Run, scope: Scope) -> list[tuple[str, str]]:
    rows = run(
        f"SELECT release, min(started) AS first FROM boots WHERE {scope.condition} GROUP BY release"
        " ORDER BY first, release"
    )
    return [(f"release={release}", f"release = {conditions.literal(release)}") for release, _ in rows]


def _growing(run: Run, fitted: Fit) -> Table:
    """Return the steps that occur more often for each port, volume, ..."""
    rows = [
        (abs(law.coefficients[i]), name, key, law.coefficients[i])
        for key, law in fitted.steps.items()
        for i, name in enumerate(fitted.variables, 1)
        if abs(law.coefficients[i]) >= MIN_CHANGE and _p(law.coefficients[i], law.errors[i], fitted.boots) < 1e-4
    ]
    names = trees.names(run, {row[2] for row in rows})
    ordered = sorted(rows, key=lambda row: (row[1], -row[0], row[2]))
    return Table("growing", f"Steps that grow ({fitted.name})", _STEP_LAWS, [
        (_UNITS.get(name, name), *names[key], round(value, 3), str(key)) for _, name, key, value in ordered
        if not names[key][1].startswith("log: ")
    ])  # fmt: skip


def _changes(run: Run, old: Fit, new: Fit) -> list[Table]:
    """Return the changed coefficients of kinds and of steps; the constants of kinds only."""
    kinds = [("", _KINDS[kind], "", None, old.kinds[kind], new.kinds[kind]) for kind in schema.COUNTED]
    nothing = Law((0.0,) * (len(old.variables) + 1), (0.0,) * (len(old.variables) + 1), 1.0)
    none_new = Law((0.0,) * (len(new.variables) + 1), (0.0,) * (len(new.variables) + 1), 1.0)
    keys = sorted(old.steps.keys() | new.steps.keys())
    names = trees.names(run, keys)
    steps = [(*names[key], key, old.steps.get(key, nothing), new.steps.get(key, none_new)) for key in keys]
    title = f"{old.name} → {new.name}"
    return [
        Table("changed_counts", f"Changed counts, {title}", _CHANGES, _changed(kinds, old, new, constants=True)),
        Table("changed_steps", f"Changed steps, {title}", _CHANGES, _changed(steps, old, new, constants=False)),
    ]


def _changed(lines: list[tuple[Any, ...]], old: Fit, new: Fit, *, constants: bool) -> list[tuple[Any, ...]]:
    shared = [name for name in new.variables if name in old.variables]
    candidates = []
    for service, name, above, key, before, after in lines:
        for variable in ([_CONSTANT] if constants else []) + shared:
            i = old.variables.index(variable) + 1 if variable != _CONSTANT else 0
            j = new.variables.index(variable) + 1 if variable != _CONSTANT else 0
            change = after.coefficients[j] - before.coefficients[i]
            p = _p(change, sqrt(before.errors[i] ** 2 + after.errors[j] ** 2), min(old.boots, new.boots))
            candidates.append(
                (variable, service, name, above, before.coefficients[i], after.coefficients[j], change, p, key)
            )
    rows = [
        (
            _UNITS.get(variable, variable),
            service,
            name,
            above,
            round(x, 3),
            round(y, 3),
            round(change, 3),
            p,
            str(key or ""),
        )
        for (variable, service, name, above, x, y, change, p, key), q in zip(
            candidates, discoveries([candidate[7] for candidate in candidates]), strict=True
        )
        if abs(change) >= MIN_CHANGE and q < FALSE_DISCOVERIES
    ]
    return sorted(rows, key=lambda row: (-abs(row[6]), row[0], row[2]))


def _p(value: float, error: float, boots: int) -> float:
    if error <= 1e-12:
        return 1.0 if abs(value) < 1e-6 else 0.0
    return t_two_sided(value / error, max(boots - 2, 1))
