"""The boots that a question is about: a condition, and the witnesses of which only one set is compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tracer.errors import TracerError
from tracer.fleet import conditions
from tracer.text import plural

#: Runs a query on the store's tables and returns its rows.
Run = Callable[[str], "list[tuple]"]  # type: ignore[type-arg]

#: Units of the statistics, by their names on the command line, as SQL of a row of ``boots``.
UNITS = {"host-day": "concat(host, ' ', CAST(day AS VARCHAR))", "day": "CAST(day AS VARCHAR)"}


@dataclass(frozen=True, slots=True)
class Scope:
    """A condition on ``boots`` as SQL, and sentences on the boots that it leaves out."""

    condition: str
    sentences: list[str] = field(default_factory=list)


def scope(run: Run, where: str, witnesses: str | None) -> Scope:
    """Return the scope of a question: of the boots in it those with the most common witnesses, or the given ones."""
    condition = conditions.sql(where)
    sets = run(
        f"SELECT witnesses, count(*) AS boots FROM boots WHERE {condition} GROUP BY witnesses ORDER BY 2 DESC, 1"
    )
    if not sets:
        raise TracerError("the store has no boots" + (f" with {where}" if where else ""))
    chosen = witnesses if witnesses is not None else sets[0][0]
    if chosen not in {name for name, _ in sets}:
        raise TracerError(f"no boot has the witnesses {chosen}; there are: {', '.join(name for name, _ in sets)}")
    others = ", ".join(f"{plural(count, 'boot')} by {name}" for name, count in sets if name != chosen)
    sentences = [f"Boots recorded by {chosen}; not compared with them: {others} (--witnesses)."] if others else []
    return Scope(f"{condition} AND witnesses = '{chosen.replace(chr(39), chr(39) * 2)}'", sentences)


def unit(name: str) -> str:
    """Return a unit's SQL: ``host-day``, ``day``, or a column or trait of the boots."""
    return UNITS.get(name) or f"CAST({conditions.column(name)} AS VARCHAR)"
