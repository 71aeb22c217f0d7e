"""The answer to a question about a fleet: a verdict, sentences and tables, as values for reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

#: Verdicts of a question.
NOTHING, FOUND, CANNOT_TELL = "nothing", "found", "cannot tell"

#: A cell of a table; None where there is no value.
Cell = str | int | float | date | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in JSON, its title, and the unit of its values.

    Units: ``text``, ``count``, ``number``, ``us`` (microseconds), ``ratio`` (×1.20), ``share`` (0 to 1), ``p`` (a
    probability), ``day``.
    """

    name: str
    title: str
    unit: str = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title; ``name`` is its name in JSON."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]


@dataclass(slots=True)
class Answer:
    """The answer to a question: sentences and tables."""

    question: str
    verdict: str = NOTHING
    sentences: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StepTrend:
    """A step in a report: its percentiles, its days (day, median, 95th), and its change.

    Of a changed step ``alone`` has the days of the time without what is inside it, in which the change is.
    """

    key: int
    depth: int
    service: str
    kind: str
    name: str
    boots: int
    count: int
    median: float
    high: float
    days: tuple[tuple[date, float, float], ...] = ()
    since: date | None = None
    ratio: float | None = None
    alone: tuple[tuple[date, float, float], ...] = ()


@dataclass(slots=True)
class FleetReport:
    """A fleet at a glance: facts (name, text), the answers to the questions, and its steps in the tree's order."""

    facts: list[tuple[str, str]]
    answers: list[Answer]
    steps: list[StepTrend]
    releases: list[tuple[str, date]] = field(default_factory=list)
